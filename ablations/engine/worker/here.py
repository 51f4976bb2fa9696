"""One run in the caller's own process, without a study: the same function, with a context that keeps nothing."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.context import CHECKPOINT_MINUTES, CHECKPOINT_SECONDS
from ablations.engine.worker.attempt import load
from ablations.lockstep import Lockstep
from ablations.torch_options import options_kept


def _unheard(record: dict[str, Any]) -> None:
    """Nobody asked for the epochs."""


def _unfelt() -> None:
    """Nobody waits for a sign of life."""


@dataclass(kw_only=True)
class ContextHere:
    """What `train(settings, context)` gets; the attributes are those of `RunContext`."""

    run: str
    folder: Path
    attempt_folder: Path
    device: str
    threads: int
    on_epoch: Callable[[dict[str, Any]], None] = _unheard
    on_beat: Callable[[], None] = _unfelt
    attempt: int = 1
    rank: int = 0
    world_size: int = 1
    lockstep: Lockstep | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    checkpoint_minutes: float = CHECKPOINT_MINUTES
    last: dict[str, Any] | None = None

    def epoch(self, record: dict[str, Any]) -> None:
        """Hand on an epoch's record; whatever the listener raises ends the run."""
        self.last = record
        self.on_epoch(record)

    @property
    def stopping(self) -> bool:
        """Nobody asks a run here to stop."""
        return False

    def beat(self) -> None:
        """Hand on that the run makes progress."""
        self.on_beat()


def train_here(
    train: str,
    settings: dict[str, Any],
    *,
    run: str,
    device: str,
    threads: int,
    on_epoch: Callable[[dict[str, Any]], None] = _unheard,
) -> dict[str, Any]:
    """What the run measured. The random states that programs share, and torch's options, stay as they were.

    Args:
        train: Import path of the function that trains, `package.module:function`.
        settings: The run's settings, as in its plan.
        run: Id of the run.
        device: A torch device.
        threads: Threads to compute with.
        on_epoch: Called with each epoch's record.
    """
    # It imports torch, which a short run apart may not need.
    from ablations.randomness import states_kept

    with states_kept(), options_kept(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        context = ContextHere(
            run=run,
            folder=path,
            attempt_folder=path,
            device=device,
            threads=threads,
            on_epoch=on_epoch,
        )
        return load(train)(settings, context)
