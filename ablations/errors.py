"""The errors a user can cause, and the sentence each one says: the rule, the value, what to do next."""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a worker whose runs need no pydantic starts a third sooner without
    from pydantic import ValidationError

LONGEST_MESSAGE = 4000
"""Characters of an error's message that are kept: a record is read by every command."""
LONGEST_LIST = 12
"""An error names all known names up to this many, and beyond it only the nearest."""

NO_HINTS: Mapping[str, str] = MappingProxyType({})


class SettingError(ValueError):
    """A setting or a combination of settings that breaks a stated rule."""


class MissingHere(SettingError):
    """A setting that names what this machine lacks now: a package, a module, a file of data."""


class NotMeasured(SettingError):
    """The metric that decides is not among what a program measures."""


class NonFinite(ArithmeticError):
    """A loss became NaN or infinite: the run diverged."""


class StudyError(RuntimeError):
    """A study that cannot be started, continued or read as asked."""


def message_of(error: BaseException) -> str:
    """What an exception says, at most `LONGEST_MESSAGE` characters of it: a user's may be of any size, or fail to."""
    try:
        text = str(error)
    except Exception as second:
        return f"it cannot say why: its message fails with {type(second).__name__}"
    rest = len(text) - LONGEST_MESSAGE
    return f"{text[:LONGEST_MESSAGE]} ... and {rest:,} characters more" if rest > 0 else text


def one_of(name: str, value: object, allowed: Iterable[str]) -> str:
    """The sentence for an unknown choice, with the nearest known name."""
    names = [str(choice) for choice in allowed]
    # "gate" is far from "attention.gate" in letters, but its own last word.
    short = [name for name in names if name.rpartition(".")[2] == str(value)]
    close = difflib.get_close_matches(str(value), names, n=3, cutoff=0.5)
    near = list(dict.fromkeys([*short, *close]))[:3]
    if len(names) > LONGEST_LIST and near:
        nearest = f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(map(repr, near))}"
        known = f"a known name (of {len(names)}, {nearest})"
        return f"`{name}` must be {known}, but got {value!r}."
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"`{name}` must be one of {', '.join(map(repr, names))}, but got {value!r}.{hint}"


def explain(
    error: "ValidationError",
    allowed: Iterable[str],
    *,
    at: str = "",
    hints: Mapping[str, str] = NO_HINTS,
) -> str:
    """Pydantic's findings in this project's words, one sentence for each.

    Args:
        error: What pydantic raised.
        allowed: The field names of the model, for the hint on a misspelt one.
        at: What was validated, where it is a single value.
        hints: Field to its way out, or to its rule in words where it has a pattern.
    """
    findings = error.errors()
    # A list whose item was refused is then also too short: that is no second problem.
    real = [finding for finding in findings if finding["type"] != "too_short"]
    return " ".join(_sentence(dict(finding), allowed, at, hints) for finding in real or findings)


def _sentence(
    finding: dict[str, object], allowed: Iterable[str], at: str, hints: Mapping[str, str]
) -> str:
    loc = finding["loc"]
    name = (".".join(map(str, loc)) if isinstance(loc, tuple) else str(loc)) or at
    value, context = finding.get("input"), finding.get("ctx")
    ctx = context if isinstance(context, dict) else {}
    hint = hints.get(name.rpartition(".")[2], "")
    match finding["type"]:
        case "extra_forbidden":
            return one_of("setting", name, allowed)
        case "literal_error":
            choices = str(ctx["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
            return one_of(name, value, choices)
        case "value_error":
            # Raised by a rule of ours: it already says all there is to say.
            return str(ctx["error"])
        case "missing":
            return f"`{name}` must be given. {hint}".rstrip()
        case "greater_than_equal":
            return f"`{name} >= {ctx['ge']:g}` must hold, but got {value!r}. {hint}".rstrip()
        case "greater_than":
            return f"`{name} > {ctx['gt']:g}` must hold, but got {value!r}. {hint}".rstrip()
        case "less_than_equal":
            return f"`{name} <= {ctx['le']:g}` must hold, but got {value!r}. {hint}".rstrip()
        case "less_than":
            return f"`{name} < {ctx['lt']:g}` must hold, but got {value!r}. {hint}".rstrip()
        case "model_type" | "dict_type":
            return f"`{name}` must be names and their values, but got {value!r}. {hint}".rstrip()
        case "tuple_type" | "list_type":
            return f"`{name}` must be a list, but got {value!r}. {hint}".rstrip()
        case "string_type":
            return f"`{name}` must be a text, but got {value!r}. {hint}".rstrip()
        case "too_short":
            return f"`{name}` must not be empty. {hint}".rstrip()
        case "string_pattern_mismatch" if hint:
            return f"`{name}` must be {hint}, but got {value!r}."
        case _:
            problem = str(finding["msg"])
            return f"`{name}`: {problem[0].lower()}{problem[1:]}, but got {value!r}."
