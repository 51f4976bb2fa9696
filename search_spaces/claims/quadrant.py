"""The class stands in one quadrant, which one being marked, and something else in the other three."""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metric` is a word of the program
    name="claims_quadrant",
    subject="ablations.subjects.attention.claims.quadrant:train_quadrant",
    metric={"name": "test_error", "direction": "minimize"},
    question="Is spatial attention better where the evidence is in one quadrant?",
    baseline={"kind": "squeeze_excite"},
    factors=(Factor(name="kind", levels=("squeeze_excite", "cbam")),),
)
