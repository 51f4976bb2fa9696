"""From assignments to runs: fold what an arm does not use, list what is illegal, repeat by seed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ablations.designs.assignments import DESIGNS, Assignment, baseline
from ablations.designs.levels import told
from ablations.designs.space import Space
from ablations.errors import SettingError, StudyError, one_of
from ablations.plan import PlannedRun, Stage
from ablations.subjects.intervention import Intervention
from ablations.subjects.subject import Subject, Values
from ablations.subjects.values import nested
from plain_files.numbers import as_given
from plain_files.shown import in_html, in_line

LONGEST_BASELINE = 3
"""The baseline's label names its levels where it has at most so many factors."""


@dataclass(frozen=True)
class PlannedArm:
    """One arm of a design: its settings, its place in the factors, and its exact cost."""

    arm: Values
    """The whole assignment."""
    id: str
    label: str
    factors: dict[str, Any]
    """Each as the runs table has it (`levels.told`); None where the arm does not use it."""
    cost: dict[str, Any]
    about: Subject = field(repr=False)


@dataclass(frozen=True)
class Expansion:
    """A design written out."""

    arms: tuple[PlannedArm, ...]
    """The baseline first."""
    illegal: tuple[tuple[str, str], ...]
    """Label and reason of each assignment that cannot be built."""
    folded: tuple[tuple[str, str], ...]
    """Each assignment that names more than its arm uses, or the same arm as another; and that arm's label."""

    def __repr__(self) -> str:
        """In a line: how many arms, and what is left out."""
        return in_line("Expansion", *self._counts())

    def _repr_html_(self) -> str:
        costs = list(dict.fromkeys(name for arm in self.arms for name in arm.cost))
        numbers = [
            name for name in costs if not isinstance(self.arms[0].cost.get(name), list | tuple)
        ]
        rows = [(arm.label, *(arm.cost.get(name) for name in numbers)) for arm in self.arms]
        lines = [f"cannot be built: {label}: {why}" for label, why in self.illegal]
        return in_html(", ".join(self._counts()), lines, head=("arm", *numbers), rows=rows)

    def _counts(self) -> list[str]:
        counts = {"arms": self.arms, "illegal": self.illegal, "folded": self.folded}
        return [f"{len(found)} {name}" for name, found in counts.items() if found]


def expand(space: Space, *, design: str = "grid") -> Expansion:
    """The arms of a design over a space, with the space's controls.

    Raises:
        SettingError: If the design is unknown or does not fit the space, or the baseline is illegal.
    """
    if design not in DESIGNS:
        raise SettingError(one_of("design", design, [*DESIGNS, "search"]))
    space.refuse_too_many(design, seeds=1)
    rows: list[tuple[str, Assignment, str | None]]
    rows = [(_label(space, row), row, None) for row in DESIGNS[design](space)]
    rows += [(name, values, name) for name, values in space.controls.items()]
    arms: dict[str, PlannedArm] = {}
    illegal: list[tuple[str, str]] = []
    folded: list[tuple[str, str]] = []
    for label, values, own in rows:
        try:
            made = plan_arm(space, values, label=own)
        except SettingError as error:
            illegal.append((label, str(error)))
            continue
        kept = arms.setdefault(made.id, made)
        if label != kept.label:
            folded.append((label, kept.label))
    if illegal and illegal[0][0] == rows[0][0]:
        raise SettingError(f"the baseline cannot be built: {illegal[0][1]}")
    _refuse_same_labels(arms.values())
    return Expansion(tuple(arms.values()), tuple(illegal), tuple(folded))


def _refuse_same_labels(arms: Iterable[PlannedArm]) -> None:
    found: dict[str, PlannedArm] = {}
    for arm in arms:
        other = found.setdefault(arm.label, arm)
        if other is not arm:
            raise SettingError(
                f"each arm must have a label of its own, but {arm.id} and {other.id} are both {arm.label!r}. Give a "
                "control another label, or levels that read differently."
            )


