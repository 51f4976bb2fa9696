"""How long runs of a user's program will take, from a few steps of some of its arms."""

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import lightning.pytorch as pl
import torch

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.one_thread import one_thread
from ablations.randomness import states_kept
from ablations.subjects.lightning.fit import Loaders
from ablations.subjects.lightning.trainer import make_trainer, quiet
from ablations.subjects.own_module.batch import unheard
from ablations.subjects.own_module.built import Built, build, call_of, parts_of, trainer_options_of
from ablations.subjects.own_module.two_steps import usual_device
from ablations.subjects.program import Program
from ablations.subjects.subject import Pace, Values
from ablations.torch_options import options_kept

MOST_SECONDS = 20.0
"""No further arm is tried after this long; those left take what the others do on average."""
STEP_SECONDS = 1.0
"""The steps of one arm stop after this long ..."""
MOST_STEPS = 20
"""... or after so many."""


@dataclass(kw_only=True)
class Paced:
    """What an arm's training takes, in seconds."""

    begin: float = 0.0
    """From the module to the first step."""
    steps: list[float] = field(default_factory=list)
    per_epoch: int = 0
    """Steps of an epoch."""
    checks: list[float] = field(default_factory=list)
    """Of a batch of validation."""
    checks_per_epoch: int = 0
    peak_bytes: int | None = None
    """Of the GPU's memory; None on a CPU."""

    @property
    def epoch(self) -> float:
        """Of one epoch with its validation."""
        return self.per_epoch * _usual(self.steps) + self.checks_per_epoch * _usual(self.checks)


def pilot(name: str, program: Program, arms: Sequence[Values], *, epochs: Sequence[int]) -> Pace:
    """The seconds of a run of each arm."""
    began = time.perf_counter()
    found: dict[int, float] = {}
    for i, (arm, count) in enumerate(zip(arms, epochs, strict=True)):
        if found and time.perf_counter() - began > MOST_SECONDS:
            break
        paced = pace(name, program, arm)
        found[i] = paced.begin + count * paced.epoch
    rest = statistics.fmean(found.values())
    several = f"{len(found)} of {len(arms)} arms" if len(found) < len(arms) else "each arm"
    return Pace(
        seconds=tuple(found.get(i, rest) for i in range(len(arms))),
        basis=f"from a few steps of {several}, alone on this machine's {usual_device()}",
    )


def pace(name: str, program: Program, arm: Mapping[str, Any]) -> Paced:
    """Train a few batches of the arm and validate some; nothing is kept.

    Raises:
        SettingError: If it cannot be built, or a step fails.
    """
    paced, device, parts = Paced(), usual_device(), parts_of(arm)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
    with states_kept(), options_kept(), one_thread():
        began = time.perf_counter()
        built = build(name, program, arm, seed=0)
        watch = _Stopwatch(paced, began)
        # A user's callbacks and loggers would write of a training that is none.
        whole = trainer_options_of(parts.get("trainer", {}))
        options = {name: x for name, x in whole.items() if name not in ("callbacks", "logger")}
        try:
            for stage in ("fit", "validate"):
                _run(stage, built, watch, options, device)
        except SettingError:
            raise
        except Exception as error:  # the user's own code raises whatever it likes
            called = call_of(name, parts.get("model", {}))
            raise SettingError(
                f"`{called}` cannot be trained for a few steps: {words_of(error)}."
            ) from error
    if device != "cpu":
        paced.peak_bytes = torch.cuda.max_memory_allocated()
    return paced


class _Enough(Exception):
    """The stopwatch has seen enough steps."""


class _Stopwatch(pl.Callback):
    def __init__(self, paced: Paced, began: float) -> None:
        self._paced, self._began = paced, began
        self._last = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The first step comes next."""
        self._paced.per_epoch = int(trainer.num_training_batches)
        self._last = time.perf_counter()
        self._paced.begin = self._last - self._began

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Count the step, with the reading of its batch."""
        self._lap(self._paced.steps)

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The first batch comes next."""
        counts = trainer.num_val_batches
        self._paced.checks_per_epoch = int(sum(counts) if isinstance(counts, list) else counts)
        self._last = time.perf_counter()

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """Count the batch."""
        self._lap(self._paced.checks)

    def _lap(self, laps: list[float]) -> None:
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize()
        now = time.perf_counter()
        laps.append(now - self._last)
        self._last = now
        if sum(laps) > STEP_SECONDS or len(laps) >= MOST_STEPS:
            raise _Enough


def _run(stage: str, built: Built, watch: _Stopwatch, options: dict[str, Any], device: str) -> None:
    is_module = built.data is None or isinstance(built.data, pl.LightningDataModule)
    given = dict(options)
    data = built.data if is_module else Loaders(built.data)
    more = {"verbose": False} if stage == "validate" else {}
    with quiet(), unheard(), suppress(_Enough):
        trainer = make_trainer(
            epochs=given.pop("max_epochs", None),
            device=device,
            world_size=1,
            callbacks=[watch],
            options=given,
        )
        getattr(trainer, stage)(built.module, datamodule=data, **more)


def _usual(laps: list[float]) -> float:
    """The median; the first also sets things up, which does not matter where one is long."""
    return statistics.median(laps[1:] or laps) if laps else 0.0
