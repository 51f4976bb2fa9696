"""The objects of one arm of a user's program: its module, constructed for pairing, its data, and what trains them."""

import json
from collections.abc import Mapping
from types import MethodType
from typing import Any

from ablations.errors import SettingError
from ablations.import_path import load, words_of
from ablations.subjects.signatures import arguments_of, made, maker
from ablations.subjects.values import nested

SCHEDULE = ("optimizer", "lr_scheduler")
"""Settings that take the place of the module's `configure_optimizers`, as in LightningCLI's files."""


def parts_of(arm: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The arguments of `model`, `data` and `trainer` apart; `schedule` has the optimizer and what steers its rate."""
    parts: dict[str, dict[str, Any]] = {}
    for name, value in arm.items():
        group, _, argument = name.partition(".")
        if group in SCHEDULE:
            parts.setdefault("schedule", {})[name] = value
        else:
            parts.setdefault(group, {})[argument] = value
    return parts


def module_of(
    name: str, arguments: Mapping[str, Any], *, seed: int, schedule: Mapping[str, Any] | None = None
) -> Any:
    """The module with its random numbers drawn from the seed's streams (`pairing.construct`).

    Args:
        name: Import path of its class, or of a function that returns it.
        arguments: By their names; an object's as `class_path` and `init_args`.
        seed: Of the streams.
        schedule: `optimizer` and `lr_scheduler`, in place of what the module's own `configure_optimizers` says.

    Raises:
        SettingError: If its constructor fails.
    """
    from lightning.pytorch.core.mixins.hparams_mixin import _given_hyperparameters_context

    from ablations.subjects.lightning.pairing.construct import construct

    make = maker(load(name), arguments, at="model")
    objects = any("." in argument for argument in arguments)

    def make_as_lightning_cli_does() -> Any:
        # A checkpoint then holds what objects were made of, and not the objects, which it could not read back.
        with _given_hyperparameters_context(
            nested(arguments), "lightning.pytorch.cli.instantiate_module"
        ):
            return make()

    try:
        module = construct(make_as_lightning_cli_does if objects else make, seed=seed).module
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(
            f"`{_call(name, arguments)}` cannot be made: {words_of(error)}."
        ) from error
    if schedule:
        from ablations.subjects.lightning.schedule import schedule_of

        module.configure_optimizers = MethodType(maker(schedule_of, schedule, at="")(), module)
    return module


def data_of(name: str | None, arguments: Mapping[str, Any], *, keep: bool = False) -> Any:
    """The DataModule or the loaders; None where the module has its own.

    Args:
        name: Import path of what makes them.
        arguments: By their names.
        keep: Whether the data of an earlier run of this process with the same arguments serve this one too.

    Raises:
        SettingError: If they cannot be made.
    """
    if name is None:
        return None
    from ablations.subjects.lightning import shared_data

    stated = json.dumps(arguments, sort_keys=True)
    if not keep:
        return _data_of(name, stated)
    if (name, stated) not in _kept:
        _kept.clear()  # one at a time: data may fill the memory
        _kept[name, stated] = _data_of(name, stated)
        shared_data.set_up_once(_kept[name, stated])
    return _kept[name, stated]


_kept: dict[tuple[str, str], Any] = {}
"""The data of this process's last run that asked to keep them."""


def _data_of(name: str, stated: str) -> Any:
    from ablations.subjects.lightning import shared_data

    arguments = json.loads(stated)
    try:
        data = maker(load(name), arguments, at="data")()
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(
            f"`{_call(name, arguments)}` cannot be made: {words_of(error)}."
        ) from error
    if data is None:
        raise SettingError(
            f"`{_call(name, arguments)}` must return a LightningDataModule or loaders, but returned nothing."
        )
    shared_data.prepare_once(data, made_by=f"{name} {stated}")
    return data


def trainer_options_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the Trainer, with the callbacks, loggers and profilers that `class_path` names.

    Raises:
        SettingError: If one cannot be made.
    """
    import lightning.pytorch as pl

    whole, known = nested(options), arguments_of(pl.Trainer)
    return {
        name: made(known[name], value, at="trainer")
        if isinstance(value, Mapping) or (name in ("callbacks", "logger") and value is not None)
        else value
        for name, value in whole.items()
    }


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    told = ", ".join(f"{one}={value!r}" for one, value in arguments.items())
    return f"{name}({told})"
