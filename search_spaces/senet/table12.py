"""Table 12 of the SENet paper (arXiv:1709.01507): the gate.

With a ReLU the paper's network was worse than without attention. Everything else as in `table10`.
"""

from ablations import Arm, Attention, Backbone, Factor, Space, Training

space = Space(
    name="senet_table12",
    question="Does the gate function matter?",
    baseline=Arm(
        attention=Attention(reduction=16),
        backbone=Backbone(name="resnet50_v1"),
        training=Training(epochs=100, batch_size=256, label_smoothing=0.1),
    ),
    factors=(Factor(name="attention.gate", levels=("sigmoid", "tanh", "relu")),),
    controls={"no attention": {"attention.placement": "none"}},
)
