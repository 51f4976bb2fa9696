"""Why attention helps: each control takes away one thing that the block has.

`constant` keeps the gain it starts with, `static` learns a gate that sees no image, `shuffled` and `batch_mean`
gate by other images, `frozen` learns nothing, `widen_params` spends the parameters on a wider host.
"""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="controls",
    question="Is it the gate's dependence on the image, or its gain, its parameters, its scale?",
    # Two hidden units for each channel: enough parameters that a wider host can be matched to them.
    baseline=Arm(attention=Attention(reduction=1)),
    factors=(
        Factor(
            name="attention.control",
            levels=(
                "none",
                "constant",
                "static",
                "shuffled",
                "batch_mean",
                "frozen",
                "widen_params",
            ),
        ),
    ),
    controls={
        "no attention": {"attention.placement": "none"},
        "gain-matched gate": {"attention.gain": "unit"},
    },
)
