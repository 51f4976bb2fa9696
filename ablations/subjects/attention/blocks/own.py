"""A user's own choice, named by its import path `package.module:name`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.import_path import load

MISTAKES = (TypeError, ValueError, LookupError, NameError, AttributeError)
"""What only the code can be at fault for."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a user's own choice stands in for."""

    setting: str
    takes: str
    gives: str
    shape: Callable[[torch.Size], torch.Size]
    """From the shape of what it takes to that of what it gives."""


def _same(shape: torch.Size) -> torch.Size:
    return shape


def _without_positions(shape: torch.Size) -> torch.Size:
    return shape[:2]


BLOCK = Role(setting="kind", takes="a map (N, C, ...)", gives="one of the same shape", shape=_same)
GATE = Role(setting="gate", takes="logits (N, C)", gives="factors of the same shape", shape=_same)
SQUEEZE = Role(
    setting="squeeze", takes="a map (N, C, ...)", gives="(N, C)", shape=_without_positions
)


def load_function(path: str, *, role: Role, channels: int) -> Callable[..., Any]:
    """The function that the path names; of a class of modules, an instance made with `channels`.

    What it gives is checked against its role in every call.

    Raises:
        SettingError: If there is none, or it is not made of the number of channels alone.
    """
    found = load(path)
    if inspect.isclass(found) and issubclass(found, nn.Module):
        return _instance(path, found, role=role, channels=channels)
    if not callable(found):
        raise SettingError(f"{path!r} must be a function or an `nn.Module`, but is {found!r}.")
    return found if isinstance(found, nn.Module) else _checked(path, found, role=role)


def _instance(path: str, kind: type[nn.Module], *, role: Role, channels: int) -> nn.Module:
    # A subclass, because a module around it would rename its tensors, which random streams go by.
    forward = _checked(path, kind.forward, role=role)
    described = {
        "forward": forward,
        "__module__": kind.__module__,
        # For `streams.initialise`, where the class has tensors and no `reset_parameters`.
        "make_again": lambda _: checked(channels),
    }
    checked: Callable[[int], nn.Module] = type(kind.__name__, (kind,), described)
    try:
        made: nn.Module = checked(channels)
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(
            f"`{role.setting}` {path!r} must be made with the number of channels alone, but "
            f"`{kind.__name__}({channels})` failed: {words_of(error)}."
        ) from error
    return made


def _checked(path: str, function: Callable[..., Any], *, role: Role) -> Callable[..., Any]:
    @wraps(function)
    def call(*given: Any) -> Any:
        x = next(value for value in given if isinstance(value, Tensor))
        expected = f"`{role.setting}` {path!r} must take {role.takes} and give {role.gives}, but"
        try:
            y = function(*given)
        except Exception as error:
            # With numbers it may be the machine that fails, and the run may be worth another attempt.
            if isinstance(error, SettingError) or not (x.is_meta or isinstance(error, MISTAKES)):
                raise
            raise SettingError(
                f"{expected} failed on {tuple(x.shape)}: {words_of(error)}."
            ) from error
        if not isinstance(y, Tensor) or y.shape != role.shape(x.shape):
            gave = tuple(y.shape) if isinstance(y, Tensor) else f"a {type(y).__name__}"
            raise SettingError(f"{expected} took {tuple(x.shape)} and gave {gave}.")
        return y

    return call
