"""Verification of digits that were never seen: attention and the loss's margin, together."""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # the words of a program
    name="tasks_metric_learning",
    subject="ablations.subjects.tasks.metric_learning.module:Embedder",
    data="ablations.subjects.tasks.metric_learning.digits:DigitClasses",
    keep_data=True,
    metrics=[
        {"name": "val_eer", "direction": "minimize"},
        {"name": "val_accuracy", "direction": "maximize"},
    ],
    trainer={"max_epochs": 8},
    attach={"at": "network.layer?.*.bn2"},
    question="Does attention help to tell apart digits that were never seen, and under which margin?",
    baseline={"attention.reduction": 4, "model.head": "arcface"},
    factors=(
        Factor(name="attention.placement", levels=("standard", "none")),
        Factor(name="model.head", levels=("arcface", "cosface", "norm_softmax")),
    ),
    controls={"static gate": {"attention.control": "static"}},
)
