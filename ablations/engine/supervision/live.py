"""An attempt that is going on, as its supervisor knows it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ablations.engine.records.folder import now
from ablations.engine.standing.snapshot import Busy
from ablations.plan import PlannedRun


@dataclass
class Live:
    """An attempt on a slot."""

    planned: PlannedRun
    attempt: int
    slot: str
    since: float = field(default_factory=time.monotonic)
    """When it last made progress, in monotonic seconds."""
    begun: bool = False
    hung: bool = False
    record: dict[str, Any] = field(default_factory=dict)
    """Of its last epoch."""
    spent: float = 0.0
    """Seconds of the epochs that this attempt has trained."""
    trained: int = 0
    """How many these are: it may go on from an earlier attempt's."""

    def progressed(self) -> None:
        """Take note that its worker was heard of."""
        self.since, self.begun = time.monotonic(), True

    def took(self, record: dict[str, Any]) -> None:
        """Take note of an epoch."""
        self.record = record
        self.spent += record.get("seconds") or 0.0
        self.trained += 1

    def is_late(self, *, hang_timeout: float, start_timeout: float) -> bool:
        """Whether it has made no progress for longer than it may; its worker imports before it begins."""
        limit = hang_timeout if self.begun else max(start_timeout, hang_timeout)
        return time.monotonic() - self.since > limit

    def busy(self, metric: str) -> Busy:
        """The attempt as it is shown."""
        return Busy(
            slot=self.slot,
            label=self.planned.label,
            seed=self.planned.seed,
            epoch=self.record.get("epoch", 0),
            epochs=self.planned.epochs_planned,
            value=self.record.get(metric),
            seconds_an_epoch=self.spent / self.trained if self.trained else 0.0,
        )

    def lost(self, error: dict[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
        """The result of the attempt where its worker can write none."""
        return {
            "run": self.planned.run,
            "attempt": self.attempt,
            "state": "FAILED",
            "epochs_run": self.record.get("epoch", 0),
            **{name: self.record.get(name) for name in metrics},
            "seconds": None,
            "device": None,
            "host": None,
            "error": error,
            "started": None,
            "ended": now(),
            "versions": {},
        }
