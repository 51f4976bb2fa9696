"""What makes the gates out of the squeezed channels: how much of a network inside the network it takes.

From the bottleneck down to no parameters at all (the ECA paper's SE-Var1 to SE-Var3, arXiv 1910.03151).
"""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="excitation",
    question="Does the excitation need its bottleneck, its non-linearity, or parameters at all?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(
            name="attention.excitation",
            levels=("bottleneck", "linear_bottleneck", "full", "diagonal", "eca", "none"),
        ),
    ),
    controls={"no attention": {"attention.placement": "none"}},
)
