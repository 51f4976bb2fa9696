from collections.abc import Mapping, Sequence
from typing import Any

from ablations.engine.side_by_side import SideBySide
from ablations.engine.source import PlannedSource
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
