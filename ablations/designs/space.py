"""A search space: a baseline, the factors that vary around it, and the control arms beside it."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from ablations.designs.levels import Level, fault, shown
from ablations.errors import SettingError, one_of
from ablations.subjects.find import USUAL, content_of_file, find_subject
from ablations.subjects.program import WORDS, Program
from ablations.subjects.settings import Settings
from ablations.subjects.subject import Subject
from ablations.subjects.values import flat, listed, nested
from plain_files.shown import in_html, in_line
from plain_files.words import is_name
from plain_files.yaml_file import FileError, read_yaml

LONGEST_LABEL = 200
MOST_SEEDS = 10_000
LARGEST_SEED = 2**53 - MOST_SEEDS
"""That seeds may begin with: where a table holds them as floats, two beyond could be one."""
MOST_ARMS = 100_000
"""Of a design, before what is illegal or the same is taken out; each is built and counted before the first run."""
MOST_RUNS = 1_000_000


class Factor(Settings):
    """One design decision that varies.

    Either `levels`, or a range `low` to `high` for an adaptive search. Numeric levels are an ordered
    scale: Optuna's samplers are told so.
    """

    name: str
    """A dotted setting, for example `training.learning_rate`."""
    levels: tuple[Level, ...] = ()
    """Texts, numbers, truth values, None, or lists of these."""
    low: float | None = None
    high: float | None = None
    log: bool = False
    off: Level = None
    """The level that means "without this component", for the design `one-in`; None where the level None does."""

    @model_validator(mode="before")
    @classmethod
    def _plain_levels(cls, values: Any) -> Any:
        given = values.get("levels") if isinstance(values, dict) else None
        if not isinstance(given, list | tuple):
            return values
        levels = listed(given)
        if problem := fault(str(values.get("name")), levels):
            raise ValueError(problem)
        return {**values, "levels": tuple(levels), "off": listed(values.get("off"))}

    @model_validator(mode="after")
    def _levels_or_range(self) -> Self:
        if bool(self.levels) == (self.low is not None and self.high is not None):
            raise ValueError(f"factor `{self.name}` must have either `levels` or `low` and `high`.")
        if self.low is not None and self.high is not None:
            self._check_range(self.low, self.high)
        return self

    def _check_range(self, low: float, high: float) -> None:
        name = f"factor `{self.name}`"
        if not low < high:
            raise ValueError(f"{name} must have `low < high`, but got {low:g} and {high:g}.")
        if self.log and low <= 0:
            raise ValueError(f"{name} is logarithmic, so `low > 0` must hold, but got {low:g}.")

    @property
    def ranked(self) -> list[Any]:
        """The levels of an ordered factor, from small to large."""
        return sorted(self.levels, key=float)

    @property
    def ordered(self) -> bool:
        """Whether the levels are numbers and so lie on a scale."""
        return all(isinstance(x, int | float) and not isinstance(x, bool) for x in self.levels)


class Space(Settings):
    """Which settings a study may visit, and what every comparison is made against."""

    name: str
    subject: str = USUAL
    """What the settings are of: a subject's name, or the import path of one (`subjects.find`)."""
    program: Program | None = None
    """What is to be known of a subject that is a program of the user's own. In a file, and in a call, its words
    (`metric`, `data`, `trainer`, ...) stand beside the others."""
    question: str = ""
    """What a study of this space answers, in one sentence."""
    baseline: dict[str, Any] = Field(default={}, validate_default=True)
    """Every dotted setting. Given as a tree of groups, dotted names or a group of settings; what is not said
    has its default."""
    said: tuple[str, ...] = Field(default=(), exclude=True, repr=False)
    """The settings of the baseline that were given."""
    factors: tuple[Factor, ...] = Field(min_length=1)
    controls: dict[str, dict[str, Any]] = {}
    """Arms that every design includes besides the factors' own: label -> changes to the baseline."""
    seeds: int = Field(default=5, ge=1, le=MOST_SEEDS)
    """Seeds, each a block of all arms. Below 3 no interval can be given."""
    first_seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    """Seeds are counted from here; behind those that a search has used, where its winner is compared."""
    skip_illegal: bool = False
    """Leave illegal combinations out instead of refusing to run."""

    _about: Subject | None = PrivateAttr(default=None)

    @property
    def about(self) -> Subject:
        """The subject."""
        if self._about is None:
            self._about = find_subject(
                self.subject,
                program=self.program,
                said=_named(self.baseline, self.factors, self.controls),
            )
        return self._about

    @classmethod
    def names(cls) -> Collection[str]:
        """What can be written in a space, the words of a program among it."""
        own = {"program", "said", "left_out"}
        return sorted({*cls.model_fields, *WORDS} - own)

    def __repr__(self) -> str:
        """In a line; the whole of it is `stated()`."""
        names = [factor.name for factor in self.factors]
        return in_line("Space", self.name, self.question, f"varies {', '.join(names)}")

    def _repr_html_(self) -> str:
        rows = [
            (factor.name, ", ".join(map(shown, factor.levels)) or f"{factor.low:g} to {factor.high:g}",
             shown(self.baseline[factor.name]))
            for factor in self.factors
        ]  # fmt: skip
        rows += [(label, str(values), "control") for label, values in self.controls.items()]
        lines = [self.question] if self.question else []
        return in_html(self.name, lines, head=("factor", "levels", "baseline"), rows=rows)

    def first_seeds(self, seeds: int | None = None) -> list[int]:
        """The seeds of a study: so many from the first, the space's own number by default.

        Raises:
            SettingError: If there is none.
        """
        count = self.seeds if seeds is None else seeds
        if not 1 <= count <= MOST_SEEDS:
            rule = "`seeds >= 1`" if count < 1 else f"`seeds <= {MOST_SEEDS:,}`"
            raise SettingError(f"{rule} must hold, but got {count}.")
        return list(range(self.first_seed, self.first_seed + count))

    def values(self) -> list[Any]:
        """Every value that the space names: the baseline's, the factors' and the controls'."""
        named = _named(self.baseline, self.factors, self.controls)
        return [value for values in named.values() for value in values]

    def is_whole(self, factor: Factor) -> bool:
        """Whether the factor's setting takes whole numbers only."""
        kinds = self.about.settings[factor.name].kinds
        return int in kinds and float not in kinds

    def stated(self) -> dict[str, Any]:
        """The space as `study.json` has it."""
        content = self.model_dump(mode="json")
        if self.subject == USUAL:
            del content["subject"]
        if self.program is None:
            del content["program"]
        if self.first_seed == 0:
            del content["first_seed"]
        return {**content, "baseline": nested(self.baseline)}

    @model_validator(mode="before")
    @classmethod
    def _baseline_is_complete(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("subject", USUAL), str):
            return values
        values = with_program(values)
        said = said_of(values.get("baseline", {}))
        if said is None:
            return values
        about = subject_of(values, said)
        named = values.get("said") or tuple(said)
        return {**values, "baseline": about.arm(said), "said": named}

    def most_arms(self, design: str) -> int:
        """The arms of the largest design of that kind, before what is illegal or the same is taken out."""
        counts = [max(1, len(factor.levels)) for factor in self.factors]
        crossed = math.prod(counts) if design in ("grid", "fractional") else sum(counts)
        return crossed + len(self.controls)

    def refuse_too_many(self, design: str, seeds: int) -> None:
        """Return if the design is one that can be planned.

        Raises:
            SettingError: If it has more than `MOST_ARMS` arms or `MOST_RUNS` runs.
        """
        arms = self.most_arms(design)
        if arms > MOST_ARMS:
            raise SettingError(
                f"a design must have at most {MOST_ARMS:,} arms, but {design} makes {arms:,} of {self.name!r}. Vary "
                "fewer factors, or search with --design search."
            )
        if arms * seeds > MOST_RUNS:
            raise SettingError(
                f"a study must have at most {MOST_RUNS:,} runs, but {arms:,} arms with {seeds:,} seeds are "
                f"{arms * seeds:,}. Give fewer seeds."
            )

    @model_validator(mode="after")
    def _is_legal(self) -> Self:
        names = [factor.name for factor in self.factors]
        if len(set(names)) != len(names):
            raise ValueError(f"each factor must be named once, but got {names}.")
        if not self.about.has_defaults:
            varied = [*names, *(name for changes in self.controls.values() for name in changes)]
            _refuse_unsaid(varied, self.said, subject=self.subject)
        for factor in self.factors:
            self._check_factor(factor)
        for label, changes in self.controls.items():
            _check_label(label)
            try:
                self.about.changed(self.baseline, changes)
            except SettingError as error:
                raise ValueError(f"control {label!r}: {error}") from None
        return self

    def _check_factor(self, factor: Factor) -> None:
        setting = self.about.settings[self.about.check_name(factor.name)]
        if not factor.levels and not _is_number(setting.kinds):
            raise ValueError(
                f"factor `{factor.name}` is no number, so it has `levels` and no range, but got "
                f"{factor.low:g} to {factor.high:g}."
            )
        for level in factor.levels:
            setting.check_level(factor.name, level)
        given = self.baseline[factor.name]
        if factor.levels and given not in factor.levels:
            raise ValueError(
                f"the baseline's `{factor.name}` must be one of its levels {factor.levels}, "
                f"but is {given!r}."
            )


