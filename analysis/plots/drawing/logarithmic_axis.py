"""Numbers at the ticks of a logarithmic axis: at least two wherever it is, and none too many."""

from collections.abc import Sequence

from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, LogLocator

from plain_files.numbers import as_given

MOST_BETWEEN = 6
"""Numbers between powers; more would touch each other on an upright axis of a column's figure."""


def plain_powers(axis: Axis) -> None:
    """Name the powers, without `text.parse_math`, which would leave TeX code; and more where they are few.

    Less than one and a half decades are named at 2 and 5, too; where that names fewer than two numbers, at all
    ticks between, or every second of them.

    Args:
        axis: With a logarithmic scale.
    """
    base = _base(axis)
    if base == 2:
        # Matplotlib has no ticks between powers of two.
        axis.set_minor_locator(LogLocator(2, subs=(1.25, 1.5, 1.75)))
    axis.set_major_formatter(lambda value, _: as_given(value))
    axis.set_minor_formatter(_BetweenPowers())


class _BetweenPowers(Formatter):
    """Names of the minor ticks; which of them have one depends on what else is in view."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        """A number by itself, as where a pointer is."""
        return as_given(value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The names of all ticks, empty for most."""
        assert isinstance(self.axis, Axis)
        low, high = sorted(self.axis.get_view_interval())
        inside = [value for value in values if low <= value <= high]
        powers = sum(low <= value <= high for value in self.axis.get_majorticklocs())
        named = [value for value in inside if _base(self.axis) == 10 and _is_two_or_five(value)]
        if powers >= 2 and high >= 30 * low:
            named = []
        elif powers + len(named) < 2:
            named = inside[:: -(-len(inside) // MOST_BETWEEN) or 1]
        return [as_given(value) if value in named else "" for value in values]


def _base(axis: Axis) -> float:
    return float(axis.get_transform().base)  # type: ignore[attr-defined]


def _is_two_or_five(value: float) -> bool:
    """Whether its first digit is, and all others are 0."""
    return float(f"{value:e}".split("e")[0]) in (2, 5)
