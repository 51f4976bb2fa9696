"""What a study is about: the protocol that everything from a space to the report is written against.

The framework (spaces, designs, studies, engine, tracking) knows no network and no setting. It works on
assignments of dotted names to plain values, and asks a `Subject` what they mean. A subject is a value: the
settings that there are, the metrics that a run gives, the function that trains one run, and what else it can
say. What it leaves out the framework does without, as each field's description says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ablations.errors import SettingError, one_of
from ablations.import_path import load_module
from ablations.subjects.data_identity import DataIdentity
from ablations.subjects.ids import canonical, digest
from ablations.subjects.intervention import Intervention
from ablations.subjects.own_code import own_files
from ablations.subjects.values import plain

Values = Mapping[str, Any]
"""An assignment: dotted name of a setting -> plain value (text, number, truth value, None, a list of these)."""
Direction = Literal["minimize", "maximize"]


KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
    list: "a list",
    type(None): "none",
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One thing that may be set, and so may vary."""

    default: Any
    kinds: frozenset[type]
    """Types of its values: `int`, `float`, `str`, `bool`, `list`, `NoneType`."""
    choices: tuple[Any, ...] = ()
    """All its values, where they are few and known."""
    words: tuple[Any, ...] = ()
    """Values to choose from, where others may be named beside them, such as own functions."""
    meaning: str = ""
    """What it is, in a sentence."""
    refuse: Callable[[Any], None] | None = None
    """Raises `SettingError` for a word that the setting does not know, whatever else is set: a space's levels
    are checked by it when the space is read. Left out: a level must be of `kinds` and among `choices`."""

    def check_level(self, name: str, level: Any) -> None:
        """Refuse a level that the setting does not know.

        Raises:
            SettingError: Says what it knows.
        """
        if self.refuse is None:
            self.read(name, level)
        else:
            self.refuse(level)

    def of_text(self, text: str) -> Any:
        """What a text typed in a shell means here: a number, a truth value or None where the setting takes them."""
        found = plain(text)
        taken = type(found) in self.kinds or (type(found) is int and float in self.kinds)
        return found if taken and text not in self.choices else text

    def read(self, name: str, value: Any) -> Any:
        """The value as the setting holds it: a whole number as a float where it takes floats only.

        Raises:
            SettingError: If it is of another kind, or not among the choices.
        """
        if self.choices and value not in self.choices:
            if isinstance(value, str):
                raise SettingError(one_of(name, value, [str(choice) for choice in self.choices]))
            raise SettingError(f"`{name}` must be one of {self.choices}, but got {value!r}.")
        if type(value) in self.kinds:
            return value
        if float in self.kinds and type(value) is int:
            return float(value)
        known = " or ".join(KINDS[kind] for kind in KINDS if kind in self.kinds)
        raise SettingError(f"`{name}` must be {known}, but got {value!r}.")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that a run measures."""

    name: str
    direction: Direction
    unit: str = ""
    """As a reader writes it behind the number: `nats per image`; empty for a number without one."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A number that a search may optimise: a metric, or a column of the cost."""

    direction: Direction
    settings: Values = field(default_factory=dict)
    """What a run must be set to for the number to be measured."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long the arms take, by a pilot of a few steps."""

    seconds: tuple[float, ...]
    """Of one run of each arm, alone on this machine."""
    basis: str
    """Where the seconds come from, in words."""


def _nothing_unused(arm: Values) -> frozenset[str]:
    return frozenset()


def _no_data(arm: Values) -> str:
    return ""


def _no_cost(arm: Values) -> dict[str, Any]:
    return {}


def _one_epoch(arm: Values) -> int:
    return 1


def _no_notes(arm: Values) -> list[str]:
    return []


