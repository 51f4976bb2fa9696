"""The source that runs until all is settled, driven without workers: order, overrun, kills, records."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ablations.engine.records.files import read_lines
from ablations.engine.sources.until import LOOKS, Decision, Seen, UntilSettled
from ablations.errors import SettingError, StudyError
from ablations.plan import PlannedRun

ARMS = ("base", "far", "near", "noisy")
MOST = 8


def run_of(arm: str, seed: int) -> PlannedRun:
    return PlannedRun(
        run=f"{arm}-{seed}", arm=arm, label=arm, seed=seed, stage="grid", settings={}, factors={}, cost={},
        epochs_planned=1,
    )  # fmt: skip


BLOCKS = [[run_of(arm, seed) for arm in ARMS] for seed in range(MOST)]


def result_of(run: PlannedRun, *, fails: Sequence[str] = ()) -> dict[str, Any]:
    """A result that is a function of the run alone."""
    if run.run in fails:
        return {"state": "FAILED", "seconds": 1.0}
    spread = {"base": 0.1, "far": 0.1, "near": 0.1, "noisy": 5.0}[run.arm]
    middle = 9.0 if run.arm == "far" else 0.0
    value = middle + random.Random(run.run).gauss(0, spread)
    return {"state": "COMPLETE", "val_loss": value, "seconds": 1.0}


def by_mean(seen: Seen) -> Mapping[str, Decision]:
    """Settles an arm whose mean is far away after 2 seeds, and one that is near after 4."""
    found = {}
    base = [x for x in seen.values["base"] if x is not None]
    for arm, row in seen.values.items():
        there = [x for x in row if x is not None]
        away = abs(sum(there) / max(len(there), 1) - sum(base) / max(len(base), 1))
        settled = away > 5 or (away < 0.5 and seen.seeds >= 4 and arm != "noisy")
        found[arm] = {
            "settled": settled,
            "verdict": "far" if away > 5 else "near",
            "says": f"{arm}!",
        }
    return {arm: one for arm, one in found.items() if arm != "base"}


def source(folder: Path, **changes: Any) -> UntilSettled:
    given: dict[str, Any] = {
        "decide": by_mean,
        "rule": {"first_look": 2},
        "metric": "val_loss",
        "looks": folder / LOOKS,
    }
    return UntilSettled(BLOCKS, **{**given, **changes})


class Machine:
    """A folder with a plan and results, and slots that end in any order."""

    def __init__(self, folder: Path, *, slots: int, chance: random.Random, **changes: Any) -> None:
        self.folder, self.slots, self.chance, self.changes = folder, slots, chance, changes
        self.plan: list[PlannedRun] = []
        self.results: dict[str, dict[str, Any]] = {}
        self.fails: Sequence[str] = ()
        self.news: list[str] = []

    def start(self) -> UntilSettled:
        made = source(self.folder, **self.changes)
        self.plan += made.resume(self.plan, self.results)
        return made

    def go(self, *, steps: int = 10_000) -> bool:
        """Run so many steps and be killed; whether the study has ended."""
        now, out = self.start(), list[PlannedRun]()
        for _ in range(steps):
            while len(out) < self.slots and (run := now.next()):
                if run not in self.plan:
                    self.plan.append(run)
                out.append(run)
            if not out:
                assert now.finished
                assert now.total == len(self.results)
                return True
            done = out.pop(self.chance.randrange(len(out)))
            self.results[done.run] = result_of(done, fails=self.fails)
            now.ended(done, self.results[done.run])
            self.news += now.news()
        return False

    @property
    def looks(self) -> list[dict[str, Any]]:
        return list(read_lines(self.folder / LOOKS))


def machine(folder: Path, *, slots: int = 1, seed: int = 0, **changes: Any) -> Machine:
    folder.mkdir(exist_ok=True)
    return Machine(folder, slots=slots, chance=random.Random(seed), **changes)


def seeds_of(made: Machine, arm: str) -> int:
    return sum(run.startswith(f"{arm}-") for run in made.results)


def test_a_settled_arm_gets_no_further_seeds_and_the_baseline_goes_on(tmp_path: Path) -> None:
    made = machine(tmp_path)
    assert made.go()
    # With one slot the next block begins only after the look.
    assert {arm: seeds_of(made, arm) for arm in ARMS} == {
        "base": 8,
        "far": 2,
        "near": 4,
        "noisy": 8,
    }
    assert made.news == ["far!", "near!"]
    assert [look["seeds"] for look in made.looks] == list(range(2, 9))
    ended = made.start()
    assert ended.finished
    assert ended.remark.startswith(
        "All 8 seeds are in: 2 of 3 comparisons are settled after 8 seeds. noisy!"
    )


def test_idle_slots_begin_the_next_block_and_what_was_begun_is_finished(tmp_path: Path) -> None:
    made = machine(tmp_path, slots=8)
    assert made.go()
    assert seeds_of(made, "far") == 3  # one block ahead, and no more
    assert [look["seeds"] for look in made.looks] == list(range(2, 9))


@pytest.mark.parametrize("slots", [1, 3, 8])
def test_killed_at_any_time_it_comes_to_the_same_decisions(slots: int, tmp_path: Path) -> None:
    whole = machine(tmp_path / "whole")
    assert whole.go()
    for seed in range(12):
        made = machine(tmp_path / f"{slots}-{seed}", slots=slots, seed=seed)
        kills = 0
        while not made.go(steps=1 + made.chance.randrange(4)):
            kills += 1
        assert kills > 3
        assert made.looks == whole.looks


def test_a_look_that_was_not_written_in_full_is_made_again(tmp_path: Path) -> None:
    whole = machine(tmp_path / "whole")
    assert whole.go()
    made = machine(tmp_path / "torn")
    assert made.go()
    lines = (made.folder / LOOKS).read_bytes()
    (made.folder / LOOKS).write_bytes(lines[:-20])
    made.start()
    assert made.looks == whole.looks


def test_failed_runs_are_told_to_the_rule_as_none(tmp_path: Path) -> None:
    told: list[Seen] = []

    def listening(seen: Seen) -> Mapping[str, Decision]:
        told.append(seen)
        return by_mean(seen)

    made = machine(tmp_path, decide=listening)
    made.fails = ["near-1", "base-0"]
    assert made.go()
    assert told[0].values["near"][1] is None
    assert told[0].values["base"][0] is None
    assert told[-1].settled.keys() == {"far", "near"}


def test_a_rule_that_says_one_thing_of_all_arms_settles_no_comparisons(tmp_path: Path) -> None:
    def of_all(seen: Seen) -> Mapping[str, Decision]:
        done = {
            "settled": seen.seeds == 5,
            "verdict": "",
            "says": f"after {seen.seeds} seeds: known",
        }
        return dict.fromkeys([arm for arm in seen.values if arm != "base"], done)

    made = machine(tmp_path, decide=of_all)
    assert made.go()
    assert made.start().remark == "All is settled. after 5 seeds: known."
    several = machine(tmp_path / "several")
    assert several.go()
    assert ": 2 of 3 comparisons are settled after 8 seeds." in several.start().remark


def test_a_rule_may_say_at_each_look_how_far_it_is(tmp_path: Path) -> None:
    def known(seen: Seen) -> Mapping[str, Decision]:
        one = {"settled": seen.seeds >= 4, "verdict": "known", "says": "known."}
        more = {} if seen.seeds >= 4 else {"progress": f"{seen.seeds} of 4 seeds"}
        return {arm: {**one, **more} for arm in seen.values if arm != "base"}

    made = machine(tmp_path, decide=known)
    made.go()
    assert made.news == ["2 of 4 seeds", "3 of 4 seeds", "known."]


def test_a_result_that_was_changed_after_its_look_is_refused(tmp_path: Path) -> None:
    made = machine(tmp_path)
    assert made.go()
    made.results["base-0"]["val_loss"] += 1e-9
    with pytest.raises(StudyError, match=r"the look at 2 seeds in .* read other values"):
        made.start()


def test_another_rule_on_the_same_values_is_refused(tmp_path: Path) -> None:
    made = machine(tmp_path)
    assert made.go()
    made.changes = {"decide": lambda seen: {"far": {"settled": False, "verdict": "", "says": ""}}}
    with pytest.raises(StudyError, match=r"the look at 2 seeds in .* decided something else"):
        made.start()


def test_results_that_are_gone_are_missed(tmp_path: Path) -> None:
    made = machine(tmp_path)
    assert made.go()
    del made.results["base-7"]
    with pytest.raises(StudyError, match="has a look at 8 seeds, but the results that it read"):
        made.start()


def test_a_budget_ends_it_after_the_look_that_spent_it(tmp_path: Path) -> None:
    made = machine(tmp_path, budget_seconds=8.0)
    assert made.go()
    assert [look["seeds"] for look in made.looks] == [2]
    assert "The budget is spent: 1 of 3" in made.start().remark
    # More budget is no other rule: the study goes on.
    made.changes = {}
    assert made.go()
    assert made.looks[-1]["seeds"] == 8


def test_arms_that_no_comparison_names_run_until_the_first_look(tmp_path: Path) -> None:
    rule = {"first_look": 2, "comparisons": [{"arm": "far"}, {"arm": "noisy"}]}
    made = machine(tmp_path, rule=rule, slots=3)
    assert made.go()
    assert seeds_of(made, "near") == 2
    assert seeds_of(made, "noisy") == MOST


def test_a_rule_that_does_not_say_settled_is_told_so(tmp_path: Path) -> None:
    made = machine(tmp_path, decide=lambda seen: {"far": {"verdict": "far"}})
    with pytest.raises(SettingError, match="a stopping rule must say `settled`, true or false"):
        made.go()


def test_what_the_first_look_needs_is_planned_at_once(tmp_path: Path) -> None:
    made = machine(tmp_path)
    first = made.start()
    assert made.plan == [run for block in BLOCKS[:2] for run in block]
    assert first.total == 8
    assert source(tmp_path).resume(made.plan, {}) == []
