"""Half of the channels carry the class and half are noise: which gates does learning open?"""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metric` is a word of the program
    name="claims_planted_gates",
    subject="ablations.subjects.attention.claims.planted:train_gates",
    metric={"name": "gate", "direction": "maximize"},
    question="Do the gates of informative channels rise, and those of noise fall?",
    baseline={"group": "noise"},
    factors=(Factor(name="group", levels=("noise", "informative")),),
)
