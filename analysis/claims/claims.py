"""A file of claims: sentences that are to be printed, each with what would decide it.

    studies:
      controls: {space: controls, set: {training.epochs: 10}, seeds: 6, on: "the bundled digits"}
    claims:
      - id: B7
        sentence: The gate must see the image.
        source: an introduction, page 3
        measured: {study: controls, factor: attention.control, levels: [shuffled, none], direction: lower, margin: 0.01}

The first of the levels is the reference. `docs/claims-files.md` has every key.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from analysis.errors import TableError
from analysis.planned.comparisons import parse_comparisons
from plain_files.numbers import as_given

Direction = Literal["lower", "higher", "differs", "same"]
Fit = Literal["kappa", "r_star", "width_slope", "mean"]
Design = Literal["grid", "loco", "one-in", "fractional", "zip"]

TOP = ("title", "alpha", "studies", "claims")
OF_A_STUDY = (
    "space",
    "set",
    "design",
    "seeds",
    "until",
    "max_seeds",
    "metric",
    "adding_seeds",
    "on",
)
OF_A_CLAIM = ("id", "sentence", "source", "exact", "measured", "published", "not_testable")
OF_A_COMPARISON = ("study", "factor", "levels", "direction", "margin")
OF_A_FIT = ("study", "fit", "at", "price", "direction", "than", "margin")
OF_PUBLISHED = ("numbers", "at_least", "at_most", "unit", "source")
IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
PLAIN_NAME = re.compile(r"[\w-]+")
MOST_NAMED = 12
"""Claims that an error names."""


@dataclass(frozen=True, kw_only=True)
class ClaimStudy:
    """Runs that claims of a file share: a space, executed once."""

    name: str
    space: str
    """A preset, a file, or an import path, as `ablate run` takes it."""
    set: Mapping[str, Any]
    """Dotted settings of the baseline."""
    design: Design
    seeds: int | None
    """None for the space's own number, and where it runs until its comparisons are decided."""
    max_seeds: int | None
    """At which a study ends that runs until its comparisons are decided; None for any other."""
    metric: str | None
    """The space's own where it is None; a study's planned comparisons are all of one."""
    adding_seeds: Any
    on: str
    """What the runs are of, for the reader of an answer."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What runs decide: levels of a factor against its first, or a fitted number against a value."""

    study: str
    """One of the file's studies; or any study or table, which is read and never run."""
    direction: Direction
    margin: float | None = None
    factor: str = ""
    levels: tuple[Any, ...] = ()
    fit: Fit | None = None
    at: tuple[tuple[str, Any], ...] = ()
    """Of the fit `mean`: the levels of the arm whose mean it is."""
    price: float | None = None
    """Of the fit `r_star`: what a weight is worth, in the metric's unit."""
    than: float = 0.0

    def stated(self) -> dict[str, Any]:
        """As plain values, without what is not said: what a study stores, and what is hashed."""
        content = {name: value for name, value in vars(self).items() if value not in (None, "", ())}
        return {**content, **{k: _listed(content[k]) for k in ("levels", "at") if k in content}}


