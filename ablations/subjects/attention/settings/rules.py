"""Which settings of attention go together, and which an arm does not use.

What depends on the host (channels, positions, the points that a unit has) is checked where the
network is built.
"""

from collections.abc import Callable

from ablations.import_path import is_import_path
from ablations.subjects.attention.settings.fields import AttentionFields

SIZES = ("reduction", "ratio", "hidden")
STARTS_AT_ZERO = ("tanh", "relu", "identity")
STARTS_AT_ONE = ("one_plus_tanh", "two_sigmoid", "softmax")
WITH_HIDDEN_UNITS = ("bottleneck", "linear_bottleneck")
TWO_STATISTICS = ("concat", "avg_std")
WIDENINGS = ("widen_params", "widen_macs")
WITHOUT_IMAGE = ("constant", "static")
"""Controls whose gate is computed from nothing."""

WHERE = frozenset({"placement", "order", "stages", "blocks", "kind", "control"})
WIDTH = frozenset(
    {*SIZES, "reduction_base", "rounding", "divisor", "round_limit", "min_hidden", "activation"}
)
ECA = frozenset({"eca_kernel", "eca_circular", "eca_permuted"})
GATED = frozenset({"gate", "temperature", "gain", "residual"})
LAYERS = frozenset({"excitation", "norm", "bias", "init", "opening"})
SQUEEZED = frozenset({"squeeze", "squeeze_power", "affine"})

# What each kind uses of the settings that are not about where it sits.
USED_BY_KIND: dict[str, frozenset[str]] = {
    "squeeze_excite": WIDTH | ECA | GATED | LAYERS | SQUEEZED,
    "scse": WIDTH | ECA | GATED | LAYERS | SQUEEZED,
    "cbam": WIDTH | ECA | GATED | LAYERS | {"spatial_kernel"},
    "gct": frozenset(),
    "gather_excite": WIDTH | GATED | {"excitation", "bias", "extent", "gather"},
    "global_context": WIDTH | {"norm", "bias", "init"},
}
USED_BY_CONTROL: dict[str, frozenset[str]] = {
    "constant": frozenset({"gate", "gain", "residual"}),
    "static": frozenset({"gate", "gain", "residual", "temperature"}),
}


def broken_rule(a: AttentionFields) -> str | None:
    """The first rule that the settings break, as a sentence with the value and a way out, or None.

    A rule about a field that the arm does not use is not applied.
    """
    idle = unused(a)
    applied = (rule for fields, rule in RULES if not idle.intersection(fields))
    return next((message for rule in applied if (message := rule(a)) is not None), None)


def needs_map_size(a: AttentionFields) -> bool:
    """Whether the block's parameters depend on the size of the map that it gates."""
    learnt = a.kind == "gather_excite" and a.gather == "depthwise" and a.extent == 0
    return learnt and a.placement != "none"


def unused(a: AttentionFields) -> frozenset[str]:
    """The fields that these settings do not use: a parameter-free excitation has no reduction."""
    fields = frozenset(type(a).model_fields)
    if a.placement == "none":
        return fields - {"placement"}
    used = WHERE | (_used_inside(a) - _idle_details(a))
    if a.placement in ("pre", "post", "identity"):
        used -= {"order"}
    return fields - used


def starts_open(a: AttentionFields) -> bool:
    """Whether training starts with the gate at `opening`."""
    return a.init == "open" and "init" not in unused(a)


def has_own_parts(a: AttentionFields) -> bool:
    """Whether any part of it is the user's own, of which nothing is known but its role."""
    values = (getattr(a, name) for name in type(a).model_fields)
    return any(isinstance(value, str) and is_import_path(value) for value in values)


def _used_inside(a: AttentionFields) -> frozenset[str]:
    if is_import_path(a.kind):
        return frozenset()
    of_kind = USED_BY_KIND[a.kind]
    of_control = USED_BY_CONTROL.get(a.control, of_kind)
    if a.control in WITHOUT_IMAGE and a.init == "open":
        of_control |= {"init", "opening"}
    return of_kind & of_control


