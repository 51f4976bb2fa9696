"""The numbers of `plain_files.numbers` with the signs of print, and other words of the page."""

import re
from collections.abc import Callable

from plain_files import numbers


def number(value: object, digits: int = 3) -> str:
    """`value` with that many significant digits; a text stays as it is."""
    return value if isinstance(value, str) else _printed(numbers.number(value, digits))


def loss(value: object) -> str:
    """A loss or another metric, with a digit more."""
    return number(value, numbers.LOSS)


def signed(value: object, digits: int = 3) -> str:
    """A difference: with a plus where it is positive."""
    return _printed(numbers.signed(value, digits))


def interval(
    low: object, high: object, digits: int = 3, *, write: Callable[[object], str] | None = None
) -> str:
    """`[low, high]`; an infinite end is shown open."""
    return _printed(numbers.interval(low, high, digits, write=write))


def as_given(value: object, digits: int = 6) -> str:
    """What people chose, as they would write it."""
    return _printed(numbers.as_given(value, digits))


def typeset(sentence: str) -> str:
    """A terminal's sentence with the signs of print: minus signs, short exponents, κ, ≥ and `95 %`.

    One that quotes a command stays as it is, to be copied.
    """
    if "`" in sentence:
        return sentence
    spaced = re.sub(r"(?<=\d)%", " %", _printed(sentence))
    return re.sub(r"\bkappa\b", "κ", spaced).replace(">=", "≥")


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def _printed(text: str) -> str:
    short = re.sub(r"(?<=\d)e([+-])0*(\d+)", lambda m: f"e{m[1].strip('+')}{m[2]}", text)
    return re.sub(r"(?<![\w)])-(?=[\d∞])|(?<=\de)-(?=\d)", "−", short)