def plan_arm(space: Space, values: Assignment, *, label: str | None = None) -> PlannedArm:
    """One arm of the space, with its cost.

    Raises:
        SettingError: If the settings are illegal, or the arm fits neither its data nor its network.
    """
    about = space.about
    arm = about.changed(space.baseline, values)
    cost = about.cost(arm)
    unused = about.unused(arm)
    return PlannedArm(
        arm=arm,
        id=about.arm_id(arm),
        label=label or _label(space, {n: x for n, x in values.items() if n not in unused}),
        factors={name: None if name in unused else told(arm[name]) for name in varied(space)},
        cost=cost,
        about=about,
    )


def verify(space: Space, expansion: Expansion) -> tuple[Intervention, ...] | None:
    """What each arm of a design changes of its baseline, which comes first; None where nothing can say."""
    if space.about.verify is None:
        return None
    return space.about.verify({arm.label: arm.arm for arm in expansion.arms}, varied(space))


def varied(space: Space) -> list[str]:
    """The dotted settings that the factors or the controls change."""
    names = [factor.name for factor in space.factors]
    names += [name for changes in space.controls.values() for name in changes]
    return list(dict.fromkeys(names))


def runs(arms: Iterable[PlannedArm], *, seeds: Iterable[int], stage: Stage) -> list[PlannedRun]:
    """Every arm with every seed, seed by seed, so that a study cut short has whole blocks."""
    return [run for block in blocks(arms, seeds=seeds, stage=stage) for run in block]


def blocks(
    arms: Iterable[PlannedArm], *, seeds: Iterable[int], stage: Stage
) -> list[list[PlannedRun]]:
    """For each seed every arm with it."""
    seeds = list(seeds)
    columns = [_with_seeds(arm, seeds, stage) for arm in arms]
    return [list(block) for block in zip(*columns, strict=True)]


def planned_run(arm: PlannedArm, *, seed: int, stage: Stage) -> PlannedRun:
    """One arm with one seed."""
    return _with_seeds(arm, [seed], stage)[0]


def _with_seeds(arm: PlannedArm, seeds: list[int], stage: Stage) -> list[PlannedRun]:
    ids = arm.about.run_ids(arm.arm, seeds)
    return [_with_seed(arm, seed, stage, run) for seed, run in zip(seeds, ids, strict=True)]


def _with_seed(arm: PlannedArm, seed: int, stage: Stage, run: str) -> PlannedRun:
    return PlannedRun(
        run=run,
        arm=arm.id,
        label=arm.label,
        seed=seed,
        stage=stage,
        settings={"arm": nested(arm.arm), "seed": seed, **arm.about.carried},
        factors=arm.factors,
        cost=arm.cost,
        epochs_planned=arm.about.epochs(arm.arm),
    )


def refuse_illegal(space: Space, expansion: Expansion) -> None:
    """Stop before the first run if the space has arms that cannot be built.

    Raises:
        StudyError: Unless the space says to skip them.
    """
    if expansion.illegal and not space.skip_illegal:
        listed = "\n".join(f"  {label}: {why}" for label, why in expansion.illegal)
        raise StudyError(
            f"{len(expansion.illegal)} arm(s) of the space `{space.name}` cannot be built:\n{listed}\n"
            "Change the levels, or set `skip_illegal: true` in the space to leave them out."
        )


def _label(space: Space, values: Assignment) -> str:
    """What differs from the baseline, in short names: `reduction=4, gate=sigmoid`."""
    base = baseline(space)
    shorts = [name.rpartition(".")[2] for name in base]
    parts = [
        f"{name if shorts.count(short) > 1 else short}={as_given(values[name])}"
        for name, short in zip(base, shorts, strict=True)
        if name in values and values[name] != base[name]
    ]
    if parts:
        return ", ".join(parts)
    stated = [f"{short}={as_given(base[name])}" for name, short in zip(base, shorts, strict=True)]
    return f"{', '.join(stated)} (baseline)" if len(stated) <= LONGEST_BASELINE else "baseline"