def _idle_details(a: AttentionFields) -> frozenset[str]:
    """What a choice inside the block makes meaningless."""
    excitation = "bottleneck" if a.kind == "global_context" else a.excitation
    cases: tuple[tuple[bool, frozenset[str]], ...] = (
        (excitation not in WITH_HIDDEN_UNITS, WIDTH),
        (excitation == "linear_bottleneck", frozenset({"activation"})),
        (excitation != "eca", ECA),
        (excitation == "none", frozenset({"bias", "norm", "init", "opening"})),
        # The norm after a single layer has the bias.
        (excitation in ("full", "diagonal", "eca") and a.norm != "none", frozenset({"bias"})),
        (a.squeeze not in ("gem", "lp", "lse"), frozenset({"squeeze_power"})),
        (a.rounding != "divisible", frozenset({"divisor", "round_limit"})),
        (a.rounding == "exact", frozenset({"min_hidden"})),
        (a.hidden is not None, frozenset({"reduction_base", "rounding", "divisor"})),
        (a.hidden is not None, frozenset({"round_limit", "min_hidden"})),
        (a.init != "open", frozenset({"opening"})),
        (a.gate in STARTS_AT_ONE, frozenset({"gain"})),
        *((getattr(a, name) is None, frozenset({name})) for name in SIZES),
    )
    return frozenset().union(*(fields for applies, fields in cases if applies))


def _one_size(a: AttentionFields) -> str | None:
    given = {name: getattr(a, name) for name in SIZES if getattr(a, name) is not None}
    if len(given) == 1:
        return None
    found = " and ".join(f"{name}={value:g}" for name, value in given.items()) or "none of them"
    return f"exactly one of `reduction`, `ratio` and `hidden` must be given, but got {found}."


def _odd_eca(a: AttentionFields) -> str | None:
    return _odd("eca_kernel", a.eca_kernel)


def _permuted_eca_has_neighbours(a: AttentionFields) -> str | None:
    if a.eca_permuted and a.eca_kernel == 1:
        return (
            "`eca_permuted=True` changes nothing where no channel sees another: `eca_kernel` must be "
            "at least 3, but got 1."
        )
    return None


def _odd_spatial(a: AttentionFields) -> str | None:
    return _odd("spatial_kernel", a.spatial_kernel)


def _odd(name: str, value: int | None) -> str | None:
    if value is None or value % 2:
        return None
    return (
        f"`{name}` must be odd, so that it has a middle, but got {value}. "
        f"Use {value - 1} or {value + 1}."
    )


def _open_has_a_bias(a: AttentionFields) -> str | None:
    if a.init == "open" and a.bias is False:
        return (
            "`init='open'` sets the last bias, but got `bias=False`. "
            "Set `bias` to True or 'last', or use `init='zero'`."
        )
    return None


def _open_has_an_inverse(a: AttentionFields) -> str | None:
    if a.init == "open" and (a.gate == "softmax" or is_import_path(a.gate)):
        return (
            f"`init='open'` needs a gate with a known inverse, but got `gate={a.gate!r}`. "
            "Use `init='zero'`, or a built-in gate."
        )
    return None


def _zero_is_alive(a: AttentionFields) -> str | None:
    if a.init == "zero" and a.gate == "relu":
        return (
            "`init='zero'` with `gate='relu'` is dead: the gate is 0 and no gradient passes. "
            "Use another gate, or `init='default'`."
        )
    return None


def _zero_keeps_the_skip(a: AttentionFields) -> str | None:
    cut = a.gate in STARTS_AT_ZERO and a.placement in ("post", "identity") and not a.residual
    if a.init == "zero" and cut:
        return (
            f"`init='zero'` with `gate={a.gate!r}` at placement {a.placement!r} starts with the "
            "skip path at 0. Use `residual=True`, another gate, or another placement."
        )
    return None


def _gain_exists(a: AttentionFields) -> str | None:
    if a.gain == "unit" and a.gate in STARTS_AT_ZERO:
        way_out = "" if a.residual else ", with `residual=True` to start at 1"
        return (
            f"`gain='unit'` divides by g(0), which is 0 for `gate={a.gate!r}`. "
            f"Use `gain='own'`{way_out}."
        )
    return None


def _lp_is_smooth(a: AttentionFields) -> str | None:
    if a.squeeze == "lp" and a.squeeze_power < 1:
        return f"`squeeze_power >= 1` must hold with `squeeze='lp'`, but got {a.squeeze_power:g}."
    return None