@dataclass(frozen=True, kw_only=True)
class Published:
    """Numbers of the literature, and what range the claim says they lie in."""

    numbers: Mapping[str, float]
    at_least: float
    at_most: float
    unit: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence and all that speaks on it."""

    id: str
    sentence: str
    source: str
    exact: str = ""
    """Import path of a function that computes it."""
    measured: tuple[Measured, ...] = ()
    published: tuple[Published, ...] = ()
    not_testable: str = ""
    """Why nothing here could decide it."""


@dataclass(frozen=True, kw_only=True)
class ClaimsFile:
    """The claims of a file, checked."""

    name: str
    title: str
    alpha: float
    studies: Mapping[str, ClaimStudy]
    claims: tuple[Claim, ...]

    def folder(self, study: str) -> str:
        """The name under which a study of this file lies among others: `attention-controls`."""
        return f"{self.name}-{study}"

    def only(self, ids: Sequence[str]) -> "ClaimsFile":
        """The file with these claims alone; all of them where none is named.

        Raises:
            TableError: If there is no such claim; says the nearest.
        """
        known = [claim.id for claim in self.claims]
        for wanted in ids:
            if wanted not in known:
                raise TableError(
                    f"there is no claim {wanted!r} in {self.name}, which has {_some(known)}.{_near(wanted, known)}"
                )
        kept = tuple(claim for claim in self.claims if not ids or claim.id in ids)
        return replace(self, claims=kept)


def load_claims(path: str | Path) -> ClaimsFile:
    """The claims of a YAML file, checked.

    Raises:
        TableError: If the file cannot be read, or a key or a value breaks its rule; names the claim.
    """
    from plain_files.yaml_file import FileError, read_yaml

    path = Path(path)
    try:
        loaded = read_yaml(path)
    except FileError as error:
        raise TableError(str(error)) from None
    return parse_claims(loaded, name=path.stem)


def parse_claims(loaded: Any, *, name: str) -> ClaimsFile:
    """The claims of plain values, checked.

    Args:
        loaded: What a file holds.
        name: The file's, without its ending: its studies are named after it.

    Raises:
        TableError: If a key or a value breaks its rule; names the claim.
    """
    if not isinstance(loaded, Mapping):
        raise TableError(
            f"{name} must hold a mapping with `claims`, but holds a {type(loaded).__name__}."
        )
    _known(loaded, TOP, where=name)
    alpha = _number(loaded.get("alpha", 0.05), "alpha", where=name)
    if not 0 < alpha < 0.5:
        raise TableError(f"{name}: `0 < alpha < 0.5` must hold, but got {alpha!r}.")
    entries = loaded.get("claims")
    if not isinstance(entries, list) or not entries:
        raise TableError(f"{name}: `claims` must be a list with at least one claim.")
    given = loaded.get("studies") or {}
    if not isinstance(given, Mapping):
        raise TableError(f"{name}: `studies` must be a mapping from names to studies.")
    studies = {str(key): _study(str(key), content) for key, content in given.items()}
    claims = tuple(_claim(entry, number=i) for i, entry in enumerate(entries, start=1))
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise TableError(f"`id` must be of one claim, but {claim.id!r} stands twice.")
        seen.add(claim.id)
    _refuse_unused(studies, claims)
    title = _text(loaded.get("title", name), "title", where=name)
    return ClaimsFile(name=name, title=title, alpha=alpha, studies=studies, claims=claims)


def _refuse_unused(studies: Mapping[str, ClaimStudy], claims: Sequence[Claim]) -> None:
    """Refuse a study that no claim names: its name is misspelt in a claim, or it decides nothing."""
    named = {one.study for claim in claims for one in claim.measured}
    for study in studies:
        if study not in named:
            near = difflib.get_close_matches(study, sorted(named - studies.keys()), n=1, cutoff=0.5)
            hint = f" Is it the one that a claim calls {near[0]!r}?" if near else ""
            raise TableError(f"study {study!r} must be named by a claim, but is by none.{hint}")


def _study(name: str, content: Any) -> ClaimStudy:
    where = f"study {name!r}"
    if not PLAIN_NAME.fullmatch(name):
        raise TableError(f"{where}: its name must be of letters, digits, _ and -.")
    if not isinstance(content, Mapping) or not isinstance(content.get("space"), str):
        raise TableError(
            f"{where} must name its `space`: a preset, a file, or package.module:name."
        )
    _known(content, OF_A_STUDY, where=where)
    design = _choice(content.get("design", "grid"), "design", get_args(Design), where=where)
    seeds = content.get("seeds")
    if seeds is not None and not (type(seeds) is int and seeds >= 1):
        raise TableError(f"{where}: `seeds >= 1` must hold, but got {seeds!r}.")
    most = _most_seeds(content, where=where)
    settings = content.get("set") or {}
    if not isinstance(settings, Mapping):
        raise TableError(f"{where}: `set` must be a mapping from settings to values.")
    if content.get("adding_seeds") is not None:
        # Its rules are those of a comparisons file.
        some = [{"factor": "any", "levels": [0, 1]}]
        parse_comparisons(
            {"comparisons": some, "seeds": seeds, "adding_seeds": content["adding_seeds"]}
        )
    metric = content.get("metric")
    return ClaimStudy(
        name=name,
        space=content["space"],
        set={str(key): value for key, value in settings.items()},
        design=design,
        seeds=seeds,
        max_seeds=most,
        metric=None if metric is None else _text(metric, "metric", where=where),
        adding_seeds=content.get("adding_seeds"),
        on=_text(content.get("on", ""), "on", where=where),
    )


def _most_seeds(content: Mapping[str, Any], *, where: str) -> int | None:
    """At which a study ends that runs until its comparisons are decided; None where it has a number of seeds."""
    until, most = content.get("until"), content.get("max_seeds")
    if until is None and most is None:
        return None
    _choice(until, "until", ("decided",), where=where)
    if content.get("seeds") is not None or content.get("adding_seeds") is not None:
        raise TableError(
            f"{where}: `until: decided` has looks of its own; give `max_seeds` and neither `seeds` nor `adding_seeds`."
        )
    if type(most) is not int or most < 3:
        raise TableError(
            f"{where}: `until: decided` needs `max_seeds`, a whole number from 3, but got {most!r}."
        )
    return most


def _claim(entry: Any, *, number: int) -> Claim:
    where = f"claim {number}"
    if not isinstance(entry, Mapping) or "id" not in entry:
        raise TableError(f"{where} must be a mapping with an `id`, but is {entry!r:.80}.")
    name = str(entry["id"])
    where = f"claim {name!r}"
    if not PLAIN_NAME.fullmatch(name):
        raise TableError(f"{where}: `id` must be of letters, digits, _ and -.")
    _known(entry, OF_A_CLAIM, where=where)
    for key in ("sentence", "source"):
        if not str(entry.get(key) or "").strip():
            raise TableError(f"{where} lacks its `{key}`.")
    if not any(entry.get(key) for key in OF_A_CLAIM[3:]):
        raise TableError(
            f"{where} must say what would decide it: {', '.join(f'`{k}`' for k in OF_A_CLAIM[3:])}."
        )
    exact = entry.get("exact") or ""
    if exact and not (isinstance(exact, str) and IMPORT_PATH.fullmatch(exact)):
        raise TableError(
            f"{where}: `exact` must be a function's import path, package.module:name, but is {exact!r}."
        )
    return Claim(
        id=name,
        sentence=_text(entry["sentence"], "sentence", where=where),
        source=_text(entry["source"], "source", where=where),
        exact=exact,
        measured=tuple(_measured(each, where=where) for each in _several(entry, "measured")),
        published=tuple(
            _published(each, str(entry["source"]), where=where)
            for each in _several(entry, "published")
        ),
        not_testable=_text(entry.get("not_testable") or "", "not_testable", where=where),
    )


def _measured(content: Any, *, where: str) -> Measured:
    if not isinstance(content, Mapping) or not isinstance(content.get("study"), str):
        raise TableError(f"{where}: `measured` must be a mapping that names a `study`.")
    if ("fit" in content) == ("factor" in content):
        raise TableError(
            f"{where}: `measured` must have either a `factor` with its `levels`, or a `fit`."
        )
    _known(content, OF_A_FIT if "fit" in content else OF_A_COMPARISON, where=where)
    direction = _choice(content.get("direction"), "direction", get_args(Direction), where=where)
    margin = content.get("margin")
    if margin is not None and not _number(margin, "margin", where=where) > 0:
        raise TableError(f"{where}: `margin > 0` must hold, but got {margin!r}.")
    if direction == "same" and margin is None:
        raise TableError(
            f"{where}: `direction: same` needs a `margin`: the largest difference that does not matter."
        )
    margin = None if margin is None else float(margin)
    if "fit" in content:
        return _fitted(content, direction=direction, margin=margin, where=where)
    try:
        parse_comparisons(
            {"comparisons": [{k: content[k] for k in ("factor", "levels") if k in content}]}
        )
    except TableError as error:
        raise TableError(f"{where}: {str(error).removeprefix('comparison 1: ')}") from None
    return Measured(
        study=content["study"],
        direction=direction,
        margin=margin,
        factor=str(content["factor"]),
        levels=tuple(content["levels"]),
    )


def _fitted(
    content: Mapping[str, Any], *, direction: Direction, margin: float | None, where: str
) -> Measured:
    fit = _choice(content["fit"], "fit", get_args(Fit), where=where)
    at, price = content.get("at") or {}, content.get("price")
    if (fit == "r_star") != (price is not None):
        raise TableError(f"{where}: `fit: r_star` needs a `price`, and no other fit has one.")
    if price is not None and not _number(price, "price", where=where) > 0:
        raise TableError(f"{where}: `price > 0` must hold, but got {price!r}.")
    if (fit == "mean") != bool(at) or not isinstance(at, Mapping):
        raise TableError(
            f"{where}: `fit: mean` needs `at`, a mapping from factors to levels, and no other fit has one."
        )
    return Measured(
        study=content["study"],
        direction=direction,
        margin=margin,
        fit=fit,
        at=tuple((str(key), value) for key, value in at.items()),
        price=None if price is None else float(price),
        than=_number(content.get("than", 0.0), "than", where=where),
    )


def _published(content: Any, source: str, *, where: str) -> Published:
    if not isinstance(content, Mapping):
        raise TableError(f"{where}: `published` must be a mapping with `numbers`.")
    _known(content, OF_PUBLISHED, where=where)
    numbers = content.get("numbers")
    if not isinstance(numbers, Mapping) or not numbers:
        raise TableError(
            f"{where}: `numbers` must be a mapping from what was measured to its number."
        )
    found = {str(key): _number(value, str(key), where=where) for key, value in numbers.items()}
    ends = [content.get("at_least"), content.get("at_most")]
    if ends == [None, None]:
        raise TableError(
            f"{where}: `published` must say what the claim expects: `at_least`, `at_most`, or both."
        )
    low = -math.inf if ends[0] is None else _number(ends[0], "at_least", where=where)
    high = math.inf if ends[1] is None else _number(ends[1], "at_most", where=where)
    if low > high:
        raise TableError(
            f"{where}: `at_least <= at_most` must hold, but got {as_given(low)} and {as_given(high)}."
        )
    return Published(
        numbers=found,
        at_least=low,
        at_most=high,
        unit=_text(content.get("unit", ""), "unit", where=where),
        source=_text(content.get("source") or source, "source", where=where),
    )


def _several(entry: Mapping[str, Any], key: str) -> list[Any]:
    """One or a list of several; none where the key is not there."""
    value = entry.get(key)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _known(given: Mapping[Any, Any], allowed: Sequence[str], *, where: str) -> None:
    for key in map(str, given):
        if key not in allowed:
            raise TableError(
                f"{where} has the unknown key {key!r}; it may have {', '.join(allowed)}.{_near(key, allowed)}"
            )


def _choice(value: Any, name: str, allowed: Sequence[str], *, where: str) -> Any:
    if value not in allowed:
        raise TableError(
            f"{where}: `{name}` must be one of {', '.join(allowed)}, but got {value!r}.{_near(value, allowed)}"
        )
    return value


def _number(value: Any, name: str, *, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TableError(f"{where}: `{name}` must be a finite number, but got {value!r}.")
    return float(value)


def _text(value: Any, name: str, *, where: str) -> str:
    if isinstance(value, Mapping | list):
        raise TableError(f"{where}: `{name}` must be a text, but is a {type(value).__name__}.")
    return " ".join(str(value).split())


def _some(known: Sequence[str]) -> str:
    """Names, so many as a sentence bears."""
    more = len(known) - MOST_NAMED
    return ", ".join(known[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _near(value: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(value), list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def _listed(pairs: Any) -> list[Any]:
    return [list(each) if isinstance(each, tuple) else each for each in pairs]
