"""A function `train(config, seed, context)` of the user's own, as a subject."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ablations.errors import SettingError
from ablations.import_path import load_module
from ablations.subjects.data_files import digest_of, files_of
from ablations.subjects.data_identity import DataIdentity, by_files
from ablations.subjects.function.config import class_of_config
from ablations.subjects.function.pilot import pilot
from ablations.subjects.function.verify import verify
from ablations.subjects.own_code import own_files
from ablations.subjects.program import RECORDED, Program
from ablations.subjects.signatures import settings_of
from ablations.subjects.subject import Setting, Subject, Values

ARGUMENTS = ("config", "seed", "context")
COSTS = frozenset(
    ("c2_eff", "params", "attention_params", "macs", "train_loss", "val_loss", "val_accuracy")
)
"""Columns of the runs table that are numbers: a metric may be called so, a setting not."""
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
    kind = class_of_config(found)
    settings = (
        {name: _setting(values) for name, values in said.items()}
        if kind is None
        else settings_of(kind, said, at="")
    )
    if not settings:
        raise SettingError(
            f"the settings of {name!r} must be named, since a function's config has no signature: in a space by its "
            "`baseline`, for example `baseline: {lr: 0.1}`; of `ablate check` by `--set lr=0.1`."
        )
    _check_names(settings, program)
    files = files_of(program.fingerprint)
    return Subject(
        name=name,
        train="ablations.subjects.function.run:train_run",
        code=lambda _: own_files(load_module(found.__module__, named=name)),
        settings=settings,
        has_defaults=kind is not None,
        metrics=program.declared(),
        tested=program.tested(),
        objectives=program.searchable(),
        metric=program.metrics[0].name,
        fingerprint=lambda arm: digest_of(files),
        identify=lambda arm: by_files(files) if files else DataIdentity(by="nothing"),
        carried={"subject": name, "program": program.model_dump(mode="json")},
        epochs=_epochs,
        short=lambda arm: {**arm, EPOCHS: 2} if EPOCHS in arm else dict(arm),
        packages=("ablations", "numpy", "torch", "scikit-learn"),
        pilot=lambda arms, _: pilot(name, program, arms, epochs=[_epochs(arm) for arm in arms]),
        verify=lambda arms, _: verify(name, program, arms),
    )


def _check_names(settings: Mapping[str, Setting], program: Program) -> None:
    """Refuse settings that the runs table could not show beside its own columns."""
    taken = RECORDED | COSTS | {one.name for one in program.metrics}
    for name in settings:
        if name in taken:
            raise SettingError(
                f"a setting must not be called `{name}`, which is a column of the runs table. Call it otherwise, or "
                f"put it in a group: `own: {{{name}: ...}}` is `own.{name}`, which the function reads as "
                f'config["own"]["{name}"].'
            )


def _check_arguments(name: str, found: Callable[..., Any]) -> None:
    takes = inspect.signature(found)
    for count in range(1, len(ARGUMENTS) + 1):
        with suppress(TypeError):
            takes.bind(*ARGUMENTS[:count])
            _check_places(name, takes)
            return
    raise SettingError(
        f"{name!r} must be `train(config)`, `train(config, seed)` or `train(config, seed, context)`, but takes "
        f"{takes}."
    )


def _check_places(name: str, takes: inspect.Signature) -> None:
    """Refuse what looks like a setting where the seed or the context is given."""
    for place, one in list(zip(ARGUMENTS, takes.parameters.values(), strict=False))[1:]:
        taken = one.kind == inspect.Parameter.POSITIONAL_OR_KEYWORD
        if taken and one.default is not one.empty and one.name != place:
            raise SettingError(
                f"{name!r} is called `train(config, seed, context)`, so that its `{one}` would be given the {place}. "
                f'Call it `{place}` if that is meant; a setting is read as config["{one.name}"].'
            )


def _setting(values: Sequence[Any]) -> Setting:
    """A setting by the values that a space names; whole numbers among fractions are numbers."""
    kinds = {type(value) for value in values}
    return Setting(default=values[0], kinds=frozenset(kinds - {int} if float in kinds else kinds))


def _epochs(arm: Values) -> int:
    epochs = arm.get(EPOCHS, 1)
    return epochs if type(epochs) is int and epochs >= 1 else 1
