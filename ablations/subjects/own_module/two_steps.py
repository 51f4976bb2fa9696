"""Two real training steps of an arm of a user's program: what two arms are compared by before the first run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import Any

import lightning.pytorch as pl
import torch

from ablations.errors import NotMeasured
from ablations.one_thread import one_thread
from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import fit, not_logged
from ablations.subjects.lightning.loadable import refuse_unloadable
from ablations.subjects.lightning.trainer import make_trainer
from ablations.subjects.own_module.batch import unheard
from ablations.subjects.own_module.built import build, parts_of, trainer_options_of
from ablations.subjects.own_module.hashes import learnable_hash, state_hash
from ablations.subjects.own_module.run import MEASURED, tested_of
from ablations.subjects.program import RECORDED, Program
from ablations.subjects.started import Started
from ablations.torch_options import options_kept

STEPS = 2
LENGTHS = ("max_steps", "min_steps", "min_epochs", "max_time", "val_check_interval")
"""Options of the Trainer that say how long a run is, or would refuse so short a one."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """An arm before and after a few steps.

    Attributes:
        started: What it started with, its first batches too.
        modules: Names of its modules.
        shapes: Tensor -> type and shape.
        learnt: Parameters that need a gradient.
        params: Elements of all parameters.
        metric: The one that decides, afterwards.
        numbers: What else was logged.
        state: A hash of all tensors afterwards.
        learns: Whether a parameter is not what it was.
        schedule: What its optimisers and schedulers hold afterwards.
    """

    started: Started
    modules: frozenset[str]
    shapes: dict[str, str]
    learnt: frozenset[str]
    params: int
    metric: float
    numbers: tuple[tuple[str, float | None], ...]
    state: str
    learns: bool
    schedule: str

    def is_same(self, other: "Steps") -> bool:
        """Whether both have the same tensors, learn the same ones, saw the same batches and came to the same."""
        return (
            self.state == other.state
            and self.learnt == other.learnt
            and self.numbers == other.numbers
            and self.started.batches == other.started.batches
        )


def few_steps(
    name: str,
    program: Program,
    arm: Mapping[str, Any],
    *,
    epochs: int = 1,
    steps: int = STEPS,
) -> Steps:
    """Train an arm for a few steps, on seed 0 and in this process; nothing is kept.

    Args:
        name: Import path of the module.
        program: What the space says of it.
        arm: Its settings.
        epochs: How many, each with as many steps and batches of validation.
        steps: Of each epoch.

    Raises:
        SettingError: If the arm cannot be built or trained, or a metric is not logged.
        NonFinite: If the metric is NaN or infinite.
    """
    built, first = build(name, program, arm, seed=0), program.metrics[0]
    module, tensors = built.module, dict(built.module.named_parameters())
    modules = frozenset(one for one, _ in module.named_modules())
    options = trainer_options_of(parts_of(shortened(arm, epochs=epochs, steps=steps))["trainer"])
    for owner in (module, built.data):
        if hasattr(owner, "hparams"):
            refuse_unloadable(owner.hparams, of=type(owner).__name__)
    begins = learnable_hash(module)
    with one_thread(), unheard(), TemporaryDirectory() as folder:
        _refuse_whole(arm)
        outcome = fit(
            module,
            built.data,
            rule=EpochRule(metric=first.name, direction=first.direction, at="last"),
            test=program.test,
            # A callback of the user's may write files.
            trainer_options={"default_root_dir": folder, **options},
            seed=0,
            on_start=built.check,
            device=usual_device(),
            reserved=RECORDED,
        )
    for one in program.declared():
        if one.name not in (*outcome.metrics, *MEASURED):
            raise NotMeasured(not_logged(one.name, {**outcome.metrics, "epoch": outcome.epoch}))
    tested_of(outcome.tested, program)
    return Steps(
        started=replace(built.started, batches=outcome.digests, limits=outcome.limits),
        modules=modules,
        shapes={one: told.rpartition(" ")[0] for one, told in built.started.tensors.items()},
        learnt=frozenset(one for one, tensor in tensors.items() if tensor.requires_grad),
        params=sum(tensor.numel() for tensor in tensors.values()),
        metric=float(
            outcome.metrics[first.name] or 0.0
        ),  # a metric that is no number ended the fit
        numbers=tuple(sorted(outcome.metrics.items())),
        state=state_hash(module),
        learns=learnable_hash(module) != begins,
        schedule=_schedule(module),
    )


def shortened(arm: Mapping[str, Any], *, epochs: int = 2, steps: int = STEPS) -> dict[str, Any]:
    """The arm with so many epochs of so many steps, and as many batches of validation and test."""
    left = {
        name: value
        for name, value in arm.items()
        if name.removeprefix("trainer.") not in LENGTHS and not name.startswith("trainer.logger")
    }
    return {
        **left,
        "trainer.max_epochs": epochs,
        "trainer.check_val_every_n_epoch": 1,
        **{f"trainer.limit_{part}_batches": steps for part in ("train", "val", "test")},
    }


def _refuse_whole(arm: Mapping[str, Any]) -> None:
    """Let Lightning's Trainer look at the options that a short training leaves out."""
    options = parts_of(arm).get("trainer", {})
    values = {name: x for name, x in options.items() if name in LENGTHS}
    with options_kept():
        make_trainer(epochs=1, device="cpu", world_size=1, callbacks=[], options=values)


def usual_device() -> str:
    """Where a run of this machine computes: a program may have kernels for a GPU alone."""
    return "cuda:0" if torch.cuda.is_available() else "cpu"


def _schedule(module: pl.LightningModule) -> str:
    """Everything but tensors that the optimisers' groups and the schedulers hold, as text."""
    groups = [
        {key: value for key, value in group.items() if key != "params"}
        for optimiser in module.trainer.optimizers
        for group in optimiser.param_groups
    ]
    plans = [config.scheduler.state_dict() for config in module.trainer.lr_scheduler_configs]
    return repr((groups, plans))
