"""A LightningModule of the user's own, with its data, as a subject: settings from signatures, runs by `fit`."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from ablations.errors import SettingError, one_of
from ablations.import_path import is_import_path, load, load_module
from ablations.subjects import ids
from ablations.subjects.data_files import files_of
from ablations.subjects.lightning.trainer_options import checked_options
from ablations.subjects.own_code import own_files
from ablations.subjects.own_module import attached
from ablations.subjects.own_module.built import parts_of
from ablations.subjects.own_module.cost import Costs
from ablations.subjects.own_module.identity import fingerprint, identify
from ablations.subjects.own_module.pilot import pilot
from ablations.subjects.own_module.schedule import schedule_of
from ablations.subjects.own_module.two_steps import shortened
from ablations.subjects.own_module.verify import verify
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

    Its settings are `model.*` and `data.*`, the arguments of the module and of its data by their signatures, and
    `trainer.*`, those of Lightning's Trainer that the space names.

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
    assign = partial(_assign, settings=settings, makers=makers)
    used = partial(_used, makers=makers)
    costs = Costs(name, program)
    return Subject(
        name=name,
        train="ablations.subjects.own_module.run:train_run",
        settings=settings,
        metrics=program.declared(),
        tested=program.tested(),
        objectives=program.searchable(),
        metric=program.metrics[0].name,
        assign=assign,
        fingerprint=lambda arm: fingerprint(program, files, arm),
        identify=lambda arm: identify(name, program, files, arm),
        cost=costs.columns,
        carried={"subject": name, "program": program.model_dump(mode="json")},
        epochs=_epochs,
        short=shortened,
        code=partial(
            _code, [name, program.data, program.attach.forward if program.attach else None]
        ),
        packages=("ablations", "torch", "lightning", "numpy"),
        pilot=lambda arms, _: pilot(name, program, arms, epochs=[_epochs(arm) for arm in arms]),
        verify=lambda arms, _: verify(name, program, arms, canonical=used, epochs=_epochs),
        unused=partial(_unused, makers=makers),
        notes=partial(_notes, name=name, program=program, costs=costs),
        **(_without_attention() if program.attach is None else _with_attention(assign)),
    )


def _epochs(arm: Values) -> int:
    return max(1, int(arm.get(EPOCHS) or 1))


def _used(arm: Values, *, makers: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    neutral = attached.NEUTRAL if attached.AT in arm else {}
    return ids.canonical(arm, left_out=_unused(arm, makers=makers), neutral=neutral)


def _unused(arm: Values, *, makers: Mapping[str, Callable[..., Any]]) -> frozenset[str]:
    """What an arm does not use: of attention, and of an object what its class does not take."""
    parts = parts_of(arm)
    of_attention = attached.unused(arm) if attached.AT in arm else frozenset()
    return of_attention | frozenset(
        f"{group}.{name}"
        for group, maker in makers.items()
        for name in not_taken(maker, parts.get(group, {}), at=group)
    )


def _notes(baseline: Values, *, name: str, program: Program, costs: Costs) -> list[str]:
    """What of the user's own a study does not use, and where attention is attached."""
    replaced = f"`optimizer` takes the place of what `configure_optimizers` of {name!r} returns."
    told = [*program.left_out, *([replaced] if "schedule" in parts_of(baseline) else [])]
    if program.attach is not None:
        told += [f"Attention is attached at {baseline[attached.AT]}:", costs.places(baseline)]
    return told


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


def _without_attention() -> dict[str, Any]:
    return {
        "cost_columns": {"params": "integer", "macs": "integer"},
        "cost_titles": {"params": "params", "macs": "MACs"},
    }


def _with_attention(assign: Callable[[Values], dict[str, Any]]) -> dict[str, Any]:
    """What a subject says whose network attention is attached to."""

    def change(arm: Values, values: Values) -> dict[str, Any]:
        return assign({**arm, **values, **attached.changed(arm, values)})

    return {
        "change": change,
        "neutral": attached.NEUTRAL,
        "cost_columns": {
            "hidden": "list of integers",
            "channels": "list of integers",
            "c2_eff": "number",
            "params": "integer",
            "attention_params": "integer",
            "macs": "integer",
        },
        "cost_titles": {
            "hidden": "hidden widths",
            "params": "params",
            "attention_params": "of attention",
            "macs": "MACs",
        },
    }


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
        settings |= settings_of(schedule_of, parts["schedule"], at="")
    options = {name: [value] for name, value in flat(program.trainer).items()}
    for name, values in parts.get("trainer", {}).items():
        options.setdefault(name, []).extend(values)
    for name, values in options.items():
        settings[f"trainer.{name}"] = Setting(default=values[0], kinds=frozenset(map(type, values)))
    if program.attach is not None:
        settings |= attached.settings_of(program.attach)
    checked_options(nested({name: values[0] for name, values in options.items()}))
    _check_trainer(options)
    for name in said:
        if (
            name not in settings
            and name.startswith((attached.GROUP, "attach."))
            and not program.attach
        ):
            raise SettingError(
                f"`{name}` is a setting of attention that is attached to your network, so the space must say where: "
                'for example `attach: {at: "encoder.*.conv2"}`.'
            )
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
        check_arguments(schedule_of, parts["schedule"], at="")
    checked_options(nested(parts.get("trainer", {})))
    return {**arm, **attached.checked(arm)} if attached.AT in settings else arm


def _code(named: Sequence[str | None], values: Iterable[Any]) -> list[Path]:
    """The user's own files: of what the program names, and of the import paths among the values."""
    paths = {*named, *(x for x in values if isinstance(x, str) and is_import_path(x))} - {None}
    modules = [load_module(str(path).partition(":")[0], named=str(path)) for path in paths]
    return sorted({file for module in modules for file in own_files(module)})
