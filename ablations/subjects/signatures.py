"""What a user's class or function takes, read by jsonargparse as LightningCLI does: names, types, defaults, choices.

The fields of a dataclass are arguments of their own (`encoder.width`). An argument that is an object is named by its
class, or by `class_path` with `init_args`, as in LightningCLI's files. Arguments that `**kwargs` pass on, to a parent
or to whatever else, are found in the source.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from ablations.errors import SettingError, one_of
from ablations.import_path import load_module
from ablations.subjects.hints import (
    PLAIN,
    choices,
    classes,
    kinds,
    members,
    narrowed,
    parser_of,
    problem_of,
    without_marks,
    written,
)
from ablations.subjects.subject import Setting
from ablations.subjects.values import flat, listed, nested

REQUIRED = inspect.Parameter.empty
CLASS, WITHIN = "class_path", "init_args."


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument.

    Attributes:
        name: As the signature has it; a field of a dataclass behind a dot.
        annotation: Its type hint; `Any` where there is none or it cannot be resolved.
        default: `REQUIRED` where it has none; of an object the import path of its class.
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
        return choices(self.annotation)

    @property
    def type_text(self) -> str:
        """The type hint as one writes it."""
        return written(self.annotation)

    def as_setting(self, *, at: str) -> Setting:
        """The setting `at.name` of a subject; None stands for a default that there is not."""
        return Setting(
            default=None if self.required else listed(self.default),
            kinds=kinds(self.annotation),
            choices=self.choices or (),
            meaning=self.doc,
            refuse=lambda level: check_value(self, level, at=at),
        )


def arguments_of(target: Callable[..., Any]) -> dict[str, Argument]:
    """The arguments of a class or a function by name, in the order of the signature."""
    return _read(target)[1]


def settings_of(
    target: Callable[..., Any], said: Mapping[str, Sequence[Any]], *, at: str
) -> dict[str, Setting]:
    """The settings of a class or a function, by their names behind `at`.

    Of an object (`class_path`, `init_args`) those are settings that are said; all else of it is its class's own.
    An argument whose default is no plain value is a setting where it is said, and left to the target elsewhere.

    Args:
        target: The class or function.
        said: Name -> the values that a space names.
        at: What the settings are called before the dot, `model` or `data`.

    Raises:
        SettingError: If an object's class is not there, or takes no such argument.
    """
    found: dict[str, Setting] = {}
    for name, one in arguments_of(target).items():
        inside = {x: values for x, values in said.items() if x.startswith(f"{name}.")}
        if inside:
            classes = [*said.get(f"{name}.{CLASS}", ()), *_plain_texts([one.default])]
            found |= _settings_inside(one, inside, classes, at=at)
        elif name in said or one.required or _is_plain(one.default):
            found[name] = one.as_setting(at=at)
    return found


def check_arguments(target: Callable[..., Any], values: Mapping[str, Any], *, at: str) -> None:
    """Refuse values that a class or a function does not take.

    Args:
        target: The class or function.
        values: By argument, dotted where it is a field or of an object.
        at: What the settings are called before the dot, `model` or `data`.

    Raises:
        SettingError: If a name is unknown, a value does not fit its type hint, or one that has no default is
            missing.
    """
    known = arguments_of(target)
    whole = _whole(target, values, at=at)
    for name, value in whole.items():
        check_value(known[name], value, at=at)
    missing = [name for name, one in known.items() if one.required and name not in whole]
    if missing:
        names = ", ".join(f"`{_full(at, name)}`" for name in missing)
        raise SettingError(
            f"{names} must be given: `{_name(target)}` has no default for {'it' if len(missing) == 1 else 'them'}. "
            "Put it in the baseline."
        )


def check_value(argument: Argument, value: Any, *, at: str) -> None:
    """Refuse a value that does not fit the type hint; a hint that cannot be resolved is not checked.

    Raises:
        SettingError: If it does not.
    """
    name = _full(at, argument.name)
    if value is None and argument.default is None:
        return
    for text in _texts(value):
        if text.startswith("__main__."):  # found here, but not where a run is trained
            load_module("__main__", named=text)
    if isinstance(value, Mapping) and isinstance(value.get(CLASS), str):
        inside = arguments_of(_class_of(argument, value[CLASS], at=at))
        for part, one in value.get(WITHIN.rstrip("."), {}).items():
            if part in inside:
                check_value(inside[part], one, at=f"{name}.{WITHIN.rstrip('.')}")
    problem = problem_of(argument.annotation, value)
    if problem is None:
        return
    if argument.choices is not None:
        raise SettingError(one_of(name, value, argument.choices))
    if named := members(argument.annotation):
        raise SettingError(one_of(name, value, named))
    raise SettingError(
        f"`{name}` must be {argument.type_text}, but got {value!r} ({type(value).__name__}).{problem}"
    )


def maker(target: Callable[..., Any], values: Mapping[str, Any], *, at: str) -> Callable[[], Any]:
    """Calls the target, each time with new objects for the values that name some.

    Raises:
        SettingError: If a value does not fit.
    """
    check_arguments(target, values, at=at)
    parser, whole = _read(target)[0], _whole(target, values, at=at)
    given = parser.parse_object({"x": nested(whole)}, defaults=False)

    def make() -> Any:
        ready = parser.instantiate(deepcopy(given)).get("x")  # a constructor may change a list
        return target(**({} if ready is None else vars(ready)))

    return make


def not_taken(target: Callable[..., Any], values: Mapping[str, Any], *, at: str) -> set[str]:
    """The names that the object's class does not take: a factor of several classes has the arguments of all."""
    found = set()
    for name in values:
        owner, _, inner = name.partition(f".{WITHIN}")
        path = values.get(f"{owner}.{CLASS}")
        if inner and owner in arguments_of(target) and path is not None:
            taken = arguments_of(_class_of(arguments_of(target)[owner], path, at=at))
            found |= set() if inner.partition(".")[0] in taken else {name}
    return found


