"""The rule of a study that runs until it is decided, written down before the first run; a value that hashes.

`until_decided(margin=0.005, max_seeds=20)` is what `ablations.run(..., until=...)` takes. Its `declared`, `completed`
with the boundaries, is what `study.json` keeps under `until`, and `decide` reads nothing else than that and the values
that are in.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from analysis.errors import TableError
from analysis.planned.comparisons import level_key
from analysis.sequential.boundaries import POWER, with_boundaries
from plain_files.numbers import as_given
from plain_files.stopping_rules import NUMBERS

FIRST_LOOK = 3
ENDS = ("matters", "differs", "negligible")
"""The verdicts that end a comparison; `differs` is from zero, by less than the margin."""


class AnArm(Protocol):
    """What a rule must know of an arm before it has runs."""

    @property
    def id(self) -> str:
        """The arm's id."""

    @property
    def label(self) -> str:
        """The arm in words."""

    @property
    def factors(self) -> Mapping[str, Any]:
        """Setting -> level, of those that vary."""

    @property
    def cost(self) -> Mapping[str, Any]:
        """What is known of it before it is trained: `channels`, `hidden`, ..."""


@dataclass(frozen=True, kw_only=True)
class UntilDecided:
    """A study that goes on until every comparison with the baseline is settled."""

    margin: float | None = None
    """The largest effect that does not matter, in the metric's unit."""
    max_seeds: int
    """Seeds after which it ends, whatever is still open."""
    alpha: float = 0.05
    """Family-wise error of *matters*, and of *negligible*."""
    first_look: int = FIRST_LOOK
    planned: Mapping[str, Any] | None = None
    """Planned comparisons (`analysis.planned.comparisons.Comparisons.content`) with a margin for each."""

    def __post_init__(self) -> None:
        """Refuse what could decide nothing."""
        if self.margin is not None and not 0 < self.margin < float("inf"):
            raise TableError(
                f"`margin > 0` must hold, but got {self.margin!r}: nothing could be called negligible. Name the "
                "largest difference that would not change what you do."
            )
        if not 0 < self.alpha < 0.5:
            raise TableError(f"`0 < alpha < 0.5` must hold, but got {self.alpha!r}.")
        if self.first_look < 2:
            raise TableError(f"`first_look >= 2` must hold, but got {self.first_look}.")
        if self.max_seeds < self.first_look:
            raise TableError(
                f"`max_seeds` must be at least {self.first_look}, the seeds at the first look, but is "
                f"{self.max_seeds}. Allow more seeds: `ablate plan SPACE --until decided` says how many."
            )
        if self.planned is None:
            if self.margin is None:
                raise TableError(
                    "`margin` must be given: without it no comparison could be settled as negligible. Name the largest "
                    "difference that would not change what you do, or planned comparisons with a margin for each."
                )
            return
        _refuse_contradictions(self.planned, self.margin, self.max_seeds)

    @property
    def name(self) -> str:
        """What the study runs until."""
        return "decided"

    def declared(self, arms: Sequence[AnArm], *, metric: str, direction: str) -> dict[str, Any]:
        """What is written down before the first run.

        Args:
            arms: Of the study, the baseline first.
            metric: The number that decides.
            direction: Which way it is better, `minimize` or `maximize`.

        Raises:
            TableError: If there is no comparison, or a planned one is not of an arm with the baseline.
        """
        _refuse_factorial(arms)
        margins = self._margins(arms)
        alpha = self.alpha if self.planned is None else float(self.planned["alpha"])
        content: dict[str, Any] = {
            "until": self.name,
            "metric": metric,
            "direction": direction,
            "alpha": alpha,
            "first_look": self.first_look,
            "max_seeds": self.max_seeds,
            "spending": f"(n/{self.max_seeds})^{as_given(POWER)}",
            "error": "auto",
            "ends": list(ENDS),
            "baseline": arms[0].id,
            "comparisons": [
                {"arm": arm.id, "label": arm.label, "margin": margins[arm.id]}
                for arm in arms[1:]
                if arm.id in margins
            ],
        }
        return {**content, "hash": rule_hash(content)}

    def completed(
        self, declared: Mapping[str, Any], stored: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The rule with its boundaries: those that were stored with it, if they are what was written down."""
        return with_boundaries(declared, stored)

    def decide(self, seen: Any) -> dict[str, dict[str, Any]]:
        """What this look says of each open comparison, by arm; `seen` as for `analysis.sequential.looks.decide`."""
        from analysis.sequential.looks import decide

        return decide(seen.rule, seen.values, seen.settled)

    def _margins(self, arms: Sequence[AnArm]) -> dict[str, float]:
        """Arm -> margin, of the arms that are compared."""
        if len(arms) < 2:
            raise TableError(
                "a study that runs until decided needs an arm to compare with its baseline, but the space has the "
                "baseline alone. Add a level or a control."
            )
        if self.planned is None:
            assert self.margin is not None
            return {arm.id: self.margin for arm in arms[1:]}
        found: dict[str, float] = {}
        for number, entry in enumerate(self.planned["comparisons"], start=1):
            margin = self.margin if entry["margin"] is None else float(entry["margin"])
            if margin is None:
                raise TableError(
                    f"comparison {number} of the planned file has no `margin`, without which it could not be "
                    f"settled as "
                    "negligible. Write one beside it, or give --margin for those that have none."
                )
            found |= dict.fromkeys(_arms_of(entry, arms, number=number), margin)
        return found


def until_decided(
    *,
    max_seeds: int,
    margin: float | None = None,
    alpha: float = 0.05,
    first_look: int = FIRST_LOOK,
    planned: Mapping[str, Any] | None = None,
) -> UntilDecided:
    """The rule that settles each comparison with the baseline, for `ablations.run(..., until=...)`.

    Args:
        max_seeds: Seeds after which the study ends, whatever is still open.
        margin: The largest effect that does not matter, in the metric's unit.
        alpha: Family-wise error of *matters*, and of *negligible*.
        first_look: Seeds at the first look.
        planned: Instead of one margin: `load_comparisons(path).content`, with a margin for each comparison.

    Raises:
        TableError: If a value breaks its rule, or the planned comparisons contradict it.
    """
    return UntilDecided(
        margin=margin, max_seeds=max_seeds, alpha=alpha, first_look=first_look, planned=planned
    )


def rule_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of a rule's canonical JSON, without its boundaries, which follow from it."""
    plain = {name: value for name, value in content.items() if name not in ("hash", *NUMBERS)}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_factorial(arms: Sequence[AnArm]) -> None:
    """Refuse crossed factors: there each run serves several comparisons, and no arm is settled by itself."""
    base = arms[0].factors
    changed = [
        frozenset((f, x) for f, x in _filled(arm.factors, base).items() if not _same(x, base[f]))
        for arm in arms[1:]
    ]
    for arm, mine in zip(arms[1:], changed, strict=True):
        if len(mine) > 1 and all(frozenset([one]) in changed for one in mine):
            raise TableError(
                f"a study that runs until decided compares each arm with the baseline, but {arm.label!r} "
                f"crosses factors: "
                "their effects are means over many arms. Use --design loco."
            )


def _refuse_contradictions(
    planned: Mapping[str, Any], margin: float | None, max_seeds: int
) -> None:
    plan = planned["adding_seeds"]["plan"]
    if plan != "none":
        raise TableError(
            f"the planned file says `adding_seeds: {plan}`, but a study that runs until decided has looks of its own. "
            "Leave `adding_seeds` out of the file, or run without --until."
        )
    seeds = planned["seeds"]
    if seeds is not None and seeds != max_seeds:
        raise TableError(
            f"the planned file says `seeds: {seeds}`, but `max_seeds` is {max_seeds}. Give both the same "
            f"number, or leave "
            "`seeds` out of the file."
        )
    for number, entry in enumerate(planned["comparisons"], start=1):
        if entry["direction"] != "two-sided":
            raise TableError(
                f"comparison {number} of the planned file is one-sided, but a study that runs until decided tests both "
                "directions. Write `direction: two-sided`, or run without --until."
            )
        if margin is not None and entry["margin"] not in (None, margin):
            raise TableError(
                f"comparison {number} of the planned file has the margin {as_given(entry['margin'])}, but `margin` is "
                f"{as_given(margin)}. "
                "Give one of them."
            )


def _arms_of(entry: Mapping[str, Any], arms: Sequence[AnArm], *, number: int) -> list[str]:
    """The arms that an entry compares with the baseline: they differ from it in its factor alone."""
    base = dict(arms[0].factors)
    name = next((f for f in base if entry["factor"] in (f, f.rpartition(".")[2])), None)
    if name is None:
        raise TableError(
            f"comparison {number} of the planned file names {entry['factor']!r}, but the study varies "
            f"{', '.join(base)}."
        )
    reference, *levels = entry["levels"]
    if level_key(reference) != level_key(base[name]):
        raise TableError(
            f"comparison {number} of the planned file compares with {name} = {reference!r}, but a study that "
            f"runs until "
            f"decided compares with the baseline, {base[name]!r}. Name it first, or run without --until."
        )
    found = []
    for level in levels:
        wanted = {**base, name: level}
        mine = [
            arm.id
            for arm in arms[1:]
            if all(_same(_filled(arm.factors, base)[f], wanted[f]) for f in base)
        ]
        if not mine:
            raise TableError(
                f"comparison {number} of the planned file needs an arm with {name} = {level!r} that differs from the "
                "baseline in nothing else, but there is none. Use another design, as loco."
            )
        found += mine
    return found


def _filled(factors: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    return {name: base[name] if value is None else value for name, value in factors.items()}


def _same(a: Any, b: Any) -> bool:
    return (type(a) is bool) == (type(b) is bool) and bool(level_key(a) == level_key(b))
