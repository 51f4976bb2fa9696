from typing import Any

import pytest
from trivial_plans import planned

from ablations.engine.sources.source import PlannedSource
from ablations.errors import SettingError
from ablations.plan import PlannedRun


def seeds(count: int, *arms: int) -> list[PlannedRun]:
    return [planned(arm, seed=seed) for seed in range(count) for arm in arms]


def given_out(source: PlannedSource, plan: list[PlannedRun], results: Any = ()) -> list[str]:
    source.resume(plan, {run: {} for run in results})
    taken = iter(source.next, None)
    return [f"{one.arm[-1]}{one.seed}" for one in taken]


def test_seeds_of_an_arm_are_given_out_together():
    runs = seeds(5, 0, 1)
    assert given_out(PlannedSource(runs), []) == [f"{arm}{s}" for s in range(5) for arm in (0, 1)]
    expected = ["00", "01", "10", "11", "02", "03", "12", "13", "04", "14"]
    assert given_out(PlannedSource(runs, stack=2), []) == expected


def test_blocks_stay_the_same_when_some_of_their_runs_have_ended():
    runs = seeds(4, 0, 1)
    some = ("run00000s0", "run00001s1")
    assert given_out(PlannedSource([], stack=2), runs, some) == [
        "01", "10", "02", "03", "12", "13",
    ]  # fmt: skip


def test_stages_stay_in_the_plans_order_and_have_blocks_of_their_own():
    first = seeds(3, 0, 1)
    fresh = [
        PlannedRun(**{**planned(arm, seed=s).to_json(), "stage": "confirm"})
        for s in (3, 4)
        for arm in (1, 0)
    ]
    assert given_out(PlannedSource(fresh, stack=2), first) == [
        "00", "01", "10", "11", "02", "12", "13", "14", "03", "04",
    ]  # fmt: skip


def test_an_extended_plan_is_given_out_in_whole_blocks():
    before, after = seeds(2, 0, 1), seeds(3, 0, 1, 2)
    assert given_out(PlannedSource(after, stack=3), before) == [
        "00", "01", "02", "10", "11", "12", "20", "21", "22",
    ]  # fmt: skip


def test_a_block_of_no_seed_is_refused():
    with pytest.raises(SettingError, match=r"^`stack >= 1` must hold, but got 0\.$"):
        PlannedSource([], stack=0)
