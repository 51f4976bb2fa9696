"""A LightningModule of the user's own, with its data, as a subject: settings from signatures, runs by `fit`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ablations.errors import SettingError, one_of
from ablations.import_path import is_import_path, load_module
from ablations.subjects import ids
from ablations.subjects.data_files import files_of
from ablations.subjects.own_code import own_files
from ablations.subjects.own_module import attached
from ablations.subjects.own_module.built import callable_at, parts_of
from ablations.subjects.own_module.cost import Costs
from ablations.subjects.own_module.identity import fingerprint, identify
from ablations.subjects.own_module.pilot import pilot
from ablations.subjects.own_module.two_steps import shortened
from ablations.subjects.own_module.verify import verify
from ablations.subjects.program import Program
from ablations.subjects.signatures import arguments_of, check_arguments
from ablations.subjects.subject import Metric, Setting, Subject, Values

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
    makers = {"model": found}
    if program.data is not None:
        makers["data"] = callable_at(program.data, said="data")
    settings = _settings(makers, program, said)
    files = files_of(program.fingerprint)
    assign = partial(_assign, settings=settings, makers=makers)
    used = _used if program.attach is None else _used_beside_attention
    costs = Costs(name, program)
    return Subject(
        name=name,
        train="ablations.subjects.own_module.run:train_run",
        settings=settings,
        metrics=tuple(
            Metric(name=one.name, direction=one.direction, unit=one.unit) for one in program.metrics
        ),
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
        **(_without_attention() if program.attach is None else _with_attention(assign, costs)),
    )


def _epochs(arm: Values) -> int:
    return int(arm.get(EPOCHS) or 1)


def _used(arm: Values) -> dict[str, Any]:
    return ids.canonical(arm, left_out=(), neutral={})


def _used_beside_attention(arm: Values) -> dict[str, Any]:
    return ids.canonical(arm, left_out=attached.unused(arm), neutral=attached.NEUTRAL)


def _without_attention() -> dict[str, Any]:
    return {
        "cost_columns": {"params": "integer", "macs": "integer"},
        "cost_titles": {"params": "params", "macs": "MACs"},
    }


def _with_attention(assign: Callable[[Values], dict[str, Any]], costs: Costs) -> dict[str, Any]:
    """What a subject says whose network attention is attached to."""

    def change(arm: Values, values: Values) -> dict[str, Any]:
        return assign({**arm, **values, **attached.changed(arm, values)})

    def notes(baseline: Values) -> list[str]:
        return [f"Attention is attached at {baseline[attached.AT]}:", costs.places(baseline)]

    return {
        "change": change,
        "unused": attached.unused,
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
        "notes": notes,
    }


def _settings(
    makers: Mapping[str, Callable[..., Any]], program: Program, said: Mapping[str, Sequence[Any]]
) -> dict[str, Setting]:
    """Dotted name -> setting, of the module, its data, and the options of the Trainer that the space names."""
    from ablations.subjects.lightning.trainer_options import checked_options

    settings = {
        f"{group}.{argument}": one.as_setting(at=group)
        for group, maker in makers.items()
        for argument, one in arguments_of(maker).items()
    }
    options: dict[str, list[Any]] = {
        f"trainer.{x}": [value] for x, value in program.trainer.items()
    }
    if program.attach is not None:
        settings |= attached.settings_of(program.attach)
    for name, values in said.items():
        if name.startswith("trainer."):
            options.setdefault(name, []).extend(values)
    for name, values in options.items():
        checked_options({"max_epochs": 1, name.partition(".")[2]: values[0]})
        settings[name] = Setting(default=values[0], kinds=frozenset(map(type, values)))
    if not options.keys() & {EPOCHS, "trainer.max_steps"}:
        raise SettingError(
            f"`{EPOCHS}` must be given, since how long a run trains has no default: for example "
            "`trainer: {max_epochs: 20}`."
        )
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


def _assign(
    values: Values,
    *,
    settings: Mapping[str, Setting],
    makers: Mapping[str, Callable[..., Any]],
) -> dict[str, Any]:
    """The whole arm, if the module, its data and the Trainer take the values."""
    from ablations.subjects.lightning.trainer_options import checked_options

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
    checked_options(parts.get("trainer", {}))
    return {**arm, **attached.checked(arm)} if attached.AT in settings else arm


def _code(named: Sequence[str | None], values: Iterable[Any]) -> list[Path]:
    """The user's own files: of what the program names, and of the import paths among the values."""
    paths = {*named, *(x for x in values if isinstance(x, str) and is_import_path(x))} - {None}
    modules = [load_module(str(path).partition(":")[0], named=str(path)) for path in paths]
    return sorted({file for module in modules for file in own_files(module)})
