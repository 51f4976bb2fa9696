"""Lightning's Trainer as a run uses it: quiet, and with nothing in it that a run does itself."""

import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from types import MappingProxyType
from typing import Any

import lightning.pytorch as pl
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities import registry
from lightning.pytorch.callbacks import Checkpoint, ModelSummary, ProgressBar
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import DDPStrategy

from ablations.subjects.lightning.checkpoint import AtomicCheckpointIO

# A Trainer looks through all installed packages for callbacks that they add, 20 ms: once a process, not for each run.
registry.entry_points = cache(registry.entry_points)  # type: ignore[assignment,attr-defined]

NOT_OURS = (
    # torch 2.13 deprecates what lightning 2.6 still calls; drop when lightning does not.
    ".*LeafSpec.*",
    # The engine starts the processes, in a Slurm job too.
    "The `srun` command is available on your system but is not used",
    # What is logged is a mean over all ranks already.
    r"It is recommended to use `self\.log\(.*sync_dist=True\)`",
    # The logger that a run has where the user has none keeps nothing.
    "The number of training batches .* is smaller than the logging interval",
    # A run that goes on finds the checkpoints that it wrote before.
    "Checkpoint directory .* exists and is not empty",
)
"""Warnings that a run's log would be full of."""


def make_trainer(
    *,
    epochs: int | None,
    device: str,
    world_size: int,
    callbacks: list[pl.Callback],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> pl.Trainer:
    """A trainer that neither logs nor writes checkpoints: the callbacks do.

    Args:
        epochs: Where training ends; None where an option says it otherwise.
        device: A torch device; `cuda:1` is the second one.
        world_size: Processes that train the run together; they are there already.
        callbacks: In the order in which they are called.
        options: What else the Trainer is told, a logger too (`trainer_options.checked_options`).
    """
    kind, _, index = device.partition(":")
    one_device: Any = [int(index or 0)] if kind == "cuda" else 1
    # Named, not detected: inside a Slurm job Lightning would take the job's tasks for the run's.
    alone: list[Any] = [LightningEnvironment()] if world_size == 1 else []
    together = DDPStrategy(cluster_environment=TorchElasticEnvironment())
    free: dict[str, Any] = {
        "logger": False,
        "enable_progress_bar": any(isinstance(one, ProgressBar) for one in callbacks),
        "enable_model_summary": any(isinstance(one, ModelSummary) for one in callbacks),
        "profiler": _NoProfiler(),
        **options,
    }
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="gpu" if kind == "cuda" else kind,
        devices=one_device if world_size == 1 else world_size,
        strategy="auto" if world_size == 1 else together,
        # Without one of the callbacks' own Lightning would add one that writes.
        enable_checkpointing=any(isinstance(one, Checkpoint) for one in callbacks),
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # each rank takes its share itself
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO(), *alone],
        **free,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's warnings of what is meant so, and without its notes for beginners."""
    with without_notes(), warnings.catch_warnings():
        for message in NOT_OURS:
            warnings.filterwarnings("ignore", message=message)
        yield


@contextmanager
def without_notes() -> Iterator[None]:
    """Without Lightning's notes for beginners: once per run they would bury what a run itself prints."""
    log = logging.getLogger("lightning.pytorch")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        # Of runs in threads the first to leave would let the others speak; they are in a worker of ours.
        if threading.current_thread() is threading.main_thread():
            log.setLevel(before)


class _NoProfiler(PassThroughProfiler):
    """Lightning enters a profiler 50 times a step; one empty context serves them all."""

    context = nullcontext()

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        return self.context
