"""From 100 to 5 000 examples, a fifth of them labelled wrongly: does attention learn them by heart, or width?"""

from ablations import Factor, Space

space = Space(  # type: ignore[call-arg]  # `metric` is a word of the program
    name="claims_train_size",
    subject="ablations.subjects.attention.claims.sizes:train_size",
    metric={"name": "excess_loss", "direction": "minimize", "unit": "nats"},
    question="Does attention overfit where there are few examples, and more than as many other parameters?",
    baseline={"examples": 100, "block": "none"},
    factors=(
        Factor(name="examples", levels=(100, 500, 5000)),
        Factor(name="block", levels=("none", "attention", "wider")),
    ),
)
