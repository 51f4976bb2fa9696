"""Attention in an anchor-free detector of digits in cluttered scenes, against none."""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metrics`, `data`, ... are words of the program
    name="tasks_detection",
    subject="ablations.subjects.tasks.detection.module:BoxFinder",
    data="ablations.subjects.tasks.scenes.data:DigitScenes",
    keep_data=True,
    metrics=[
        {"name": "val_ap", "direction": "maximize"},
        {"name": "val_ap50", "direction": "maximize"},
        {"name": "val_loss", "direction": "minimize"},
    ],
    trainer={"max_epochs": 5},
    attach={"at": "detector.units.*.norm2"},
    question="Does channel or spatial attention help a detector to find its boxes?",
    baseline={"attention.reduction": 4, "data.train": 800},
    factors=(
        Factor(name="attention.placement", levels=("standard", "none")),
        Factor(name="attention.kind", levels=("squeeze_excite", "scse", "cbam")),
    ),
)
