"""The settings of a user's class or function: its arguments, read from its signature, type hints and docstring."""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from ablations.errors import SettingError, one_of
from ablations.subjects.subject import Setting

PLAIN: tuple[type, ...] = (bool, int, float, str, type(None))
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument.

    Attributes:
        name: As the signature has it.
        annotation: Its type hint; `Any` where there is none or it cannot be resolved.
        default: `REQUIRED` where it has none.
        doc: What the docstring says of it, in one line; empty where it says nothing.
    """

    name: str
    annotation: Any
    default: Any
    doc: str

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is REQUIRED

    @property
    def choices(self) -> tuple[Any, ...] | None:
        """The values that a `Literal` allows, None or booleans beside it too; None where any value may do."""
        values: list[Any] = []
        for kind in _alternatives(self.annotation):
            if get_origin(kind) is Literal:
                values += get_args(kind)
            elif kind is type(None):
                values.append(None)
            elif kind is bool:
                values += [True, False]
            else:
                return None
        return tuple(values)

    @property
    def type_text(self) -> str:
        """The type hint as one writes it."""
        return " | ".join(_written(kind) for kind in _alternatives(self.annotation))

    def as_setting(self, *, at: str) -> Setting:
        """The setting `at.name` of a subject; None stands for a default that there is not."""
        return Setting(
            default=None if self.required else self.default,
            kinds=frozenset(kind for one in _alternatives(self.annotation) for kind in _kinds(one)),
            choices=self.choices or (),
            meaning=self.doc,
            refuse=lambda level: check_value(self, level, at=at),
        )


def arguments_of(target: Callable[..., Any]) -> dict[str, Argument]:
    """The arguments of a class or a function by name, in the order of the signature.

    Where a class passes `**kwargs` on, those of the classes that it inherits from follow.
    """
    if not inspect.isclass(target):
        return _own(target, inspect.getdoc(target) or "")[0]
    found: dict[str, Argument] = {}
    for kind in target.__mro__:
        if "__init__" not in vars(kind) or kind is object:
            continue
        own, passes_on = _own(vars(kind)["__init__"], _docs(kind))
        found = {**found, **{name: one for name, one in own.items() if name not in found}}
        if not passes_on:
            break
    return found


def check_arguments(target: Callable[..., Any], values: Mapping[str, Any], *, at: str) -> None:
    """Refuse values that a class or a function does not take.

    Args:
        target: The class or function.
        values: By argument.
        at: What the settings are called before the dot, `model` or `data`.

    Raises:
        SettingError: If a name is unknown, a value does not fit its type hint, or one that has no default is
            missing.
    """
    known = arguments_of(target)
    for name, value in values.items():
        if name not in known:
            raise SettingError(one_of(f"{at} setting", name, known))
        check_value(known[name], value, at=at)
    missing = [name for name, one in known.items() if one.required and name not in values]
    if missing:
        names = ", ".join(f"`{at}.{name}`" for name in missing)
        raise SettingError(
            f"{names} must be given: `{_name(target)}` has no default for {'it' if len(missing) == 1 else 'them'}. "
            "Put it in the baseline."
        )


def check_value(argument: Argument, value: Any, *, at: str) -> None:
    """Refuse a value that does not fit the type hint; a hint of a class of the user's own is not checked.

    Raises:
        SettingError: If it does not.
    """
    name = f"{at}.{argument.name}"
    if fits(value, argument.annotation):
        return
    if argument.choices is not None:
        raise SettingError(one_of(name, value, argument.choices))
    raise SettingError(
        f"`{name}` must be {argument.type_text}, but got {value!r} ({type(value).__name__})."
    )


def fits(value: Any, annotation: Any) -> bool:
    """Whether a plain value is one that a type hint allows; a whole number is a float, and no bool is a number."""
    return any(_fits_one(value, kind) for kind in _alternatives(annotation))


def returns_module(target: Any) -> bool | None:
    """Whether a class is an `nn.Module`, or a function's hint says that it returns one; None where it says nothing."""
    from torch import nn  # a function that trains without torch is read without it

    if inspect.isclass(target):
        return issubclass(target, nn.Module)
    returned = _hints(target).get("return", Any)
    if returned is Any or not inspect.isclass(returned):
        return None
    return issubclass(returned, nn.Module)


def _fits_one(value: Any, kind: Any) -> bool:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return any(
            value == one and isinstance(value, bool) == isinstance(one, bool) for one in arguments
        )
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in PLAIN:
        return isinstance(value, kind)
    if origin in (list, tuple, set, frozenset):
        # YAML and JSON know lists only.
        if not isinstance(value, list | tuple):
            return False
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            pairs = zip(value, arguments, strict=False)
            return len(value) == len(arguments) and all(fits(one, hint) for one, hint in pairs)
        return not arguments or all(fits(one, arguments[0]) for one in value)
    if origin is dict:
        if not isinstance(value, Mapping):
            return False
        return not arguments or all(fits(one, arguments[1]) for one in value.values())
    if kind in (list, tuple, dict):
        return isinstance(value, Mapping if kind is dict else list | tuple)
    return True


def _kinds(kind: Any) -> tuple[type, ...]:
    """The plain types that stand for values of a hint; an object is named by its import path."""
    if get_origin(kind) is Literal:
        return tuple(type(one) for one in get_args(kind))
    if kind is Any:
        return PLAIN
    return (kind,) if kind in PLAIN else (str,)


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [kind for one in get_args(annotation) for kind in _alternatives(one)]
    if get_origin(annotation) is typing.Annotated:
        return _alternatives(get_args(annotation)[0])
    return [type(None) if annotation is None else annotation]


def _written(kind: Any) -> str:
    if kind is type(None):
        return "None"
    if get_origin(kind) is Literal:
        return " | ".join(map(repr, get_args(kind)))
    return (
        kind.__name__
        if inspect.isclass(kind) and not get_args(kind)
        else str(kind).replace("typing.", "")
    )


def _own(function: Callable[..., Any], doc: str) -> tuple[dict[str, Argument], bool]:
    """The arguments of one function, and whether it takes others by name."""
    hints, said = _hints(function), _said_of_arguments(doc)
    found, passes_on = {}, False
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            passes_on = True
        elif name not in ("self", "cls") and parameter.kind is not parameter.VAR_POSITIONAL:
            found[name] = Argument(
                name=name,
                annotation=hints.get(name, Any),
                default=parameter.default,
                doc=said.get(name, ""),
            )
    return found, passes_on


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # a hint may name what is imported for the type checker only
        given = getattr(function, "__annotations__", {})
        return {name: hint for name, hint in given.items() if not isinstance(hint, str)}


def _docs(kind: type) -> str:
    """The docstrings of a class and of its `__init__`: either may tell of the arguments."""
    return (
        f"{inspect.cleandoc(kind.__doc__ or '')}\n\n{inspect.cleandoc(kind.__init__.__doc__ or '')}"  # type: ignore[misc]
    )


def _said_of_arguments(doc: str) -> dict[str, str]:
    """The first line on each argument, from a section `Args:` or `Parameters`."""
    google = re.findall(r"^\s+(\w+)(?: \([^)]*\))?: (\S.*)$", doc, re.MULTILINE)
    numpy = re.findall(r"^(\w+) ?:.*\n\s+(\S.*)$", doc, re.MULTILINE)
    sphinx = re.findall(r"^\s*:param (?:\S+ )?(\w+): (\S.*)$", doc, re.MULTILINE)
    return {name: text.strip() for name, text in (*numpy, *sphinx, *google)}


def _name(target: Any) -> str:
    return getattr(target, "__qualname__", repr(target))
