"""How many hidden units the bottleneck has. Nothing is rounded unless a rule is named."""

import math
from collections.abc import Callable

from ablations.errors import SettingError
from ablations.subjects.attention.settings.groups import Attention


def hidden_width(attention: Attention, base: int) -> int:
    """The number of hidden units, h = C/r, by the settings' rule, for C = `base` channels.

    Raises:
        SettingError: If C/r is below 1, or is not whole and no rounding rule is named.
    """
    if attention.hidden is not None:
        return attention.hidden
    name, value, exact = _wanted(attention, base)
    rounded = ROUNDINGS[attention.rounding](exact, attention)
    if rounded is None:
        raise SettingError(
            f"`channels / reduction` must be whole, but got {base} channels with {name}={value:g}, "
            f"which is {exact:g}. Choose one that divides {base}, or name a `rounding` "
            "('floor', 'round', 'ceil', 'divisible')."
        )
    found = max(rounded, attention.min_hidden or 0) if attention.rounding != "exact" else rounded
    if found < 1:
        raise SettingError(
            f"`hidden >= 1` must hold, but {base} channels with {name}={value:g} leave {exact:g} "
            "hidden units. Use a smaller reduction, a wider network, or a rounding with `min_hidden`."
        )
    return found


def _wanted(attention: Attention, base: int) -> tuple[str, float, float]:
    if attention.ratio is not None:
        return "ratio", attention.ratio, base * attention.ratio
    assert attention.reduction is not None
    return "reduction", attention.reduction, base / attention.reduction


def _exact(hidden: float, _: Attention) -> int | None:
    if 0 < hidden < 1:
        return 0
    # 48 * (1/3) is whole, but not in binary.
    return round(hidden) if math.isclose(hidden, round(hidden), rel_tol=1e-9) else None


def _floor(hidden: float, _: Attention) -> int:
    return math.floor(hidden + 1e-9)


def _round(hidden: float, _: Attention) -> int:
    # Half to even, as in torchvision's and timm's RegNetY.
    return round(hidden)


def _ceil(hidden: float, _: Attention) -> int:
    return math.ceil(hidden - 1e-9)


def _divisible(hidden: float, attention: Attention) -> int:
    """The `make_divisible` of the MobileNets: nearest multiple, at least one, not far below."""
    divisor = attention.divisor
    nearest = max(divisor, int(hidden + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < attention.round_limit * hidden else nearest


ROUNDINGS: dict[str, Callable[[float, Attention], int | None]] = {
    "exact": _exact,
    "floor": _floor,
    "round": _round,
    "ceil": _ceil,
    "divisible": _divisible,
}