def _no_remarks(factors: Sequence[str], costs: Sequence[Values]) -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a study is about.

    A subject says that something cannot be by raising `SettingError` with the rule, the value and a way out.
    """

    name: str
    """As a space names it: the name of a folder in `ablations.subjects`, or an import path."""
    train: str
    """Import path of `train(settings, context) -> dict`, which trains one run in a worker and returns what it
    measured (`docs/architecture.md`). `settings` is `{"arm": nested settings, "seed": seed}`."""
    settings: Mapping[str, Setting]
    """Dotted name -> setting, in the order in which they are shown."""
    metrics: tuple[Metric, ...]
    """The numbers that a run returns; the runs table has a column for each."""
    metric: str
    """The metric that decides."""
    tested: tuple[Metric, ...] = ()
    """The numbers that a run may measure on a test set, which `train` returns under `test`. They are written apart,
    and `ablate test` alone reads them. Left out: there is no test set."""

    assign: Callable[[Values], dict[str, Any]] | None = None
    """The complete and legal assignment with these values, each as the setting holds it (8 and 8.0 are one).
    Left out: defaults where nothing is said, each value of its setting's kinds, and every combination legal."""
    change: Callable[[Values, Values], dict[str, Any]] | None = None
    """An arm with some settings replaced. Left out: `assign` of both together."""
    complete: Callable[[Values, Values], dict[str, Any]] | None = None
    """The baseline of a space: what its author said, what the command line replaces in it, and for the rest
    what is usual with these. Left out: the defaults."""
    unused: Callable[[Values], frozenset[str]] = _nothing_unused
    """The settings that an arm does not use. Arms that differ only in these are one: a design folds them, and a
    search does not ask for them. Left out: every arm uses all."""
    has_defaults: bool = True
    """Whether its settings have defaults of their own. Where they have none, a space's baseline must name every
    factor, since nothing else says what its comparisons are made against."""
    identity: Values | None = None
    """What ids contain besides settings, data and seed. Left out: the subject's name."""
    neutral: Values = field(default_factory=dict)
    """Setting -> the value that ids leave out, for ever: a changed default changes no id, and neither does a
    new setting at its neutral value. Left out: ids contain every setting that an arm uses."""
    outside_identity: frozenset[str] = frozenset()
    """Settings that change no number of a run: where files lie, what is recorded."""
    fingerprint: Callable[[Values], str] = _no_data
    """A hash of the content of the arm's data. Left out: the data are not checked."""
    identify: Callable[[Values], DataIdentity] | None = None
    """By what the arm's data are told from others; what is weaker than `fingerprint` is drift where it differs,
    and in no id. Left out: the fingerprint says all."""
    cost: Callable[[Values], dict[str, Any]] = _no_cost
    """What an arm costs, exactly and before training: the columns of `cost_columns`. Raises where the arm does
    not fit its network or data. Left out: no cost is shown, and none can be an objective."""
    cost_columns: Mapping[str, str] = field(default_factory=dict)
    """Column -> `integer`, `number`, `list of integers`."""
    cost_titles: Mapping[str, str] = field(default_factory=dict)
    """Column -> its title in the table of arms, for those that are shown there."""
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    """What a search may optimise. Left out: the metrics, and `seconds`."""
    verify: Callable[[Mapping[str, Values], Sequence[str]], tuple[Intervention, ...]] | None = None
    """What each arm changes of the first, the baseline, by building and comparing them; the second argument is
    what the study says it varies. Left out: arms are taken for what they say, and `ablate show --verify` says
    that nothing was compared."""
    stacks: bool = False
    """Whether runs of one arm can be trained in step in one worker (`--stack`). Left out: refused."""
    pilot: Callable[[Sequence[Values], Sequence[Values]], Pace | None] | None = None
    """How long a run of each arm takes here, from a few steps; the second argument is their costs. It returns None
    where it comes to no answer in its time. Left out: a study's time is estimated from its own runs only."""
    carried: Values = field(default_factory=dict)
    """What every run's settings hold besides `arm` and `seed`, as plain values, for `train`. Left out: nothing."""
    short: Callable[[Values], dict[str, Any]] | None = None
    """The arm as a run short enough to be tried out (`ablate check`): two epochs of a few steps. Left out: the arm."""
    epochs: Callable[[Values], int] = _one_epoch
    """Epochs that a run of the arm is planned to have. Left out: one."""
    code: Callable[[Iterable[Any]], list[Path]] | None = None
    """The source files that give a run's numbers, whose hash is in `study.json`, from all values that the space
    names (some may be import paths). Left out: the module of `train`, and what it imports of its project."""
    packages: tuple[str, ...] = ()
    """Installed packages whose version can change a number."""
    notes: Callable[[Values], list[str]] = _no_notes
    """Sentences that `ablate show` and `run` add about the baseline. Left out: none."""
    remarks: Callable[[Sequence[str], Sequence[Values]], list[str]] = _no_remarks
    """Sentences below the arms, from the names of the factors and the arms' costs. Left out: none."""

    def check_name(self, name: str) -> str:
        """The same name, if there is such a setting.

        Raises:
            SettingError: If there is none; says the nearest one.
        """
        if name not in self.settings:
            raise SettingError(one_of("setting", name, self.settings))
        return name

    def typed(self, values: Values) -> dict[str, Any]:
        """The values with those that were typed as text as their settings hold them: 8 for `8`, None for `none`."""
        return {
            name: self.settings[name].of_text(value)
            if isinstance(value, str) and name in self.settings
            else value
            for name, value in values.items()
        }

    def arm(self, values: Values) -> dict[str, Any]:
        """The complete and legal assignment with these values.

        Raises:
            SettingError: If a name is unknown, or the values do not go together.
        """
        for name in values:
            self.check_name(name)
        if self.assign is not None:
            return self.assign(values)
        return {
            name: setting.read(name, values[name]) if name in values else setting.default
            for name, setting in self.settings.items()
        }

    def changed(self, arm: Values, values: Values) -> dict[str, Any]:
        """An arm with some settings replaced.

        Raises:
            SettingError: If a name is unknown, or the values do not go together.
        """
        for name in values:
            self.check_name(name)
        return self.arm({**arm, **values}) if self.change is None else self.change(arm, values)

    def baseline(self, said: Values, given: Values) -> dict[str, Any]:
        """The arm of a space that says some settings, of which some are replaced.

        Raises:
            SettingError: If a name is unknown, or the values do not go together.
        """
        for name in (*said, *given):
            self.check_name(name)
        if self.complete is not None:
            return self.complete(said, given)
        return self.changed(self.arm(said), given)

    def canonical(self, arm: Values) -> dict[str, Any]:
        """The settings that make the arm what it is, sorted by name."""
        left_out = self.unused(arm) | self.outside_identity
        return canonical(arm, left_out=left_out, neutral=self.neutral)

    def arm_id(self, arm: Values) -> str:
        """Ten hexadecimal digits that name the arm, with its data, on every machine."""
        return digest(self.canonical(arm), data=self.fingerprint(arm), **self._identity())

    def run_id(self, arm: Values, seed: int) -> str:
        """Ten hexadecimal digits that name the arm with this seed on every machine."""
        return self.run_ids(arm, [seed])[0]

    def run_ids(self, arm: Values, seeds: Iterable[int]) -> list[str]:
        """As `run_id`, of many seeds; the arm's data are asked for once: a program of a user's may load them."""
        rest = {"data": self.fingerprint(arm), **self._identity()}
        canonical = self.canonical(arm)
        return [digest(canonical, seed=seed, **rest) for seed in seeds]

    def sources(self, values: Iterable[Any]) -> list[Path]:
        """The source files that give the numbers of a space's runs, which names these values."""
        if self.code is not None:
            return self.code(values)
        return own_files(load_module(self.train.partition(":")[0], named=self.train))

    def searchable(self) -> dict[str, Objective]:
        """What a search may optimise, by name."""
        if self.objectives:
            return dict(self.objectives)
        found = {one.name: Objective(direction=one.direction) for one in self.metrics}
        return {**found, "seconds": Objective(direction="minimize")}

    @property
    def direction(self) -> Direction:
        """Which way the deciding metric is better."""
        return next(one.direction for one in self.metrics if one.name == self.metric)

    def _identity(self) -> dict[str, Any]:
        return {"subject": self.name} if self.identity is None else dict(self.identity)
