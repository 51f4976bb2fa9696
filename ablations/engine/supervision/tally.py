"""Counts over a study's outcomes: runs by state, the best arm so far, time left."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ablations.plan import PlannedRun


@dataclass(frozen=True)
class Best:
    """The arm with the best mean so far."""

    arm: str
    label: str
    value: float
    """Mean of the metric over the arm's complete runs."""
    seeds: int


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
        self.states[result["state"]] += 1
        if result["state"] != "COMPLETE":
            return
        self.seconds += result.get("seconds") or 0.0
        value = result.get(self.metric)
        is_legal = self.max_params is None or planned.cost["params"] <= self.max_params
        if value is not None and is_legal:
            arm = self.arms.setdefault(planned.arm, _Arm(planned.label))
            arm.total += value
            arm.seeds += 1

    @property
    def ended(self) -> int:
        """Runs that have an outcome."""
        return sum(self.states.values())

    def best(self) -> Best | None:
        """The arm with the best mean, among those with at least half as many seeds as any has."""
        most = max((arm.seeds for arm in self.arms.values()), default=0)
        known = [(name, arm) for name, arm in self.arms.items() if 2 * arm.seeds >= most]
        if not known:
            return None
        sign = 1 if self.minimize else -1
        name, arm = min(known, key=lambda item: sign * item[1].mean)
        return Best(name, arm.label, arm.mean, arm.seeds)

    def seconds_left(self, *, total: int, slots: int, begun: float = 0.0) -> float | None:
        """Estimate of the time until all runs have ended; None before the first is complete.

        Args:
            total: Runs in all.
            slots: Runs at a time.
            begun: Runs' worth of work already done in the unfinished ones (two halves are 1).
        """
        complete = self.states["COMPLETE"]
        if not complete or not slots:
            return None
        work = max(0.0, total - self.ended - begun) * self.seconds / complete
        return work / min(slots, max(1, total - self.ended))


@dataclass
class _Arm:
    label: str
    total: float = 0.0
    seeds: int = 0

    @property
    def mean(self) -> float:
        return self.total / self.seeds
