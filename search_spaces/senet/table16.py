"""Table 16 of the SENet paper (arXiv:1709.01507): attention without the squeeze.

The excitation then sees each position alone, by 1x1 convolutions. Everything else as in `table10`.
"""

from ablations import Arm, Attention, Backbone, Factor, Space, Training

space = Space(
    name="senet_table16",
    question="Does the block need global information?",
    baseline=Arm(
        attention=Attention(reduction=16),
        backbone=Backbone(name="resnet50_v1"),
        training=Training(epochs=100, batch_size=256, label_smoothing=0.1),
    ),
    factors=(Factor(name="attention.squeeze", levels=("avg", "none")),),
    controls={"no attention": {"attention.placement": "none"}},
)
