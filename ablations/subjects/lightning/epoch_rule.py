"""Which epoch a run is read at: its last, or its best by a metric."""

import math
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class EpochRule:
    """What a run is compared by, and at which epoch.

    Attributes:
        metric: The name that the module logs it under.
        direction: Whether smaller or larger is better.
        at: `last`: the last epoch that measured it; `best`: the best of all epochs, which is a minimum over
            noise and so better than the run's next epoch would be.
    """

    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"
    at: Literal["last", "best"] = "last"

    def prefers(self, new: dict[str, Any], old: dict[str, Any]) -> bool:
        """Whether the record of a later epoch takes the place of the one kept so far."""
        value, kept = new.get(self.metric), old.get(self.metric)
        if value is None or not math.isfinite(value):
            return False
        if kept is None or self.at == "last":
            return True
        return bool(value < kept if self.direction == "minimize" else value > kept)
