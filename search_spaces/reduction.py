"""The reduction ratio, at the paper's other settings, against no attention."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="reduction",
    question="What reduction ratio is worth its parameters?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(Factor(name="attention.reduction", levels=(1, 2, 4, 8, 16)),),
    controls={"no attention": {"attention.placement": "none"}},
)
