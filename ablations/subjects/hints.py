"""What a type hint means: which plain values fit it, which there are, and how one writes it."""

import inspect
import re
import types
import typing
from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from difflib import get_close_matches
from enum import EnumType
from inspect import signature
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


def narrowed(annotation: Any, value: Any) -> Any:
    """The first of the alternatives of a hint that a value fits; the hint where it fits none."""
    return next((one for one in _alternatives(annotation) if fits(value, one)), annotation)


def classes(annotation: Any) -> dict[str, type]:
    """Name -> class, of all that are imported and fit the classes in a hint, alone or in a list."""
    inside = [part for kind in _alternatives(annotation) for part in (kind, *get_args(kind))]
    found: dict[str, type] = {}
    waiting = [kind for kind in inside if inspect.isclass(kind) and kind not in (*PLAIN, *LISTS)]
    while waiting:
        kind = waiting.pop(0)
        found.setdefault(kind.__name__, kind)
        waiting += kind.__subclasses__()
    return found


def problem_of(annotation: Any, value: Any) -> str | None:
    """Why a value does not fit, in a sentence where the hint does not say it all; None where it does."""
    if annotation is Any:
        return None
    takes_none = any(
        kind is object or type(None) in _kinds(kind) for kind in _alternatives(annotation)
    )
    if value is None and not takes_none:  # which jsonargparse takes for a value that is not given
        return ""
    try:
        taken = parser_of(annotation).parse_object({"x": deepcopy(value)}).x
    except ArgumentError as error:
        return _telling(str(error), annotation)
    # A text is never a number here, nor a truth value one: two arms could be one.
    is_other = isinstance(value, str) and isinstance(taken, bool | int | float | None)
    return "" if is_other or (isinstance(taken, bool) and bool not in kinds(annotation)) else None


def _telling(message: str, annotation: Any) -> str:
    """What jsonargparse's message says is wrong with an object; empty where the rule says it all."""
    if unknown := re.search(r"Expected a dot import path string: (\S+)", message):
        near = get_close_matches(unknown[1], classes(annotation), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f" {unknown[1]!r} is no class that is known here by its name alone.{hint}"
    of_callable = re.search(r"callable class: (.*?)\.* Got value", message, re.DOTALL)
    of_class = re.search(r"Problem with given (class_path .*)\n\s+(.*)", message)
    of_kind = re.search(r"Import path .*", message)
    lacks = re.search(r"the following arguments are required: .*", message)
    told = of_callable or of_class or of_kind or lacks
    hint = _nearest_option(message, annotation)
    return "" if told is None else f" {' '.join(told.groups() or [told[0]])}.{hint}"


def _nearest_option(message: str, annotation: Any) -> str:
    """The argument of a class that was perhaps meant by one that it does not take."""
    refused = re.search(
        r"class_path '(?:[\w.]+\.)?(\w+)':\s+Option '(\w+)' is not accepted", message
    )
    kind = refused and classes(annotation).get(refused[1])
    near = (
        get_close_matches(refused[2], signature(kind).parameters, n=1) if refused and kind else ()
    )
    return f" Did you mean {near[0]!r}?" if near else ""


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
