"""How numbers are written in the report: enough digits to act on, never more than they deserve."""

import math
import re
from collections.abc import Callable


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
        return "∞" if x > 0 else "−∞"
    if x == int(x) and abs(x) < 1e15 and (isinstance(value, int) or abs(x) >= 10**digits):
        return f"{int(x):,}".replace("-", "−")
    return _signed(x, digits)


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


def p_value(p: object) -> str:
    """A p value to two digits, never as zero."""
    if _missing(p):
        return ""
    return "< 0.001" if float(p) < 0.001 else f"{float(p):.2g}"  # type: ignore[arg-type]


def typeset(sentence: str) -> str:
    """A terminal's sentence with the signs of print: minus signs, short exponents, κ and ≥.

    One that quotes a command stays as it is, to be copied.
    """
    if "`" in sentence:
        return sentence
    text = re.sub(r"(?<=\d)e([+-])0*(\d+)", lambda m: f"e{m[1].strip('+')}{m[2]}", sentence)
    text = re.sub(r"(?<![\w)])-(?=\d)|(?<=\de)-(?=\d)", "−", text)
    return re.sub(r"\bkappa\b", "κ", text).replace(">=", "≥")


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _signed(x: float, digits: int) -> str:
    if x != 0 and not 1e-4 <= abs(x) < 1e6:
        mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        places = max(digits - 1 - math.floor(math.log10(abs(x))), 0) if x else 0
        text = f"{x:.{places}f}"
    return text.replace("-", "−")
