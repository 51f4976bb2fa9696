"""The objects of one arm of a user's program: its module, constructed for pairing, and its data."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ablations.errors import SettingError
from ablations.import_path import load, words_of


def parts_of(arm: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The arguments of `model`, `data` and `trainer` apart."""
    parts: dict[str, dict[str, Any]] = {}
    for name, value in arm.items():
        group, _, argument = name.partition(".")
        parts.setdefault(group, {})[argument] = value
    return parts


def module_of(name: str, arguments: Mapping[str, Any], *, seed: int) -> Any:
    """The module with its random numbers drawn from the seed's streams (`pairing.construct`).

    Raises:
        SettingError: If its constructor fails.
    """
    from ablations.subjects.lightning.pairing.construct import construct

    make = load(name)
    try:
        return construct(partial(make, **arguments), seed=seed).module
    except SettingError:
        raise
    except Exception as error:
        told = ", ".join(f"{one}={value!r}" for one, value in arguments.items())
        raise SettingError(f"`{name}({told})` cannot be made: {words_of(error)}.") from error


def data_of(name: str | None, arguments: Mapping[str, Any]) -> Any:
    """The DataModule or the loaders; None where the module has its own.

    Raises:
        SettingError: If they cannot be made.
    """
    if name is None:
        return None
    try:
        return load(name)(**arguments)
    except SettingError:
        raise
    except Exception as error:
        told = ", ".join(f"{one}={value!r}" for one, value in arguments.items())
        raise SettingError(f"`{name}({told})` cannot be made: {words_of(error)}.") from error
