"""Which arguments of Lightning's Trainer a study may set, and which the framework sets for every run."""

import inspect
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl

from ablations.errors import SettingError, one_of

_DEVICES = (
    "The engine places runs: `--workers`, `--gpus-per-run`, or a `RunContext` with a `device`"
)
_RESUME = "A run writes its own checkpoint to resume from; put a `ModelCheckpoint` among the `callbacks` for yours"
_PROBE = "It trains on a part of the data; `limit_train_batches` says openly how much"

OWNED: Mapping[str, str] = {
    "accelerator": _DEVICES,
    "devices": _DEVICES,
    "num_nodes": _DEVICES,
    "strategy": _DEVICES,
    "plugins": "A run has its own, for whole checkpoints; `precision` and the like are options",
    "enable_checkpointing": _RESUME,
    "use_distributed_sampler": "Every process of a run takes its share of each epoch by itself",
    "num_sanity_val_steps": "It is 0: what a sanity check draws would unpair a resumed run",
    "fast_dev_run": _PROBE,
    "overfit_batches": _PROBE,
    "barebones": "It leaves out the callbacks that record a run",
    "model_registry": _RESUME,
}
"""Options that a run sets itself, and what to do instead."""


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, if a study may set them and they say when training ends.

    Raises:
        SettingError: If one is unknown or the framework's, or none says how long to train.
    """
    known = [name for name in inspect.signature(pl.Trainer).parameters if name not in OWNED]
    for name, value in options.items():
        if name in OWNED:
            raise SettingError(f"`trainer.{name}` is set by the framework. {OWNED[name]}.")
        if name not in known:
            raise SettingError(one_of("trainer option", name, known))
        if name == "logger" and isinstance(value, bool):
            raise SettingError(
                f"`trainer.logger` must be a logger or a list of loggers, but got {value}. Leave it out: what is "
                "logged is recorded for each epoch in any case; a logger of your own is kept beside that."
            )
    if options.get("max_epochs") is None and options.get("max_steps", -1) == -1:
        raise SettingError(
            "`trainer.max_epochs` must be given (or `trainer.max_steps`), since how long a run trains has no default: "
            "for example `trainer: {max_epochs: 20}`."
        )
    for name in ("max_epochs", "max_steps", "check_val_every_n_epoch"):
        value = options.get(name)
        is_left_out = value is None or (value == -1 and name == "max_steps")
        if not is_left_out and (type(value) is not int or value < 1):
            raise SettingError(
                f"`trainer.{name}` must be a whole number of at least 1, but got {value!r}."
            )
    return dict(options)
