"""Table 13 of the SENet paper (arXiv:1709.01507): which stages have attention.

Stage n of the paper is stage n - 1 here: torchvision's `layer` number. Everything else as in `table10`.
"""

from ablations import Arm, Attention, Backbone, Factor, Space, Training

space = Space(
    name="senet_table13",
    question="In which stages is attention worth its parameters?",
    baseline=Arm(
        attention=Attention(reduction=16),
        backbone=Backbone(name="resnet50_v1"),
        training=Training(epochs=100, batch_size=256, label_smoothing=0.1),
    ),
    factors=(Factor(name="attention.stages", levels=("all", "1", "2", "3")),),
    controls={"no attention": {"attention.placement": "none"}},
)
