"""Table 15 of the SENet paper (arXiv:1709.01507): the block after the 3x3 convolution.

It has fewer channels there, and so fewer parameters. Everything else as in `table10`.
"""

from ablations import Arm, Attention, Backbone, Factor, Space, Training

space = Space(
    name="senet_table15",
    question="Is attention inside the unit as good as after it?",
    baseline=Arm(
        attention=Attention(reduction=16),
        backbone=Backbone(name="resnet50_v1"),
        training=Training(epochs=100, batch_size=256, label_smoothing=0.1),
    ),
    factors=(Factor(name="attention.placement", levels=("standard", "inner", "none")),),
)
