"""One run of a user's LightningModule: settings in, what it logged out."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch

from ablations.context import Context
from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.subjects.attention.recording.own_data import record_module
from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import fit
from ablations.subjects.own_module.batch import batches, unheard
from ablations.subjects.own_module.built import (
    Built,
    build,
    parts_of,
    passes,
    trainer_options_of,
)
from ablations.subjects.program import RECORDED, Program
from ablations.subjects.started import FILE, Started
from ablations.subjects.values import flat

MEASURED = ("epoch_seconds", "memory_mib")
"""What a run measures beside what its module logs; the second on a GPU."""


def train_run(settings: dict[str, Any], context: Context) -> dict[str, Any]:
    """Train one run for the engine; goes on from `checkpoint.ckpt` in the run's folder, if it is there.

    Beside the metrics it measures `epoch_seconds` and, on a GPU, `memory_mib`: the most that torch held there.
    """
    if context.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(context.device)
    program, seed = Program(**settings["program"]), settings["seed"]
    arm = flat(settings["arm"])
    parts, first = parts_of(arm), program.metrics[0]
    built = build(settings["subject"], program, arm, seed=seed, keep=program.keep_data)
    note = partial(_note, context)
    note(built.started)
    outcome = fit(
        built.module,
        built.data,
        rule=EpochRule(
            metric=first.name,
            direction=first.direction,
            at="best" if first.at == "best" else "last",
        ),
        trainer_options=trainer_options_of(
            parts.get("trainer", {}), version=f"{context.run}-{context.attempt}"
        ),
        seed=seed,
        context=context,
        test=program.test,
        on_start=built.check,
        on_end=partial(_record_gates, program, built, context) if _records(program) else None,
        checkpoint_seconds=context.checkpoint_seconds,
        checkpoint_minutes=context.checkpoint_minutes,
        stopping=lambda: context.stopping,
        reserved=RECORDED,
    )
    note(
        replace(built.started, batches=outcome.digests, limits=outcome.limits, again=outcome.again)
    )
    return {
        **{name: value for name, value in outcome.metrics.items() if value is not None},
        **tested_of(outcome.tested, program),
        "epoch_seconds": outcome.epoch_seconds,
        **_memory(context.device),
        "epochs_run": outcome.epochs_run,
        # It ended by the program's own rule, early stopping perhaps: no epoch of it is missing.
        "epochs_planned": outcome.epochs_run,
        "device": context.device,
    }


def _records(program: Program) -> bool:
    return program.attach is not None and program.attach.record_gates


def _record_gates(program: Program, built: Built, context: Context, epoch: int) -> None:
    """What the gates do at the end; where that fails the run is none the worse, and its log says why."""
    if context.rank != 0:
        return
    module, trainer = built.module, built.module.trainer
    trained = _trained(trainer)
    try:
        # A step outside of the Trainer's loops may not log to it.
        module.trainer = None
        with unheard():
            record_module(
                module,
                batches(module, built.data, kind="val"),
                context.attempt_folder,
                passes=passes(module, program),
                epoch=epoch,
                trained=trained,
                beat=context.beat,
            )
    except Exception as error:
        logging.getLogger(__name__).warning("The gates are not recorded: %s", words_of(error))
    finally:
        module.trainer = trainer


def _trained(trainer: pl.Trainer) -> int:
    """Examples trained on, as far as the loader says."""
    size = getattr(trainer.train_dataloader, "batch_size", None)
    return trainer.global_step * (size if isinstance(size, int) else 1)


def _memory(device: str) -> dict[str, float]:
    if not device.startswith("cuda"):
        return {}  # of a CPU only the process's is known, which trains other runs too
    return {"memory_mib": torch.cuda.max_memory_allocated(device) / 2**20}


def tested_of(tested: Mapping[str, float], program: Program) -> dict[str, dict[str, float]]:
    """What the test logged of what the program names, under the name that the engine sets apart.

    Raises:
        SettingError: If it did not log one of these.
    """
    for one in program.tested():
        if one.name not in tested:
            names = ", ".join(map(repr, sorted(tested))) or "nothing"
            raise SettingError(
                f"the metric {one.name!r} was not logged by the test; what was: {names}. Log it in `test_step`, or "
                "leave out its `at: test`."
            )
    said = {one.name: tested[one.name] for one in program.tested()}
    return {"test": said} if said else {}


def _note(context: Context, beginning: Started) -> None:
    """Write down what the run started with, beside its epochs."""
    if context.rank == 0:
        path = context.attempt_folder / FILE
        path.write_text(json.dumps(beginning.to_json()), encoding="utf-8")
