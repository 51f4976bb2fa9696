"""The words that attention's settings know. No torch here: settings are read without it."""

from typing import Literal

Placement = Literal["standard", "pre", "post", "identity", "inner", "none"]
Order = Literal["before", "after"]
Kind = Literal["squeeze_excite", "cbam", "scse", "gct", "gather_excite", "global_context"]
Control = Literal[
    "none",
    "constant",
    "static",
    "shuffled",
    "batch_mean",
    "frozen",
    "widen_params",
    "widen_macs",
]
Base = Literal["own", "block_input", "block_output"]
Rounding = Literal["exact", "floor", "round", "ceil", "divisible"]
Squeeze = Literal[
    "avg",
    "max",
    "avg_max",
    "avg_max_mlp",
    "concat",
    "gem",
    "lp",
    "l2",
    "lse",
    "std",
    "avg_std",
    "attention",
    "none",
]
Excitation = Literal["bottleneck", "linear_bottleneck", "full", "diagonal", "eca", "none"]
Activation = Literal["relu", "silu", "gelu", "leaky_relu", "hard_swish"]
Norm = Literal["none", "batch", "layer"]
Bias = Literal[False, True, "last"]
Gate = Literal[
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "one_plus_tanh",
    "two_sigmoid",
    "one_plus_sigmoid",
    "relu",
    "softplus",
    "softmax",
    "identity",
]
Gain = Literal["own", "unit"]
Init = Literal["default", "zero", "open"]
Gather = Literal["mean", "depthwise"]
