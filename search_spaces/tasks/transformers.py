"""Channel attention beside self-attention, before it and after it, and in its place."""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # the words of a program
    name="tasks_transformers",
    subject="ablations.subjects.tasks.transformers.module:TokenClassifier",
    data="ablations.subjects.tasks.transformers.data:LargeDigits",
    keep_data=True,
    metrics=[
        {"name": "val_loss", "direction": "minimize", "unit": "nats"},
        {"name": "val_accuracy", "direction": "maximize"},
    ],
    trainer={"max_epochs": 6},
    attach={"at": "network.layers.?.mixing"},
    question="What does channel attention do before self-attention, after it, and in its place?",
    baseline={"attention.reduction": 4, "attention.placement": "none"},
    factors=(Factor(name="attention.placement", levels=("none", "pre", "standard")),),
    controls={
        "in its place": {"model.mixing": "none", "attention.placement": "standard"},
        "neither": {"model.mixing": "none"},
    },
)