def made(argument: Argument, value: Any, *, at: str) -> Any:
    """The value of one argument, with the objects that it names by `class_path`.

    Raises:
        SettingError: If it does not fit.
    """
    check_value(argument, value, at=at)
    # Of all alternatives jsonargparse would tell why each fails, where one object cannot be made.
    parser = parser_of(narrowed(argument.annotation, value))
    return parser.instantiate(parser.parse_object({"x": deepcopy(value)})).x


def _whole(target: Callable[..., Any], values: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """Argument -> value, where what is said of an object is one value."""
    known, whole = arguments_of(target), dict[str, Any]()
    for name, value in values.items():
        above = [one for one in known if name.startswith(f"{one}.")]
        if name in known:
            whole[name] = value
        elif above:
            whole.setdefault(above[0], {})[name.removeprefix(f"{above[0]}.")] = value
        else:
            raise SettingError(one_of(f"{at} setting".lstrip(), name, known))
    return {
        name: _object(known[name], value, at=at) if isinstance(value, dict) else value
        for name, value in whole.items()
    }


def _object(argument: Argument, parts: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """The tree of an object, with the arguments that its class takes: an arm has those of all classes of a factor."""
    tree = flat(parts)
    if not any(part.startswith(WITHIN) for part in tree):
        return nested(tree)
    path = tree.get(CLASS, argument.default)
    if not isinstance(path, str):
        raise SettingError(
            f"`{_full(at, argument.name)}.{CLASS}` must name the class whose arguments are given, but is not."
        )
    taken = arguments_of(_class_of(argument, path, at=at))
    inside = {part: x for part, x in tree.items() if part.startswith(WITHIN)}
    fitting = {
        part: x for part, x in inside.items() if part.removeprefix(WITHIN).split(".")[0] in taken
    }
    return nested({CLASS: path, **fitting})


def _settings_inside(
    argument: Argument, said: Mapping[str, Sequence[Any]], classes: list[str], *, at: str
) -> dict[str, Setting]:
    """The settings of an object that are said."""
    found: dict[str, Setting] = {}
    for name, values in said.items():
        part = name.removeprefix(f"{argument.name}.")
        if part == CLASS:
            found[name] = Setting(default=values[0], kinds=frozenset({str}))
        elif part.startswith(WITHIN) and classes:
            found[name] = _setting_inside(argument, part, values, classes, at=at)
        else:  # a key of a mapping
            found[name] = Setting(default=values[0], kinds=frozenset(map(type, values)))
    return found


def _setting_inside(
    argument: Argument, part: str, values: Sequence[Any], classes: list[str], *, at: str
) -> Setting:
    inner, known = part.removeprefix(WITHIN), dict[str, Any]()
    where = f"{_full(at, argument.name)}.{WITHIN.rstrip('.')}"
    for path in classes:
        kind = _class_of(argument, path, at=at)
        known |= arguments_of(kind)
        found = settings_of(kind, {inner: values}, at=where)
        if inner in found:
            return found[inner]
    raise SettingError(one_of(where, inner, known))


def _class_of(argument: Argument, path: Any, *, at: str) -> Callable[..., Any]:
    """The class (or function) that a dotted path names, or the name alone of one that fits the hint."""
    if not isinstance(path, str):
        raise SettingError(
            f"`{_full(at, argument.name)}.{CLASS}` must be the whole path of a class, `package.module.Class`, but got "
            f"{path!r}."
        )
    if "." not in path:
        try:
            path = parser_of(argument.annotation).parse_object({"x": path}).x.class_path
        except (ArgumentError, AttributeError):  # or one that needs arguments
            if path in (known := classes(argument.annotation)):
                return known[path]
            near = get_close_matches(path, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SettingError(
                f"`{_full(at, argument.name)}.{CLASS}` must be the whole path of a class, `package.module.Class`, but "
                f"got {path!r}.{hint}"
            ) from None
    module, _, name = path.rpartition(".")
    rule = f"`{_full(at, argument.name)}.{CLASS}` must name a class, but"
    if not all(part.isidentifier() for part in path.split(".")):
        raise SettingError(f"{rule} {path!r} is no path of one, `package.module.Class`.")
    try:
        found: Callable[..., Any] = getattr(load_module(module, named=path), name)
    except SettingError as error:
        raise type(error)(f"{rule} {error}") from None
    except AttributeError as error:
        raise SettingError(f"{rule} {path!r} is none: {str(error).rstrip('.')}.") from None
    return found


@cache
def _read(target: Callable[..., Any]) -> tuple[ArgumentParser, dict[str, Argument]]:
    parser = ArgumentParser(exit_on_error=False)
    options: dict[str, Any] = {"fail_untyped": False, "sub_configs": False}
    try:
        if inspect.isclass(target):
            parser.add_class_arguments(target, "x", instantiate=False, **options)
        else:
            parser.add_function_arguments(target, "x", **options)
    except Exception as error:  # a signature may be any object that the user's code makes
        problem = " ".join(str(error).split()).rstrip(".")
        raise SettingError(
            f"the arguments of `{_name(target)}` cannot be read: {problem}. Give each a type hint that can be imported."
        ) from error
    found = {}
    # argparse lists what was added nowhere else.
    for action in parser._actions:
        name, hint = action.dest.removeprefix("x."), getattr(action, "_typehint", None)
        if hint is None or not action.dest.startswith("x.") or action.dest.endswith(".help"):
            continue
        default = action.default
        if isinstance(default, Mapping | Namespace) and CLASS in default:
            default = default[CLASS]
        found[name] = Argument(
            name=name,
            annotation=without_marks(hint),
            default=REQUIRED if action.required else default,
            doc=" ".join((action.help or "").split()),
        )
    return parser, found


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    return isinstance(value, PLAIN)


def _plain_texts(values: Sequence[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _full(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _name(target: Any) -> str:
    return getattr(target, "__qualname__", repr(target))
