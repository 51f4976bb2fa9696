import pytest

from ablations.designs.assignments import DESIGNS
from ablations.designs.space import Factor, Space
from ablations.errors import SettingError
from ablations.subjects.attention.settings.groups import Arm, Attention

SPACE = Space(
    name="x",
    baseline=Arm(attention=Attention(reduction=4, squeeze="avg", bias=True)),
    factors=(
        Factor(name="attention.reduction", levels=(2, 4, 8), off=8),
        Factor(name="attention.squeeze", levels=("max", "avg"), off="max"),
        Factor(name="attention.bias", levels=(True, False)),
    ),
)


def rows(design: str, space: Space = SPACE) -> list[tuple]:
    return [tuple(row.values()) for row in DESIGNS[design](space)]


def test_a_grid_is_every_combination_once_with_the_baseline_first() -> None:
    grid = rows("grid")
    assert grid[0] == (4, "avg", True)
    assert len(grid) == len(set(grid)) == 12


def test_loco_changes_one_factor_at_a_time() -> None:
    assert rows("loco") == [
        (4, "avg", True),
        (2, "avg", True),
        (8, "avg", True),
        (4, "max", True),
        (4, "avg", False),
    ]


def test_one_in_adds_each_component_alone_to_the_bare_network() -> None:
    assert rows("one_in") == [
        (4, "avg", True),
        (8, "max", False),
        (4, "max", False),
        (8, "avg", False),
        (8, "max", True),
    ]


def test_one_in_asks_which_level_means_without() -> None:
    space = Space(name="x", factors=(Factor(name="attention.squeeze", levels=("max", "avg")),))
    with pytest.raises(
        SettingError,
        match=r"which of its levels \('max', 'avg'\) means 'without it' for the design `one-in`, but `off` "
        r"is None\. Write it beside them, for example `off: avg`\.$",
    ):
        rows("one_in", space)


def test_zipped_factors_move_together() -> None:
    space = Space(
        name="x",
        baseline=Arm(attention=Attention(reduction=2, squeeze="max")),
        factors=(
            Factor(name="attention.reduction", levels=(4, 2)),
            Factor(name="attention.squeeze", levels=("avg", "max")),
        ),
    )
    assert rows("zip", space) == [(2, "max"), (4, "avg")]


def test_zip_refuses_factors_of_unequal_length() -> None:
    with pytest.raises(SettingError, match="must have equally many levels, but got"):
        rows("zip")


def test_a_range_has_no_levels_for_a_finite_design() -> None:
    factor = Factor(name="training.learning_rate", low=0.01, high=1)
    with pytest.raises(
        SettingError, match=r"must name `levels` for this design, but has the range 0\.01 to 1"
    ):
        rows("grid", Space(name="x", factors=(factor,)))


def test_a_fractional_design_needs_two_levels_each() -> None:
    with pytest.raises(
        SettingError, match="must have exactly two levels for the design `fractional`"
    ):
        rows("fractional")
