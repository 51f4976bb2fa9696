"""The errors a user can cause, and the sentence each one says: the rule, the value, what to do next."""

import difflib
from collections.abc import Iterable

from pydantic import ValidationError


class SettingError(ValueError):
    """A setting or a combination of settings that breaks a stated rule."""


class StudyError(RuntimeError):
    """A study that cannot be started, continued or read as asked."""


def one_of(name: str, value: object, allowed: Iterable[str]) -> str:
    """The sentence for an unknown choice, with the nearest known name."""
    names = [str(choice) for choice in allowed]
    near = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"`{name}` must be one of {', '.join(map(repr, names))}, but got {value!r}.{hint}"


def explain(error: ValidationError, allowed: Iterable[str]) -> str:
    """Pydantic's findings in this project's words, one sentence for each.

    Args:
        error: What pydantic raised.
        allowed: The field names of the model, for the hint on a misspelt one.
    """
    return " ".join(_sentence(finding, allowed) for finding in error.errors())  # type: ignore[arg-type]


def _sentence(finding: dict[str, object], allowed: Iterable[str]) -> str:
    loc = finding["loc"]
    name = ".".join(map(str, loc)) if isinstance(loc, tuple) else str(loc)
    value, context = finding.get("input"), finding.get("ctx")
    ctx = context if isinstance(context, dict) else {}
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
            return f"`{name}` must be given."
        case "greater_than_equal":
            return f"`{name} >= {ctx['ge']:g}` must hold, but got {value!r}."
        case "greater_than":
            return f"`{name} > {ctx['gt']:g}` must hold, but got {value!r}."
        case "less_than_equal":
            return f"`{name} <= {ctx['le']:g}` must hold, but got {value!r}."
        case "less_than":
            return f"`{name} < {ctx['lt']:g}` must hold, but got {value!r}."
        case _:
            problem = str(finding["msg"])
            return f"`{name}`: {problem[0].lower()}{problem[1:]}, but got {value!r}."
