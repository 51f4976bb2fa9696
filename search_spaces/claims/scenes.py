"""Four digits in a square, of which the first is the class: the evidence has a place."""

from ablations import Arm, Attention, Data, Factor, Space

space = Space(
    name="claims_scenes",
    question="Is spatial attention better where the evidence is in one quarter of the image?",
    baseline=Arm(
        attention=Attention(reduction=4),
        data=Data(name="ablations.subjects.attention.claims.planted:scenes"),
    ),
    factors=(Factor(name="attention.kind", levels=("squeeze_excite", "cbam")),),
    controls={"no attention": {"attention.placement": "none"}},
)
