from typing import Any

from ablations.designs.expand import expand, runs
from ablations.designs.space import Space
from ablations.studies.estimate import Estimate, estimate

SPACE = Space(
    name="three",
    question="?",
    baseline={"attention": {"reduction": 4}, "training": {"epochs": 2, "warmup_epochs": 1}},
    factors=[{"name": "attention.reduction", "levels": [1, 4, 16]}],
    seeds=2,
)
WANTED = runs(expand(SPACE).arms, seeds=range(2), stage="grid")


class Folder:
    """What an estimate asks of a study's folder."""

    def __init__(self, **seconds: float | None) -> None:
        self.seconds = seconds
        self.stacked: int | None = None

    def results(self, names: Any) -> dict[str, Any]:
        found = {name: self.seconds.get(f"run_{name}") for name in names}
        return {
            name: {"state": "COMPLETE", "seconds": seconds, "stacked": self.stacked}
            for name, seconds in found.items()
            if seconds is not None
        }


def test_runs_of_the_study_tell_the_time_of_the_others_by_arm() -> None:
    first, second, third = WANTED[:3]  # one of each arm
    folder = Folder(**{f"run_{first.run}": 10.0, f"run_{second.run}": 20.0})
    found = estimate(WANTED, subject=SPACE.about, folder=folder, slots=2)  # type: ignore[arg-type]
    # Left: the third arm twice at the mean of 15 s, the others' second seeds at 10 and 20 s.
    assert third.arm not in (first.arm, second.arm)
    assert (found.runs, found.total, found.shortest, found.longest) == (4, 60.0, 10.0, 20.0)
    assert found.seconds == 30.0
    assert found.basis == "from 2 runs of this study"


def test_of_a_stacked_runs_time_its_share_counts() -> None:
    first, second = WANTED[:2]
    folder = Folder(**{f"run_{first.run}": 10.0, f"run_{second.run}": 20.0})
    alone = estimate(WANTED, subject=SPACE.about, folder=folder, slots=1)  # type: ignore[arg-type]
    folder.stacked = 5
    found = estimate(WANTED, subject=SPACE.about, folder=folder, slots=1)  # type: ignore[arg-type]
    assert (found.slots, found.total) == (1, alone.total / 5)


def test_a_study_takes_no_less_than_its_longest_run() -> None:
    found = Estimate(runs=2, slots=8, shortest=1.0, longest=9.0, total=10.0, basis="")
    assert found.seconds == 9.0


def test_a_study_that_is_done_takes_no_more_time() -> None:
    folder = Folder(**{f"run_{run.run}": 5.0 for run in WANTED})
    found = estimate(WANTED, subject=SPACE.about, folder=folder, slots=4)  # type: ignore[arg-type]
    assert (found.runs, found.seconds) == (0, 0.0)
