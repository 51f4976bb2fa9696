"""The objects of one arm of a user's program: its module, constructed for pairing, its data, and its attention."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import lightning.pytorch as pl

from ablations.errors import SettingError
from ablations.import_path import load, words_of
from ablations.subjects.attention.attach.attach import Attached, attach
from ablations.subjects.lightning.pairing.construct import Constructed, construct
from ablations.subjects.own_module.attached import attention_of, patterns_of
from ablations.subjects.own_module.batch import first_batch, passed, step_of
from ablations.subjects.own_module.hashes import started
from ablations.subjects.program import Program
from ablations.subjects.started import Started


def parts_of(arm: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The arguments of `model`, `data` and `trainer` apart."""
    parts: dict[str, dict[str, Any]] = {}
    for name, value in arm.items():
        group, _, argument = name.partition(".")
        parts.setdefault(group, {})[argument] = value
    return parts


def module_of(
    name: str, arguments: Mapping[str, Any], *, seed: int
) -> Constructed[pl.LightningModule]:
    """The module with its random numbers drawn from the seed's streams (`pairing.construct`).

    Raises:
        SettingError: If its constructor fails.
    """
    make = partial(load(name), **arguments)
    built: Constructed[pl.LightningModule] = made(
        name, arguments, lambda: construct(make, seed=seed)
    )
    return built


def data_of(name: str | None, arguments: Mapping[str, Any]) -> Any:
    """The DataModule or the loaders; None where the module has its own.

    Raises:
        SettingError: If they cannot be made.
    """
    return None if name is None else made(name, arguments, partial(load(name), **arguments))


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
        told = ", ".join(f"{one}={value!r}" for one, value in arguments.items())
        raise SettingError(f"`{name}({told})` cannot be made: {words_of(error)}.") from error


@dataclass(frozen=True, kw_only=True)
class Built:
    """What one run trains, before its first step."""

    module: pl.LightningModule
    data: Any
    started: Started
    check: Callable[[], None] | None
    """Refuses a module that has lost its attention; None where none is attached."""


def build(name: str, program: Program, arm: Mapping[str, Any], *, seed: int) -> Built:
    """The module of one run with its attention, and its data.

    Raises:
        SettingError: If one of them cannot be made.
    """
    parts = parts_of(arm)
    built = module_of(name, parts.get("model", {}), seed=seed)
    data = data_of(program.data, parts.get("data", {}))
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
    )


def passes(module: pl.LightningModule, program: Program) -> Any:
    """How a batch passes through the module: as the space says, or by its validation step."""
    own = program.attach.forward if program.attach is not None else None
    return (
        partial(passed, step=step_of(module)) if own is None else callable_at(own, said="forward")
    )


def callable_at(path: str, *, said: str) -> Callable[..., Any]:
    """The class or function that an import path names.

    Raises:
        SettingError: If it names something else.
    """
    found = load(path)
    if not callable(found):
        raise SettingError(
            f"`{said}` must name a class or a function, but {path!r} is a {type(found).__name__}."
        )
    return found  # type: ignore[no-any-return]
