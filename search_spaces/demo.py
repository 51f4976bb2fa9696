"""What `make demo` runs: the gate and the reduction ratio after three epochs, when a gate's gain still shows.

A sigmoid starts at 1/2 and halves its branch; twice the sigmoid and 1+tanh start at 1. Trained longer, the
network makes up for it: with five epochs no difference is seen any more.
"""

from ablations import Arm, Attention, Factor, Space, Training

space = Space(
    name="demo",
    question="When training is short, do the gate's gain and the reduction ratio matter?",
    baseline=Arm(attention=Attention(reduction=4), training=Training(epochs=3, warmup_epochs=0)),
    factors=(
        Factor(name="attention.gate", levels=("sigmoid", "two_sigmoid", "one_plus_tanh")),
        Factor(name="attention.reduction", levels=(1, 2, 4, 8, 16)),
    ),
    controls={"no attention": {"attention.placement": "none"}},
    seeds=8,
)
