"""The project's own training, killed at random and inside checkpoint writes."""

import hashlib
import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import ablations.subjects.lightning.checkpoint as checkpoint
from ablations.engine.worker.context import RunContext
from ablations.subjects.attention.settings.groups import Run
from ablations.subjects.attention.training.run import train as train_one


def train(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """A small residual network on the digits; dies once in each of its first `kills` attempts."""
    torch.set_num_threads(1)
    die = _nothing
    if context.attempt <= settings["kills"]:
        die = _killer(settings["seed"], context.attempt)
    run = Run.model_validate(
        {"arm": {"training": {"epochs": settings["epochs"]}}, "seed": settings["seed"]}
    )
    saved = context.folder / "checkpoint.ckpt"
    outcome = train_one(
        run,
        on_epoch=_reporting(context, saved),
        on_step=die,
        checkpoint=saved,
        checkpoint_seconds=0.0,
    )
    return {
        "epochs_run": outcome.epochs_run,
        "train_loss": outcome.train_loss,
        "val_loss": outcome.val_loss,
        "val_accuracy": outcome.val_accuracy,
        "device": outcome.device,
    }


def _reporting(context: RunContext, saved: Path) -> Any:
    def report(record: dict[str, Any]) -> None:
        # The weights that the last epoch began with; they depend on every step before.
        if saved.exists():
            content = torch.load(saved, weights_only=True)["state_dict"]
            digest = hashlib.sha256()
            for name in sorted(content):
                digest.update(content[name].contiguous().numpy().tobytes())
            (context.folder / "weights.sha256").write_text(digest.hexdigest())
        context.epoch(record)

    return report


def _nothing() -> None:
    pass


def _killer(seed: int, attempt: int) -> Callable[[], None]:
    """What to call at each step: dies inside a checkpoint write, or somewhere after a random step.

    An epoch has 19 steps, so that an attempt gets at most one epoch further, however fast it is.
    """
    chaos = random.Random(f"{seed} {attempt}")
    if attempt % 3 == 0:
        before = os.fsync

        def fsync(descriptor: int) -> None:
            if Path(f"/proc/self/fd/{descriptor}").readlink().name.startswith(".checkpoint"):
                os.kill(os.getpid(), signal.SIGKILL)
            before(descriptor)

        checkpoint.os.fsync = fsync  # type: ignore[attr-defined]
        return _nothing
    left = chaos.randint(1, 30)

    def die() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            within = chaos.uniform(0, 0.02)
            threading.Timer(within, os.kill, (os.getpid(), signal.SIGKILL)).start()

    return die
