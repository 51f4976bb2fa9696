"""How a running study stands at one moment, for whoever shows it."""

from dataclasses import dataclass

from ablations.engine.supervision.tally import Best


@dataclass(frozen=True, kw_only=True)
class Busy:
    """A slot with a run on it."""

    slot: str
    label: str
    seed: int
    epoch: int
    epochs: int
    value: float | None
    """The metric after the last epoch."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A running study at one moment."""

    study: str
    total: int
    complete: int
    pruned: int
    failed: int
    slots: tuple[str, ...]
    busy: tuple[Busy, ...]
    metric: str
    best: Best | None
    seconds: float
    """Since this supervisor started."""
    runs_per_hour: float
    seconds_left: float | None

    @property
    def ended(self) -> int:
        """Runs with an outcome."""
        return self.complete + self.pruned + self.failed

    @property
    def waiting(self) -> int:
        """Runs not begun."""
        return max(0, self.total - self.ended - len(self.busy))
