"""A channel says the class by one peak, or by its mean: which squeeze reads it?"""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metric` is a word of the program
    name="claims_coding",
    subject="ablations.subjects.attention.claims.planted:train_coded",
    metric={"name": "test_error", "direction": "minimize"},
    question="Does a maximum read peaks better, and an average means?",
    baseline={"coding": "peak", "squeeze": "avg"},
    factors=(
        Factor(name="coding", levels=("peak", "mean")),
        Factor(name="squeeze", levels=("avg", "max")),
    ),
)
