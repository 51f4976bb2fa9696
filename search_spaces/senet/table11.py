"""Table 11 of the SENet paper (arXiv:1709.01507): the squeeze, an average or a maximum.

Everything else as in `table10`.
"""

from ablations import Arm, Attention, Backbone, Factor, Space, Training

space = Space(
    name="senet_table11",
    question="Does it matter whether channels are squeezed by their average or their maximum?",
    baseline=Arm(
        attention=Attention(reduction=16),
        backbone=Backbone(name="resnet50_v1"),
        training=Training(epochs=100, batch_size=256, label_smoothing=0.1),
    ),
    factors=(Factor(name="attention.squeeze", levels=("avg", "max")),),
    controls={"no attention": {"attention.placement": "none"}},
)
