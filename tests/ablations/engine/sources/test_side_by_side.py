from collections.abc import Mapping, Sequence
from typing import Any

from ablations.engine.sources.side_by_side import SideBySide
from ablations.engine.sources.source import PlannedSource
from ablations.plan import PlannedRun


def planned(run: str) -> PlannedRun:
    return PlannedRun(
        run=run, arm=run[0], label=run, seed=0, stage="search", settings={}, factors={}, cost={},
        epochs_planned=1,
    )  # fmt: skip


def made(names: Sequence[str], results: Mapping[str, Any]) -> SideBySide:
    sources = {
        letter: PlannedSource([planned(name) for name in names if name[0] == letter])
        for letter in "ab"
    }
    both = SideBySide(sources, share=lambda run: run.run[0])
    both.resume([planned(name) for name in names], results)
    return both


def test_sources_take_turns_and_the_longer_one_ends_alone() -> None:
    both = made(["a1", "a2", "a3", "b1"], {})
    given = [both.next() for _ in range(5)]
    assert [run.run if run else None for run in given] == ["a1", "b1", "a2", "a3", None]
    assert both.total == 4


def test_each_source_hears_of_its_own_runs_only() -> None:
    both = made(["a1", "b1"], {"a1": {}})
    assert not both.finished
    run = both.next()
    assert run is not None
    assert run.run == "b1"
    both.ended(run, {})
    assert both.finished


def sharing(results: Mapping[str, Any], plan: Sequence[str] = ()) -> SideBySide:
    """Both ask for the run `s`; in a plan it is the first one's."""
    sources = {letter: PlannedSource([planned(f"{letter}1"), planned("s")]) for letter in "ab"}
    both = SideBySide(sources, share=lambda run: run.run[0] if run.run != "s" else "a")
    both.resume([planned(name) for name in plan], results)
    return both


def given(both: SideBySide) -> list[PlannedRun]:
    runs = []
    while (run := both.next()) is not None:
        runs.append(run)
    return runs


def test_a_run_that_two_sources_ask_for_is_trained_once_and_both_hear_of_it() -> None:
    both = sharing({})
    runs = given(both)
    assert [run.run for run in runs] == ["a1", "b1", "s"]
    assert both.total == 3
    for run in runs:
        assert not both.finished
        both.ended(run, {"state": "COMPLETE"})
    assert both.finished
