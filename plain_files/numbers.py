"""How numbers are written for people, in sentences, figures, tables and terminals: enough digits to act on, no more.

An estimate, a difference and an interval have three significant digits, a loss four, a p value two.
"""

import math
from collections.abc import Callable

WHOLE = 10
"""Digits up to which a whole number that people chose is written out."""
LOSS = 4
"""Significant digits of a loss or another metric: runs differ in the later ones."""


def number(value: object, digits: int = 3) -> str:
    """`value` with that many significant digits, an empty string where there is none.

    Whole numbers are written out with thousands separated; infinity is the sign.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    x = float(value)  # type: ignore[arg-type]
    if math.isnan(x):
        return ""
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    if x == int(x) and abs(x) < 1e15 and (isinstance(value, int) or abs(x) >= 10**digits):
        return f"{int(x):,}"
    return _rounded(x, digits)


def loss(value: object) -> str:
    """A loss or another metric, as `number` with a digit more."""
    return number(value, LOSS)


def signed(value: object, digits: int = 3) -> str:
    """A difference: as `number`, with a plus where it is positive."""
    text = number(value, digits)
    return f"+{text}" if text and not _missing(value) and float(value) > 0 else text  # type: ignore[arg-type]


def interval(
    low: object, high: object, digits: int = 3, *, write: Callable[[object], str] | None = None
) -> str:
    """`[low, high]`; an infinite end is shown open: `[4.1, ∞)`. `write` instead of `digits` writes the ends."""
    if _missing(low) or _missing(high):
        return ""
    left = "(" if float(low) == -math.inf else "["  # type: ignore[arg-type]
    right = ")" if float(high) == math.inf else "]"  # type: ignore[arg-type]
    ends = [write(end) if write else number(end, digits) for end in (low, high)]
    return f"{left}{', '.join(ends)}{right}"


def with_interval(text: str, low: object, high: object, digits: int = 3) -> str:
    """`text [low, high]`, or the text alone where there is no interval."""
    band = interval(low, high, digits)
    return f"{text} {band}" if band else text


def p_value(p: object) -> str:
    """A p value to two digits, never as zero."""
    if _missing(p):
        return ""
    return "< 0.001" if float(p) < 0.001 else f"{float(p):.2g}"  # type: ignore[arg-type]


def p_words(p: object) -> str:
    """`p = 0.031`, `p < 0.001`; an empty string where there is none."""
    text = p_value(p)
    return text and f"p {text if text.startswith('<') else f'= {text}'}"


def as_given(value: object, digits: int = 6) -> str:
    """What people chose (a level, a ratio, a margin, a price, a tick) as they would write it: `0.02`, `4e-6`.

    A whole number has all its digits, `8` for 8.0; what is no number is as Python writes it.
    """
    if not isinstance(value, float):
        return str(value)
    places = max(digits, WHOLE) if value.is_integer() else digits
    return _short_exponent(f"{value:.{places}g}")


def in_table(value: float) -> str:
    """In a terminal's table: four digits, and no zeros behind the last of them."""
    return "" if math.isnan(value) else _short_exponent(f"{value:.4g}")


def _short_exponent(text: str) -> str:
    """`1e-5` for `1e-05`."""
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rounded(x: float, digits: int) -> str:
    if x != 0 and not 1e-4 <= abs(x) < 1e6:
        return _short_exponent(f"{x:.{digits - 1}e}")
    # Of what rounding leaves: 9.996 has three digits as 10.0.
    rounded = float(f"{x:.{digits - 1}e}")
    if abs(rounded) >= 10**digits:
        return f"{rounded:,.0f}"
    places = max(digits - 1 - math.floor(math.log10(abs(rounded))), 0) if x else 0
    return f"{x:.{places}f}"
