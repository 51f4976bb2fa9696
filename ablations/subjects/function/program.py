"""A function `train(config, seed, context)` of the user's own, as a subject."""

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablations.errors import SettingError
from ablations.import_path import load_module
from ablations.subjects.data_files import digest_of, files_of
from ablations.subjects.data_identity import DataIdentity, by_files
from ablations.subjects.own_code import own_files
from ablations.subjects.program import Program
from ablations.subjects.signatures import maker, settings_of
from ablations.subjects.subject import Setting, Subject, Values
from ablations.subjects.values import flat

ARGUMENTS = ("config", "seed", "context")
EPOCHS = "epochs"
"""The setting of that name, where there is one, is how many epochs a run is planned to have."""


def make(
    name: str, found: Callable[..., Any], *, program: Program, said: Mapping[str, Sequence[Any]]
) -> Subject:
    """The subject of a function.

    Args:
        name: Its import path.
        found: The function: of a config (nested settings), a seed and a context, or of the first one or two.
        program: What the space says of it.
        said: Setting -> the values that the space names; there are no other settings, because a config has no
            signature. A config that is a class has: its fields are the settings then.

    Raises:
        SettingError: If the function takes other arguments, or the space names no setting.
    """
    _check_arguments(name, found)
    if program.trainer or program.data or program.keep_data or program.attach:
        raise SettingError(
            f"`data`, `keep_data`, `trainer` and `attach` belong to a LightningModule, but {name!r} is a function, "
            "which has its own: leave them out."
        )
    kind = _class_of_config(found)
    settings = (
        {name: _setting(values) for name, values in said.items()}
        if kind is None
        else settings_of(kind, said, at="")
    )
    if not settings:
        raise SettingError(
            f"the space must name the settings of {name!r} in its `baseline`, for example `baseline: {{lr: 0.1}}`."
        )
    files = files_of(program.fingerprint)
    return Subject(
        name=name,
        train="ablations.subjects.function.run:train_run",
        code=lambda _: own_files(load_module(found.__module__, named=name)),
        settings=settings,
        metrics=program.declared(),
        objectives=program.searchable(),
        metric=program.metrics[0].name,
        fingerprint=lambda arm: digest_of(files),
        identify=lambda arm: by_files(files) if files else DataIdentity(by="nothing"),
        carried={"subject": name, "program": program.model_dump(mode="json")},
        epochs=_epochs,
        short=lambda arm: {**arm, EPOCHS: 2} if EPOCHS in arm else dict(arm),
        packages=("ablations", "numpy", "torch", "scikit-learn"),
    )


def _check_arguments(name: str, found: Callable[..., Any]) -> None:
    given = [
        one.name
        for one in inspect.signature(found).parameters.values()
        if one.default is inspect.Parameter.empty and one.kind != inspect.Parameter.VAR_KEYWORD
    ]
    if not 1 <= len(given) <= len(ARGUMENTS):
        raise SettingError(
            f"{name!r} must be `train(config)`, `train(config, seed)` or `train(config, seed, context)`, but takes "
            f"({', '.join(given)})."
        )


def _class_of_config(found: Callable[..., Any]) -> Any:
    """The class that the function's hint names for its config; None where that is any mapping."""
    first = next(iter(inspect.signature(found).parameters))
    try:
        hint = typing.get_type_hints(found).get(first)
    except NameError:  # a hint may name what is imported for the type checker only
        return None
    if not inspect.isclass(hint) or hint is object:
        return None
    return None if issubclass(hint, Mapping | str | int | float) else hint


def _setting(values: Sequence[Any]) -> Setting:
    """A setting by the values that a space names; whole numbers among fractions are numbers."""
    kinds = {type(value) for value in values}
    return Setting(default=values[0], kinds=frozenset(kinds - {int} if float in kinds else kinds))


def _epochs(arm: Values) -> int:
    epochs = arm.get(EPOCHS, 1)
    return epochs if type(epochs) is int and epochs >= 1 else 1


def config_of(found: Callable[..., Any], config: dict[str, Any]) -> Any:
    """The config as the function wants it: an object of the class that its hint names, or the tree as it is."""
    kind = _class_of_config(found)
    return config if kind is None else maker(kind, flat(config), at="")()
