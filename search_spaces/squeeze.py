"""How a channel is squeezed to one number, or to two."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="squeeze",
    question="Does it matter how a channel is squeezed to one number?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(
            name="attention.squeeze",
            levels=(
                "avg",
                "max",
                "avg_max",
                "avg_max_mlp",
                "concat",
                "avg_std",
                "attention",
                "none",
            ),
        ),
    ),
    controls={"no attention": {"attention.placement": "none"}},
)
