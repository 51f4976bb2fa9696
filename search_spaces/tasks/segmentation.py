"""Attention in a U-Net that finds digits in cluttered scenes, against none."""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metrics`, `data`, ... are words of the program
    name="tasks_segmentation",
    subject="ablations.subjects.tasks.segmentation.module:Segmenter",
    data="ablations.subjects.tasks.scenes.data:DigitScenes",
    keep_data=True,
    metrics=[
        {"name": "val_iou", "direction": "maximize"},
        {"name": "val_loss", "direction": "minimize"},
    ],
    trainer={"max_epochs": 10},
    attach={"at": "unet.*coder.*.norm2"},
    question="Does channel or spatial attention help a U-Net to label the pixels?",
    baseline={
        "attention.reduction": 4,
        "model.stride": 2,
        "model.depth": 2,
        "model.width": 16,
        "model.rate": 5e-3,
        "data.batch_size": 8,
    },
    factors=(
        Factor(name="attention.placement", levels=("standard", "none")),
        Factor(name="attention.kind", levels=("squeeze_excite", "scse", "cbam")),
    ),
)
