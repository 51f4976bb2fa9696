"""The ratio at several network widths: how r* grows with the number of channels.

The same ratios at every width, so that the shape of the curve is not confounded with C; the narrowest
network allows r up to 16.
"""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="width",
    question="How does the best reduction ratio grow with the number of channels?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(name="backbone.width", levels=(16, 32, 64)),
        Factor(name="attention.reduction", levels=(2, 4, 8, 16)),
    ),
    controls={
        "no attention": {"attention.placement": "none"},
        "no attention, width 32": {"attention.placement": "none", "backbone.width": 32},
        "no attention, width 64": {"attention.placement": "none", "backbone.width": 64},
    },
)
