"""Average against maximum as the squeeze."""

from ablations.settings import Arm, Attention
from ablations.space import Factor, Space

space = Space(
    name="squeeze",
    question="Does it matter how a channel is squeezed to one number?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(Factor(name="attention.squeeze", levels=("avg", "max")),),
    controls={"no attention": {"attention.placement": "none"}},
)
