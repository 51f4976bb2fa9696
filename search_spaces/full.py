"""Everything that makes up the block at once; large as a grid, meant for an adaptive search."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="full",
    question="Which settings of the block matter together?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(name="attention.placement", levels=("standard", "post", "none")),
        Factor(name="attention.order", levels=("before", "after")),
        Factor(name="attention.reduction", levels=(1, 2, 4, 8, 16)),
        Factor(name="attention.squeeze", levels=("avg", "max")),
        Factor(name="attention.gate", levels=("sigmoid", "two_sigmoid", "one_plus_tanh")),
    ),
)
