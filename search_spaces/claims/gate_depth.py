"""How much of the gates' variance is between classes, in the first block and in the last?"""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metric` is a word of the program
    name="claims_gate_depth",
    subject="ablations.subjects.attention.claims.planted:train_depth",
    metric={"name": "class_ratio", "direction": "maximize"},
    question="Are the last block's gates more specific to the class than the first one's?",
    baseline={"block": "first"},
    factors=(Factor(name="block", levels=("first", "last")),),
)
