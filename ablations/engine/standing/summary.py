"""How a study stands when its supervisor ends."""

from dataclasses import dataclass

from ablations.engine.standing.tally import Best


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What `execute` returns."""

    study: str
    planned: int
    complete: int
    pruned: int
    failed: int
    waiting: int
    """Runs without an outcome."""
    attempts: int
    """Attempts started by this supervisor."""
    lost: int
    """Attempts of this supervisor that were lost: the worker died or hung."""
    seconds: float
    stopped_by: str | None
    """`SIGINT` or `SIGTERM` where it was asked to stop."""
    best: Best | None

    @property
    def exit_code(self) -> int:
        """0 all complete or pruned, 1 some failed or missing or none there, 130 after SIGINT, 143 after SIGTERM."""
        if self.stopped_by is not None and self.waiting:
            return {"SIGINT": 130, "SIGTERM": 143}[self.stopped_by]
        is_empty = not self.complete + self.pruned
        return 1 if self.failed or self.waiting or is_empty else 0
