"""Table 14 of the SENet paper (arXiv:1709.01507): where the block sits in the unit.

Everything else as in `table10`.
"""

from ablations import Arm, Attention, Backbone, Factor, Space, Training

space = Space(
    name="senet_table14",
    question="Does it matter where attention sits in the unit?",
    baseline=Arm(
        attention=Attention(reduction=16),
        backbone=Backbone(name="resnet50_v1"),
        training=Training(epochs=100, batch_size=256, label_smoothing=0.1),
    ),
    factors=(
        Factor(name="attention.placement", levels=("standard", "pre", "post", "identity", "none")),
    ),
)
