"""What a type hint means: which plain values fit it, which there are, and how one writes it."""

import inspect
import re
import types
import typing
from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from enum import EnumType
from typing import Any, Literal, Union, get_args, get_origin

from jsonargparse import ArgumentError, ArgumentParser

PLAIN: tuple[type, ...] = (bool, int, float, str, type(None))
LISTS = (list, tuple, set, Sequence, Iterable, Collection)


def choices(annotation: Any) -> tuple[Any, ...] | None:
    """The values that a `Literal` allows, None or booleans beside it too; None where any value may do."""
    values: list[Any] = []
    for kind in _alternatives(annotation):
        if get_origin(kind) is Literal:
            values += get_args(kind)
        elif kind is type(None):
            values.append(None)
        elif kind is bool:
            values += [True, False]
        else:
            return None
    return tuple(values)


def members(annotation: Any) -> tuple[str, ...]:
    """The names of an enumeration's members, by which a space says its values."""
    enumerations = [kind for kind in _alternatives(annotation) if isinstance(kind, EnumType)]
    return tuple(name for kind in enumerations for name in kind.__members__)


def written(annotation: Any) -> str:
    """The hint as one writes it."""
    return " | ".join(_written(kind) for kind in _alternatives(annotation))


def kinds(annotation: Any) -> frozenset[type]:
    """The plain types of its values; an object is named by a text, where no number may stand for it."""
    every = _alternatives(annotation)
    plain = {kind for one in every for kind in _kinds(one)}
    is_named = not all(map(_kinds, every)) and not plain & {int, float}
    return frozenset(plain | ({str} if is_named else set()))


def fits(value: Any, annotation: Any) -> bool:
    """Whether a plain value is one that a type hint allows; a whole number is a float, and no bool is a number."""
    return problem_of(annotation, value) is None


def parser_of(annotation: Any) -> ArgumentParser:
    """A parser of one value of the hint, called `x`."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--x", type=annotation)
    return parser


def problem_of(annotation: Any, value: Any) -> str | None:
    """Why a value does not fit, in a sentence where the hint does not say it all; None where it does."""
    if annotation is Any:
        return None
    try:
        taken = parser_of(annotation).parse_object({"x": deepcopy(value)}).x
    except ArgumentError as error:
        return _telling(str(error))
    # A text is never a number here, nor a truth value one: two arms could be one.
    is_other = isinstance(value, str) and isinstance(taken, bool | int | float | None)
    return "" if is_other or (isinstance(taken, bool) and bool not in kinds(annotation)) else None


def _telling(message: str) -> str:
    """What jsonargparse's message says is wrong with an object; empty where the rule says it all."""
    of_callable = re.search(r"callable class: (.*?)\.* Got value", message, re.DOTALL)
    of_class = re.search(r"Problem with given (class_path .*)\n\s+(.*)", message)
    of_kind = re.search(r"Import path .*", message)
    lacks = re.search(r"the following arguments are required: .*", message)
    told = of_callable or of_class or of_kind or lacks
    return "" if told is None else f" {' '.join(told.groups() or [told[0]])}."


def without_marks(annotation: Any) -> Any:
    """`Any` where jsonargparse marks that there is no hint, or none that can be resolved."""
    marked = any(re.match("Untyped|Unvalidated", written(one)) for one in _alternatives(annotation))
    return Any if marked else annotation


def _kinds(kind: Any) -> tuple[type, ...]:
    """The plain types that stand for values of a hint; none for objects."""
    if get_origin(kind) is Literal:
        return tuple(type(one) for one in get_args(kind))
    if kind is Any:
        return (*PLAIN, list)
    if get_origin(kind) in LISTS or kind in LISTS:
        return (list,)
    return (kind,) if kind in PLAIN else ()


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
        else re.sub(r"\b[\w.]+\.(\w+)", r"\1", str(kind))
    )