def _constant_is_not_zero(a: AttentionFields) -> str | None:
    if a.control != "constant" or a.residual:
        return None
    if starts_open(a):
        if a.opening:
            return None
        return (
            "`control='constant'` with `init='open'` is the opening, but got `opening=0`: the branch would "
            "be cut. Choose another opening."
        )
    if a.gate in STARTS_AT_ZERO:
        return (
            f"`control='constant'` is the gate's start g(0), which is 0 for `gate={a.gate!r}`: "
            "the branch would be cut. Choose a gate that starts above 0, or `init='open'`."
        )
    return None


def _static_is_alive(a: AttentionFields) -> str | None:
    if a.control == "static" and a.gate == "relu" and not starts_open(a):
        return (
            "`control='static'` starts at the logit 0, where `gate='relu'` has no gradient. "
            "Use another gate, or `init='open'`."
        )
    return None


def _no_squeeze_has_hidden_units(a: AttentionFields) -> str | None:
    if a.squeeze == "none" and a.excitation not in WITH_HIDDEN_UNITS:
        return (
            "`squeeze='none'` gates each position by 1x1 layers: `excitation` must be "
            f"'bottleneck' or 'linear_bottleneck', but got {a.excitation!r}."
        )
    return None


def _affine_has_outputs(a: AttentionFields) -> str | None:
    if a.affine and a.excitation not in (*WITH_HIDDEN_UNITS, "full"):
        return (
            "`affine=True` needs two outputs per channel: `excitation` must be 'bottleneck', "
            f"'linear_bottleneck' or 'full', but got {a.excitation!r}."
        )
    return None


def _parameter_free_has_one_statistic(a: AttentionFields) -> str | None:
    if a.excitation == "none" and a.squeeze in TWO_STATISTICS:
        return (
            "`excitation='none'` needs one statistic per channel, but "
            f"`squeeze={a.squeeze!r}` gives two. Use `excitation='diagonal'`."
        )
    return None


def _control_of_the_plain_block(a: AttentionFields) -> str | None:
    if a.kind != "squeeze_excite" and a.control not in ("none", "widen_params", "widen_macs"):
        return (
            f"`control={a.control!r}` needs `kind='squeeze_excite'`, but got {a.kind!r}. "
            "Use the plain block, or 'widen_params' or 'widen_macs'."
        )
    return None


def _frozen_has_weights(a: AttentionFields) -> str | None:
    if a.control == "frozen" and a.excitation == "none":
        return (
            "`control='frozen'` needs weights to freeze, but `excitation='none'` has none. "
            "Use another excitation."
        )
    return None


def _frozen_is_random(a: AttentionFields) -> str | None:
    if a.control == "frozen" and a.init == "zero":
        return (
            "`control='frozen'` with `init='zero'` would be the constant gate. "
            "Use `init='default'`, or `control='constant'`."
        )
    return None


def _gather_excites_simply(a: AttentionFields) -> str | None:
    if a.kind == "gather_excite" and a.excitation not in ("bottleneck", "none"):
        return (
            "`kind='gather_excite'` needs `excitation` to be 'bottleneck' or 'none', "
            f"but got {a.excitation!r}."
        )
    return None


# Each rule with the fields it is about.
RULES: tuple[tuple[frozenset[str], Callable[[AttentionFields], str | None]], ...] = (
    (frozenset(), _one_size),
    (frozenset({"eca_kernel"}), _odd_eca),
    (frozenset({"eca_kernel", "eca_permuted"}), _permuted_eca_has_neighbours),
    (frozenset({"spatial_kernel"}), _odd_spatial),
    (frozenset({"init", "bias", "opening"}), _open_has_a_bias),
    (frozenset({"init", "gate", "opening"}), _open_has_an_inverse),
    (frozenset({"init", "gate"}), _zero_is_alive),
    (frozenset({"init", "gate"}), _zero_keeps_the_skip),
    (frozenset({"gain"}), _gain_exists),
    (frozenset({"squeeze_power"}), _lp_is_smooth),
    (frozenset({"control", "gate"}), _constant_is_not_zero),
    (frozenset({"control", "gate"}), _static_is_alive),
    (frozenset({"squeeze", "excitation"}), _no_squeeze_has_hidden_units),
    (frozenset({"affine", "excitation"}), _affine_has_outputs),
    (frozenset({"squeeze", "excitation"}), _parameter_free_has_one_statistic),
    (frozenset({"control"}), _control_of_the_plain_block),
    (frozenset({"control", "excitation"}), _frozen_has_weights),
    (frozenset({"control", "init"}), _frozen_is_random),
    (frozenset({"extent", "excitation"}), _gather_excites_simply),
)