def _refuse_unsaid(varied: Iterable[str], said: Sequence[str], *, subject: str) -> None:
    """Refuse what varies without a value in the baseline, where no default can stand there: perhaps a slip."""
    for name in varied:
        if name not in said:
            raise ValueError(
                f"the baseline must say `{name}`, since {subject!r} has no defaults. {one_of('setting', name, said)}"
            )


def _check_label(label: str) -> None:
    if not is_name(label) or len(label) > LONGEST_LABEL:
        raise ValueError(
            f"a control's label must be one line of 1 to {LONGEST_LABEL} characters without control characters, but is "
            f"{label!r:.80}."
        )


def with_program(values: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a space with the words of its program in one place.

    A baseline that is the name of a file is what that file says.

    Raises:
        SettingError: If there is no such file, or it is none that a subject knows.
    """
    if isinstance(file := values.get("baseline"), str):
        values = content_of_file(_read(file), file=file, given=values)
    words = {name: value for name, value in values.items() if name in WORDS}
    rest = {name: value for name, value in values.items() if name not in WORDS}
    return {**rest, "program": Program(**words)} if words else rest


def _read(file: str) -> Any:
    try:
        return read_yaml(Path(file))
    except FileError as error:
        raise SettingError(f"`baseline`: {error}") from None


def subject_of(values: Mapping[str, Any], said: Mapping[str, Any]) -> Subject:
    """The subject of a space's content."""
    program = values.get("program")
    given = Program(**program) if isinstance(program, Mapping) else program
    named = _named(said, values.get("factors", ()), values.get("controls", {}))
    return find_subject(values.get("subject", USUAL), program=given, said=named)


def _named(said: Mapping[str, Any], factors: Any, controls: Any) -> dict[str, list[Any]]:
    """Setting -> the values that a space names, in whatever form its content is given."""
    found: dict[str, list[Any]] = {str(name): [value] for name, value in said.items()}
    for factor in factors if isinstance(factors, list | tuple) else ():
        content = factor.model_dump() if isinstance(factor, BaseModel) else factor
        if isinstance(content, Mapping) and isinstance(content.get("name"), str):
            given = content.get("levels")
            levels = given if isinstance(given, list | tuple) else ()
            ends = [x for x in (content.get("low"), content.get("high")) if x is not None]
            found.setdefault(content["name"], []).extend([*levels, *ends])
    for changes in controls.values() if isinstance(controls, Mapping) else ():
        for name, value in changes.items() if isinstance(changes, Mapping) else ():
            found.setdefault(str(name), []).append(value)
    return found


def said_of(baseline: object) -> dict[str, Any] | None:
    """The dotted settings that a baseline says, in whatever form it is given; None where it is no baseline."""
    tree = baseline.model_dump(exclude_unset=True) if isinstance(baseline, BaseModel) else baseline
    if not isinstance(tree, Mapping):
        return None
    return {name: listed(value) for name, value in flat(tree).items()}


def _is_number(kinds: frozenset[type]) -> bool:
    return bool(kinds & {int, float}) and str not in kinds and bool not in kinds
