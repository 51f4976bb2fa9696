"""How a running study stands at one moment, for whoever shows it."""

from dataclasses import dataclass

from ablations.engine.standing.tally import Best


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
    seconds_an_epoch: float = 0.0
    """0 before the first has ended."""

    @property
    def share(self) -> float:
        """Of the run that is done."""
        return self.epoch / self.epochs if self.epochs else 0.0


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
    runs_per_hour: float | None
    """The pace that the time left is reckoned with."""
    seconds_left: float | None

    @property
    def ended(self) -> int:
        """Runs with an outcome."""
        return self.complete + self.pruned + self.failed

    @property
    def done(self) -> float:
        """Runs' worth of work that is done, the begun ones' epochs among it."""
        return self.ended + sum(busy.share for busy in self.busy)

    @property
    def waiting(self) -> int:
        """Runs not begun."""
        return max(0, self.total - self.ended - len(self.busy))
