"""Where the block sits in the residual unit, and on which side of the activation."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="placement",
    question="Does it matter where attention sits?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(
            name="attention.placement",
            levels=("standard", "pre", "post", "identity", "inner", "none"),
        ),
        Factor(name="attention.order", levels=("before", "after")),
    ),
)
