"""The gate function, with the control that starts at the same gain.

A sigmoid starts at 1/2 and halves its branch; 1+tanh starts at 1. Twice the sigmoid starts at 1 too: what
remains between it and 1+tanh is the gate's slope, what lies between it and the sigmoid is the gain.
"""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="gate",
    question="Does the gate function matter, beyond the gain it starts with?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(Factor(name="attention.gate", levels=("sigmoid", "two_sigmoid", "one_plus_tanh")),),
    controls={"no attention": {"attention.placement": "none"}},
)
