"""Digits as graphs of their pixels: attention over the channels, squeezed over a graph's nodes."""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # the words of a program
    name="tasks_graphs",
    subject="ablations.subjects.tasks.graphs.module:GraphClassifier",
    data="ablations.subjects.tasks.graphs.digits:DigitGraphs",
    keep_data=True,
    metrics=[
        {"name": "val_loss", "direction": "minimize", "unit": "nats"},
        {"name": "val_accuracy", "direction": "maximize"},
    ],
    trainer={"max_epochs": 10},
    attach={"at": "network.layers.?", "mask": "mask"},
    question="Does attention help a graph network, and does it matter what it squeezes?",
    baseline={"attention.reduction": 4, "attention.squeeze": "avg"},
    factors=(
        Factor(name="attention.placement", levels=("standard", "none")),
        Factor(name="attention.squeeze", levels=("avg", "max")),
    ),
    controls={"static gate": {"attention.control": "static"}},
)
