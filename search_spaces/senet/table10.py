"""Table 10 of the SENet paper (arXiv:1709.01507): the reduction ratio.

The paper's host has its stride in the first 1x1 convolution. Batch and label smoothing are the paper's; its plateau
schedule of 300 epochs is a cosine of 100 here: `--set training.epochs=300`.
"""

from ablations import Arm, Attention, Backbone, Factor, Space, Training

BASELINE = Arm(
    attention=Attention(reduction=16),
    backbone=Backbone(name="resnet50_v1"),
    training=Training(epochs=100, batch_size=256, label_smoothing=0.1),
)
CONTROLS = {"no attention": {"attention.placement": "none"}}

space = Space(
    name="senet_table10",
    question="Does the reduction ratio matter?",
    baseline=BASELINE,
    factors=(Factor(name="attention.reduction", levels=(2, 4, 8, 16, 32)),),
    controls=CONTROLS,
)
