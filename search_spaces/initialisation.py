"""How the gates start: as the layers fall, all at g(0), or open."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="initialisation",
    question="Does it matter how the gates start?",
    baseline=Arm(attention=Attention(reduction=4, bias=True)),
    factors=(Factor(name="attention.init", levels=("default", "zero", "open")),),
    controls={"no attention": {"attention.placement": "none"}},
)
