"""The objects of one arm of a user's program: its module, constructed for pairing, its data, and its attention."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MethodType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.core.mixins.hparams_mixin import _given_hyperparameters_context
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.import_path import load
from ablations.subjects.attention.attach.attach import Attached, attach
from ablations.subjects.lightning.pairing.construct import Constructed, construct
from ablations.subjects.own_module.attached import attention_of, patterns_of
from ablations.subjects.own_module.batch import first_batch, passed, step_of
from ablations.subjects.own_module.hashes import started
from ablations.subjects.own_module.schedule import schedule_of
from ablations.subjects.own_module.shared_data import prepare_once, set_up_once
from ablations.subjects.program import Program
from ablations.subjects.signatures import arguments_of, maker
from ablations.subjects.signatures import made as made_of
from ablations.subjects.started import Started
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
    name: str, arguments: Mapping[str, Any], *, seed: int
) -> Constructed[pl.LightningModule]:
    """The module with its random numbers drawn from the seed's streams (`pairing.construct`).

    Raises:
        SettingError: If its constructor fails.
    """
    make = maker_of(name, arguments)
    built: Constructed[pl.LightningModule] = made(
        name, arguments, lambda: construct(make, seed=seed)
    )
    return built


def maker_of(name: str, arguments: Mapping[str, Any]) -> Callable[[], pl.LightningModule]:
    """Makes the module, each time with new objects for the arguments that name some.

    Raises:
        SettingError: If it does not take the arguments.
    """
    make: Callable[[], pl.LightningModule] = maker(load(name), arguments, at="model")
    if not any("." in argument for argument in arguments):
        return make

    def make_as_lightning_cli_does() -> pl.LightningModule:
        # A checkpoint then holds what objects were made of, and not the objects, which it could not read back.
        with _given_hyperparameters_context(nested(arguments), INSTANTIATOR):
            return make()

    return make_as_lightning_cli_does


INSTANTIATOR = "lightning.pytorch.cli.instantiate_module"


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
    stated = f"{name} {json.dumps(arguments, sort_keys=True)}"
    if keep and stated in _kept:
        return _kept[stated]
    data = made(name, arguments, lambda: maker(load(name), arguments, at="data")())
    if data is None:
        raise SettingError(
            f"`{call_of(name, arguments)}` must return a LightningDataModule or loaders, but returned nothing."
        )
    prepare_once(data, made_by=stated)
    if keep:
        set_up_once(data)
        _kept.clear()  # one at a time: data may fill the memory
        _kept[stated] = data
    return data


_kept: dict[str, Any] = {}
"""The data of this process's last run that asked to keep them."""


def trainer_options_of(options: Mapping[str, Any], *, version: str | None = None) -> dict[str, Any]:
    """The options of the Trainer, with the callbacks, loggers and profilers that `class_path` names.

    Args:
        options: By their names, dotted inside.
        version: What loggers that count versions are told, where the space says nothing of it: runs side by side
            would count to the same one.

    Raises:
        SettingError: If one cannot be made.
    """
    made = {name: _option(name, value) for name, value in nested(options).items()}
    loggers = made.get("logger")
    for logger in loggers if isinstance(loggers, list) else [loggers]:
        if isinstance(logger, CSVLogger | TensorBoardLogger) and logger._version is None:
            logger._version = version
    return made


def _option(name: str, value: Any) -> Any:
    is_object = isinstance(value, Mapping) or (
        name in ("callbacks", "logger") and value is not None
    )
    if not is_object:
        return value
    try:
        return made_of(arguments_of(pl.Trainer)[name], value, at="trainer")
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(f"`trainer.{name}` cannot be made: {words_of(error)}.") from error


def made(name: str, arguments: Mapping[str, Any], make: Callable[[], Any]) -> Any:
    """What the user's class or function makes of the arguments.

    Raises:
        SettingError: If it fails.
    """
    try:
        return make()
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(
            f"`{call_of(name, arguments)}` cannot be made: {words_of(error)}."
        ) from error


def call_of(name: str, arguments: Mapping[str, Any]) -> str:
    """As one would write it: `houses:Prices(hidden=32)`."""
    told = ", ".join(f"{one}={value!r}" for one, value in arguments.items())
    return f"{name}({told})"


@dataclass(frozen=True, kw_only=True)
class Built:
    """What one run trains, before its first step."""

    module: pl.LightningModule
    data: Any
    started: Started
    check: Callable[[], None] | None
    """Refuses a module that has lost its attention; None where none is attached."""


def build(
    name: str, program: Program, arm: Mapping[str, Any], *, seed: int, keep: bool = False
) -> Built:
    """The module of one run with its attention and its optimizer, and its data.

    Args:
        name: Import path of the module.
        program: What the space says of it.
        arm: Its settings.
        seed: Of the run.
        keep: Whether the data of an earlier run serve this one too.

    Raises:
        SettingError: If one of them cannot be made.
    """
    parts = parts_of(arm)
    built = module_of(name, parts.get("model", {}), seed=seed)
    if "schedule" in parts:
        configure = maker(schedule_of, parts["schedule"], at="")()
        built.module.configure_optimizers = MethodType(configure, built.module)  # type: ignore[method-assign]
    data = data_of(program.data, parts.get("data", {}), keep=keep)
    check = None
    if program.attach is not None:
        batch = first_batch(built.module, data, step=step_of(built.module))
        check = attach_attention(built.module, batch, program, arm, seed=seed).check
    return Built(module=built.module, data=data, started=started(built, built.module), check=check)


def attach_attention(
    module: pl.LightningModule,
    batch: Any,
    program: Program,
    arm: Mapping[str, Any],
    *,
    seed: int,
) -> Attached:
    """Put the arm's attention into the module, at the places that it names, by one pass of a batch.

    Raises:
        SettingError: If attention cannot sit there.
    """
    assert program.attach is not None
    return attach(
        module,
        at=patterns_of(arm),
        attention=attention_of(arm),
        example=batch,
        seed=seed,
        layout=program.attach.layout,
        forward=passes(module, program),
        mask=program.attach.mask,
    )


def passes(module: pl.LightningModule, program: Program) -> Any:
    """How a batch passes through the module: as the space says, or by its validation step.

    Raises:
        SettingError: If the space names something else than a function.
    """
    own = program.attach.forward if program.attach is not None else None
    if own is None:
        return partial(passed, step=step_of(module))
    found = load(own)
    if not callable(found):
        raise SettingError(
            "`attach.forward` must name a function of the module and a batch, but "
            f"{own!r} is a {type(found).__name__}."
        )
    return found
