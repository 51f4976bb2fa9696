"""The class is whether exactly one of two far channels is on, and only a gate may say it: which excitation can?"""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metric` is a word of the program
    name="claims_co_firing",
    subject="ablations.subjects.attention.claims.planted:train_pairs",
    metric={"name": "test_loss", "direction": "minimize"},
    question="Which excitation sees that two channels exclude each other?",
    baseline={"excitation": "linear_bottleneck"},
    factors=(Factor(name="excitation", levels=("linear_bottleneck", "bottleneck", "eca")),),
)
