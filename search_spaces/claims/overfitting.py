"""The reduction ratio on a tenth of the digits, against no attention and a host of as many parameters."""

from ablations import Arm, Attention, Data, Factor, Space

space = Space(
    name="claims_overfitting",
    question="Does attention, or a small ratio, overfit where there are few examples?",
    baseline=Arm(attention=Attention(reduction=1), data=Data(val_fraction=0.9)),
    factors=(
        Factor(name="attention.reduction", levels=(1, 4, 16)),
        Factor(name="attention.control", levels=("none", "widen_params")),
        Factor(name="attention.placement", levels=("standard", "none")),
    ),
)
