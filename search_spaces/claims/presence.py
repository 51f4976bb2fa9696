"""With attention and without: what it changes, and what it costs."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="claims_presence",
    question="Does attention help at all?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(Factor(name="attention.placement", levels=("standard", "none")),),
)
