"""A LightningModule of the user's own, with its data, as a subject: settings from signatures, runs by `fit`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import lightning.pytorch as pl

from ablations.errors import SettingError, one_of
from ablations.import_path import is_import_path, load, load_module
from ablations.subjects.data_files import digest_of, files_of
from ablations.subjects.lightning.built import data_of, module_of, parts_of
from ablations.subjects.lightning.trainer_options import checked_options
from ablations.subjects.own_code import own_files
from ablations.subjects.program import Program
from ablations.subjects.signatures import (
    arguments_of,
    check_arguments,
    check_value,
    not_taken,
    settings_of,
)
from ablations.subjects.subject import Setting, Subject, Values
from ablations.subjects.values import flat, nested

EPOCHS = "trainer.max_epochs"


def make(
    name: str, found: Callable[..., Any], *, program: Program, said: Mapping[str, Sequence[Any]]
) -> Subject:
    """The subject of a LightningModule class, or of a function that returns a module.

    Its settings are `model.*` and `data.*`, the arguments of the module and of its data by their signatures,
    `trainer.*`, those of Lightning's Trainer that the space names, and `optimizer` and `lr_scheduler` where it does.

    Args:
        name: Import path of the class or function.
        found: The class or function.
        program: What the space says of it.
        said: Setting -> the values that the space names.

    Raises:
        SettingError: If a setting is unknown, or an option of the Trainer is the framework's.
    """
    _check_module(name, found, said)
    makers = _makers(found, program)
    settings = _settings(makers, program, said)
    files = files_of(program.fingerprint)
    return Subject(
        name=name,
        train="ablations.subjects.lightning.run:train_run",
        settings=settings,
        metrics=program.declared(),
        objectives=program.searchable(),
        metric=program.metrics[0].name,
        assign=partial(_assign, settings=settings, makers=makers),
        unused=partial(_unused, makers=makers),
        fingerprint=lambda arm: digest_of(files) or _own_fingerprint(program, arm),
        cost=lambda arm: {"params": _params(name, arm)},
        cost_columns={"params": "integer"},
        cost_titles={"params": "params"},
        carried={"subject": name, "program": program.model_dump(mode="json")},
        epochs=lambda arm: max(1, int(arm.get(EPOCHS) or 1)),
        code=lambda _: own_files(load_module(name.partition(":")[0], named=name)),
        packages=("ablations", "torch", "lightning", "numpy"),
        notes=partial(_notes, name=name, program=program),
    )


def _makers(found: Callable[..., Any], program: Program) -> dict[str, Callable[..., Any]]:
    if program.data is None:
        return {"model": found}
    if not is_import_path(program.data) or not callable(data := load(program.data)):
        raise SettingError(
            "`data` must name a LightningDataModule, or a function that returns loaders, as `package.module:name`, "
            f"but got {program.data!r}."
        )
    return {"model": found, "data": data}


def _check_module(name: str, found: Callable[..., Any], said: Mapping[str, Sequence[Any]]) -> None:
    """Refuse a class that Lightning could not train, before anything runs; what a function returns shows later."""
    if not inspect.isclass(found):
        return
    if not issubclass(found, pl.LightningModule):
        raise SettingError(
            f"`subject` must be a LightningModule where `data` or `trainer` are given, but {name!r} is a "
            f"{found.__mro__[1].__name__}. Wrap it in one that has `training_step` and `configure_optimizers`."
        )
    needed = ["training_step", *([] if "schedule" in parts_of(said) else ["configure_optimizers"])]
    for hook in needed:
        if getattr(found, hook) is getattr(pl.LightningModule, hook):
            way_out = (
                "write it"
                if hook == "training_step"
                else "write it, or name an `optimizer` in the baseline"
            )
            raise SettingError(f"{name!r} has no `{hook}`: {way_out}.")


def _settings(
    makers: Mapping[str, Callable[..., Any]], program: Program, said: Mapping[str, Sequence[Any]]
) -> dict[str, Setting]:
    """Dotted name -> setting, of the module, its data, and the options of the Trainer that the space names."""
    parts = parts_of(said)
    settings = {
        f"{group}.{argument}": one
        for group, maker in makers.items()
        for argument, one in settings_of(maker, parts.get(group, {}), at=group).items()
    }
    if "schedule" in parts:
        from ablations.subjects.lightning.schedule import schedule_of

        settings |= settings_of(schedule_of, parts["schedule"], at="")
    options = {name: [value] for name, value in flat(program.trainer).items()}
    for name, values in parts.get("trainer", {}).items():
        options.setdefault(name, []).extend(values)
    for name, values in options.items():
        settings[f"trainer.{name}"] = Setting(default=values[0], kinds=frozenset(map(type, values)))
    if not settings.keys() & {EPOCHS, "trainer.max_steps"}:
        raise SettingError(
            f"`{EPOCHS}` must be given, since how long a run trains has no default: for example "
            "`trainer: {max_epochs: 20}`."
        )
    checked_options(nested({name: values[0] for name, values in options.items()}))
    _check_trainer(options)
    for name in said:
        if name not in settings:
            raise SettingError(one_of("setting", name, settings))
    return settings


def _check_trainer(options: Mapping[str, Sequence[Any]]) -> None:
    """Refuse values that Lightning's Trainer does not take, and objects that cannot be."""
    known = arguments_of(pl.Trainer)
    first = nested({name: values[0] for name, values in options.items()})
    others = [(name, value) for name, values in options.items() for value in values[1:]]
    for name, value in (*first.items(), *others):
        if name in known:
            check_value(known[name], value, at="trainer")


def _assign(
    values: Values,
    *,
    settings: Mapping[str, Setting],
    makers: Mapping[str, Callable[..., Any]],
) -> dict[str, Any]:
    """The whole arm, if the module, its data and the Trainer take the values."""
    arm = {name: values.get(name, setting.default) for name, setting in settings.items()}
    parts = parts_of(arm)
    for group, maker in makers.items():
        absent = {
            argument
            for argument, one in arguments_of(maker).items()
            if one.required and f"{group}.{argument}" not in values
        }
        given = {name: x for name, x in parts.get(group, {}).items() if name not in absent}
        check_arguments(maker, given, at=group)
    if "schedule" in parts:
        from ablations.subjects.lightning.schedule import schedule_of

        check_arguments(schedule_of, parts["schedule"], at="")
    checked_options(nested(parts.get("trainer", {})))
    return arm


def _unused(arm: Values, *, makers: Mapping[str, Callable[..., Any]]) -> frozenset[str]:
    """The arguments of an object that the class which the arm names does not take."""
    parts = parts_of(arm)
    return frozenset(
        f"{group}.{name}"
        for group, maker in makers.items()
        for name in not_taken(maker, parts.get(group, {}), at=group)
    )


def _notes(arm: Values, *, name: str, program: Program) -> list[str]:
    """What of the user's own a study does not use."""
    replaced = f"`optimizer` takes the place of what `configure_optimizers` of {name!r} returns."
    return [*program.left_out, *([replaced] if "schedule" in parts_of(arm) else [])]


def _own_fingerprint(program: Program, arm: Values) -> str:
    """What the DataModule says of its content, where it has a method `fingerprint`."""
    data = data_of(program.data, parts_of(arm).get("data", {}))
    told = getattr(data, "fingerprint", None)
    return str(told()) if callable(told) else ""


def _params(name: str, arm: Values) -> int:
    """Elements of all parameters of the module, built once with any numbers."""
    module = module_of(name, parts_of(arm).get("model", {}), seed=0)
    return sum(tensor.numel() for tensor in module.parameters())
