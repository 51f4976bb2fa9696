"""Relatives of squeeze-and-excitation, each as its paper has it, at one reduction ratio."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="kin",
    question="Which relative of squeeze-and-excitation is worth its cost?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(
            name="attention.kind",
            levels=("squeeze_excite", "cbam", "scse", "gct", "global_context"),
        ),
    ),
    controls={
        "no attention": {"attention.placement": "none"},
        # Over the whole map it would be squeeze-and-excitation itself.
        "gather-excite": {"attention.kind": "gather_excite", "attention.extent": 2},
        "ECA": {"attention.excitation": "eca"},
        "effective SE": {
            "attention.excitation": "full",
            "attention.gate": "hard_sigmoid",
            "attention.bias": True,
        },
        "SRM": {
            "attention.squeeze": "avg_std",
            "attention.excitation": "diagonal",
            "attention.norm": "batch",
            "attention.init": "zero",
        },
        "CBAM, channels only": {"attention.squeeze": "avg_max_mlp"},
        "global context, as a gate": {
            "attention.squeeze": "attention",
            "attention.norm": "layer",
            "attention.bias": True,
        },
    },
)
