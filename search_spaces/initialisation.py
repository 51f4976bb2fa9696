"""How the gates start: as the layers fall, all at g(0), or open."""

from ablations.designs.space import Factor, Space
from ablations.subjects.attention.settings import Arm, Attention

space = Space(
    name="initialisation",
    question="Does it matter how the gates start?",
    baseline=Arm(attention=Attention(reduction=4, bias=True)),
    factors=(Factor(name="attention.init", levels=("default", "zero", "open")),),
    controls={"no attention": {"attention.placement": "none"}},
)
