import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.plots.drawing.logarithmic_axis import plain_powers


def numbers(ax, low, high, base=10):
    """What is written at the ticks in view, from low to high."""
    ax.plot([0, 1], [low, high])
    ax.set_yscale("log", base=base)
    plain_powers(ax.yaxis)
    ax.set_ylim(low, high)
    FigureCanvasAgg(ax.figure).draw()
    ticks = [*ax.yaxis.get_major_ticks(), *ax.yaxis.get_minor_ticks()]
    named = {tick.get_loc(): tick.label1.get_text() for tick in ticks}
    return [named[at] for at in sorted(named) if low <= at <= high and named[at]]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.25, 0.45, ["0.3", "0.4"]),
        (0.6, 0.9, ["0.6", "0.7", "0.8", "0.9"]),
        (0.012, 0.019, ["0.012", "0.014", "0.016", "0.018"]),
        (0.06, 0.14, ["0.06", "0.07", "0.08", "0.09", "0.1"]),
        (2.1, 9.9, ["3", "5", "7", "9"]),
        (0.15, 9, ["0.2", "0.5", "1", "2", "5"]),
        (1.5, 90, ["2", "5", "10", "20", "50"]),
        (1e-8, 1e-5, ["1e-8", "1e-7", "1e-6", "1e-5"]),
        (1e-4, 10, ["0.0001", "0.001", "0.01", "0.1", "1", "10"]),
    ],
)
def test_an_axis_has_enough_numbers_wherever_it_lies(ax, low, high, expected):
    assert numbers(ax, low, high) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2, 33, ["2", "4", "8", "16", "32"]),
        (5, 9, ["5", "6", "7", "8"]),
        (20, 29, ["20", "24", "28"]),
    ],
)
def test_powers_of_two_are_named_and_what_lies_between_where_they_are_few(ax, low, high, expected):
    assert numbers(ax, low, high, base=2) == expected
