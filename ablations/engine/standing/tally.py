"""Counts over a study's outcomes: runs by state, the best arm so far, time left."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Self

from ablations.plan import PlannedRun
from plain_files.outcome_list import Listed


@dataclass(frozen=True)
class Best:
    """The arm with the best mean so far."""

    arm: str
    label: str
    value: float
    """Mean of the metric over the seeds that every arm with a result has."""
    seeds: int
    """How many these are."""


@dataclass
class Tally:
    """Adds up outcomes as they are committed."""

    metric: str = "val_loss"
    minimize: bool = True
    max_params: int | None = None
    """An arm with more is not the best: the search's constraint."""
    states: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """Of the complete runs, together."""
    arms: dict[str, "_Arm"] = field(default_factory=dict)
    confirmed: dict[str, "_Arm"] = field(default_factory=dict)
    """Of the fresh seeds of a confirmation: a search's own seed chose its arms, and never gets others."""

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> Self:
        """Empty, for what `study.json` says."""
        return cls(
            metric=study.get("metric", "val_loss"),
            minimize=study.get("direction", "minimize") == "minimize",
            max_params=study.get("search", {}).get("max_params"),
        )

    def add(self, planned: PlannedRun, result: Mapping[str, Any]) -> None:
        """Take an outcome in."""
        cost = planned.cost.get("params")
        self._take(planned, cost, result["state"], result.get(self.metric), result.get("seconds"))

    def add_listed(self, row: Listed) -> None:
        """Take an outcome in, of the list."""
        self._take(row, row.params, row.state, row.value, row.seconds)

    def _take(
        self,
        run: PlannedRun | Listed,
        params: float | None,
        state: str,
        value: float | None,
        seconds: float | None,
    ) -> None:
        self.states[state] += 1
        if state != "COMPLETE":
            return
        self.seconds += seconds or 0.0
        is_legal = self.max_params is None or (params is not None and params <= self.max_params)
        if value is not None and is_legal:
            arms = self.confirmed if run.stage == "confirm" else self.arms
            arm = arms.get(run.arm)
            if arm is None:
                arm = arms[run.arm] = _Arm(run.label)
            arm.values[run.seed] = value

    @property
    def ended(self) -> int:
        """Runs that have an outcome."""
        return sum(self.states.values())

    def best(self) -> Best | None:
        """The arm with the best mean over the seeds that all of them have; over unequal seeds luck would win.

        Once arms are confirmed, they and their fresh seeds are what counts. None while the shared seeds are less than
        half as many as some arm has.
        """
        arms = self.confirmed or self.arms
        if not arms:
            return None
        shared = set.intersection(*(set(arm.values) for arm in arms.values()))
        if not shared or 2 * len(shared) < max(len(arm.values) for arm in arms.values()):
            return None
        means = {name: arm.mean(shared) for name, arm in arms.items()}
        sign = 1 if self.minimize else -1
        name = min(means, key=lambda name: sign * means[name])
        return Best(name, arms[name].label, means[name], len(shared))

    def runs_per_hour(
        self, *, total: int, slots: int, begun: float = 0.0, spent: float = 0.0
    ) -> float | None:
        """The pace of the runs on the slots that still have work; None before the first epoch has ended.

        The start of their workers is no part of it.

        Args:
            total: Runs in all.
            slots: Runs at a time.
            begun: Runs' worth of work already done in the unfinished ones (two halves are 1).
            spent: Seconds that this work took; without them only complete runs tell how long one takes.
        """
        done = self.states["COMPLETE"] + (begun if spent else 0.0)
        taken = self.seconds + spent
        if not done or not slots or not taken:
            return None
        return 3600 * min(slots, max(1, total - self.ended)) * done / taken

    def seconds_left(
        self, *, total: int, slots: int, begun: float = 0.0, spent: float = 0.0
    ) -> float | None:
        """Until all runs have ended at the pace of `runs_per_hour`, whose arguments these are; None where that is."""
        pace = self.runs_per_hour(total=total, slots=slots, begun=begun, spent=spent)
        return None if pace is None else 3600 * max(0.0, total - self.ended - begun) / pace


@dataclass
class _Arm:
    label: str
    values: dict[int, float] = field(default_factory=dict)
    """Seed -> value."""

    def mean(self, seeds: Iterable[int]) -> float:
        return fmean([self.values[seed] for seed in sorted(seeds)])
