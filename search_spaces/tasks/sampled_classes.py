"""Two hundred identities, of which a step sees the centres of a share: Partial FC."""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # the words of a program
    name="tasks_sampled_classes",
    subject="ablations.subjects.tasks.metric_learning.module:Embedder",
    data="ablations.subjects.tasks.metric_learning.digits:DigitViews",
    keep_data=True,
    metrics=[
        {"name": "val_eer", "direction": "minimize"},
        {"name": "val_accuracy", "direction": "maximize"},
    ],
    trainer={"max_epochs": 16},
    attach={"at": "network.layer?.*.bn2"},
    question="How many of the identities must a step of a margin loss see?",
    baseline={"attention.reduction": 4, "model.identities": 200, "model.sample_rate": 1.0},
    factors=(Factor(name="model.sample_rate", levels=(1.0, 0.5, 0.1)),),
    controls={"no attention": {"attention.placement": "none"}},
)
