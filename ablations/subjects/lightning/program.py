"""A LightningModule of the user's own, with its data, as a subject: settings from signatures, runs by `fit`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablations.errors import SettingError, one_of
from ablations.import_path import load, load_module
from ablations.subjects.data_files import digest_of, files_of
from ablations.subjects.lightning.built import data_of, module_of, parts_of
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
    from ablations.subjects.lightning.trainer_options import checked_options

    makers = {"model": found}
    if program.data is not None:
        makers["data"] = load(program.data)
    settings = {
        f"{group}.{argument}": one.as_setting(at=group)
        for group, maker in makers.items()
        for argument, one in arguments_of(maker).items()
    }
    fixed = {f"trainer.{option}": value for option, value in program.trainer.items()}
    named = {one: values for one, values in said.items() if one.startswith("trainer.")}
    for one in {**fixed, **named}:
        options = {
            "max_epochs": 1,
            one.partition(".")[2]: fixed.get(one, named.get(one, [None])[0]),
        }
        checked_options(options)
        values = [*([fixed[one]] if one in fixed else []), *named.get(one, ())]
        settings[one] = Setting(default=values[0], kinds=frozenset(map(type, values)))
    if EPOCHS not in settings and "trainer.max_steps" not in settings:
        raise SettingError(
            f"`{EPOCHS}` must be given, since how long a run trains has no default: for example "
            "`trainer: {max_epochs: 20}`."
        )
    for one in said:
        if one not in settings:
            raise SettingError(one_of("setting", one, settings))
    files = files_of(program.fingerprint)

    def assign(values: Values) -> dict[str, Any]:
        arm = {one: values.get(one, setting.default) for one, setting in settings.items()}
        parts = parts_of(arm)
        for group, maker in makers.items():
            required = {
                argument
                for argument, one in arguments_of(maker).items()
                if one.required and f"{group}.{argument}" not in values
            }
            given = {x: y for x, y in parts.get(group, {}).items() if x not in required}
            check_arguments(maker, given, at=group)
        checked_options(parts.get("trainer", {}))
        return arm

    return Subject(
        name=name,
        train="ablations.subjects.lightning.run:train_run",
        settings=settings,
        metrics=tuple(
            Metric(name=one.name, direction=one.direction, unit=one.unit) for one in program.metrics
        ),
        metric=program.metrics[0].name,
        assign=assign,
        fingerprint=lambda arm: digest_of(files) or _own_fingerprint(program, arm),
        cost=lambda arm: {"params": _params(name, arm)},
        cost_columns={"params": "integer"},
        cost_titles={"params": "params"},
        carried={"subject": name, "program": program.model_dump(mode="json")},
        epochs=lambda arm: int(arm.get(EPOCHS) or 1),
        code=lambda _: own_files(load_module(name.partition(":")[0], named=name)),
        packages=("ablations", "torch", "lightning", "numpy"),
    )


def _own_fingerprint(program: Program, arm: Values) -> str:
    """What the DataModule says of its content, where it has a method `fingerprint`."""
    data = data_of(program.data, parts_of(arm).get("data", {}))
    told = getattr(data, "fingerprint", None)
    return str(told()) if callable(told) else ""


def _params(name: str, arm: Values) -> int:
    """Elements of all parameters of the module, built once with any numbers."""
    module = module_of(name, parts_of(arm).get("model", {}), seed=0)
    return sum(tensor.numel() for tensor in module.parameters())
