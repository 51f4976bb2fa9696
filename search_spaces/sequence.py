"""Attention in a network for sequences: a digit's 64 pixels one after another, read by 1-d convolutions."""

from ablations import Arm, Attention, Backbone, Data, Factor, Space

space = Space(
    name="sequence",
    question="Does attention help a network for sequences, and does it matter what it squeezes?",
    baseline=Arm(
        attention=Attention(reduction=4),
        backbone=Backbone(name="sequence_resnet8"),
        data=Data(name="digits_sequence"),
    ),
    factors=(Factor(name="attention.squeeze", levels=("avg", "max", "avg_max", "std")),),
    controls={"no attention": {"attention.placement": "none"}},
)
