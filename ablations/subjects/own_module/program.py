"""A LightningModule of the user's own, with its data, as a subject: settings from signatures, runs by `fit`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ablations.errors import SettingError, one_of
from ablations.import_path import load, load_module
from ablations.subjects.data_files import digest_of, files_of
from ablations.subjects.own_module.built import data_of, module_of, parts_of
from ablations.subjects.own_code import own_files
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
        makers["data"] = load(program.data)
    settings = _settings(makers, program, said)
    files = files_of(program.fingerprint)
    return Subject(
        name=name,
        train="ablations.subjects.own_module.run:train_run",
        settings=settings,
        metrics=tuple(
            Metric(name=one.name, direction=one.direction, unit=one.unit) for one in program.metrics
        ),
        metric=program.metrics[0].name,
        assign=partial(_assign, settings=settings, makers=makers),
        fingerprint=lambda arm: digest_of(files) or _own_fingerprint(program, arm),
        cost=lambda arm: {"params": _params(name, arm)},
        cost_columns={"params": "integer"},
        cost_titles={"params": "params"},
        carried={"subject": name, "program": program.model_dump(mode="json")},
        epochs=lambda arm: int(arm.get(EPOCHS) or 1),
        code=lambda _: own_files(load_module(name.partition(":")[0], named=name)),
        packages=("ablations", "torch", "lightning", "numpy"),
    )


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
    return arm


def _own_fingerprint(program: Program, arm: Values) -> str:
    """What the DataModule says of its content, where it has a method `fingerprint`."""
    data = data_of(program.data, parts_of(arm).get("data", {}))
    told = getattr(data, "fingerprint", None)
    return str(told()) if callable(told) else ""


def _params(name: str, arm: Values) -> int:
    """Elements of all parameters of the module, built once with any numbers."""
    module = module_of(name, parts_of(arm).get("model", {}), seed=0)
    return sum(tensor.numel() for tensor in module.parameters())
