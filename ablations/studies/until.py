"""Studies that run until a rule says that they are settled: what a rule is, and how one is written down and kept.

A rule is handed in by whoever composes running and statistics: `analysis.until_decided(margin=...,
max_seeds=...)`, or a function of your own in `Until`. Nothing here knows what it computes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ablations.designs.expand import Expansion, PlannedArm, planned_run
from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.until import LOOKS, Decide, Decision, Seen, UntilSettled
from ablations.errors import SettingError, StudyError
from ablations.plan import Stage

STORED = "until"
"""The key of `study.json` that holds the rule."""
NUMBERS = ("boundaries",)
"""What follows from a rule, and so is not compared."""


class StoppingRule(Protocol):
    """Says after each seed block which arms need no more seeds."""

    @property
    def max_seeds(self) -> int:
        """Seeds after which the study ends."""

    def declared(
        self, arms: Sequence[PlannedArm], *, metric: str, direction: str
    ) -> dict[str, Any]:
        """What is written down before the first run, as plain values: `until`, `first_look`, `max_seeds`, `hash`, ...

        Args:
            arms: Of the study, the baseline first.
            metric: The number that decides.
            direction: Which way it is better.

        Raises:
            ValueError: If the rule does not fit the arms; says what to do.
        """

    def decide(self, seen: Seen) -> Mapping[str, Decision]:
        """What this look says of the open arms, from what it is told alone."""


@dataclass(frozen=True, kw_only=True)
class Until:
    """A stopping rule of your own.

    The function is told a look (`Seen`: `seeds`, `values`, `settled`, `rule`) and says of each open arm that
    is to get no more seeds `{"settled": True, "verdict": "...", "says": "..."}`. What it guarantees is yours to know.
    """

    decide: Decide
    max_seeds: int
    first_look: int = 2
    name: str = "own"

    def __post_init__(self) -> None:
        """Refuse a rule that would never look."""
        if not 1 <= self.first_look <= self.max_seeds:
            raise SettingError(
                f"`1 <= first_look <= max_seeds` must hold, but got {self.first_look} and {self.max_seeds}."
            )

    def declared(
        self, arms: Sequence[PlannedArm], *, metric: str, direction: str
    ) -> dict[str, Any]:
        """What is written down: the numbers, and the function's name."""
        module, name = (
            getattr(self.decide, "__module__", ""),
            getattr(self.decide, "__qualname__", type(self.decide).__name__),
        )
        content = {
            "until": self.name,
            "function": f"{module}:{name}",
            "metric": metric,
            "direction": direction,
            "first_look": self.first_look,
            "max_seeds": self.max_seeds,
            "baseline": arms[0].id,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return {**content, "hash": hashlib.sha256(text.encode()).hexdigest()}


def refuse_unsuitable(
    *,
    design: str,
    seeds: int | None,
    extend: bool,
    retry: Sequence[str],
    budget_hours: float | None,
) -> None:
    """Refuse what a study that runs until it is settled cannot be asked for as well.

    Raises:
        SettingError: A search, a number of seeds, an extension, runs to try again, or a budget of nothing.
    """
    if design == "search":
        raise SettingError(
            "`until` settles comparisons that were fixed before the first run, but a search proposes as it "
            "goes. Search "
            "first, then run its winner with --around STUDY --design loco --until decided."
        )
    if seeds is not None:
        raise SettingError(
            f"`seeds` is {seeds}, but a study with `until` has as many as its rule asks for. Give `max_seeds` instead."
        )
    if extend:
        raise SettingError(
            "`extend` adds to a study what its rule did not know of. Start another study with `until`."
        )
    if retry:
        raise SettingError(
            "`retry` would change what a look has read, and a study with `until` decides each look once. "
            "Start another study."
        )
    if budget_hours is not None and not 0 < budget_hours < float("inf"):
        raise SettingError(f"`budget_hours > 0` must hold, but got {budget_hours!r}.")


def refuse_another_rule(stored: Mapping[str, Any], asked: Mapping[str, Any], where: str) -> None:
    """Refuse to go on with another rule than the study was started with.

    Args:
        stored: Content of `study.json`.
        asked: What is asked for now.
        where: The study's folder, for the error.

    Raises:
        StudyError: If so.
    """
    was, now = stored.get(STORED), asked.get(STORED)
    if was is None and now is None:
        return
    if was is None:
        raise StudyError(
            f"the study in {where} was started without a rule for when to stop; written down after its runs, a rule "
            "would promise what it cannot hold. Name another study with --study."
        )
    if now is None:
        raise StudyError(
            f"the study in {where} was started with --until {was.get('until')} (at most {was.get('max_seeds')} seeds) "
            "and goes on by its rule. Give the same options, or name another study with --study."
        )
    if was.get("hash") == now.get("hash"):
        return
    old, new = _shown(was), _shown(now)
    changed = [
        f"  {name}: {old.get(name, 'absent')} -> {new.get(name, 'absent')}"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]
    raise StudyError(
        f"the rule for when to stop must be the one that the study in {where} was started with, but it differs:\n"
        + "\n".join(changed)
        + "\nGive the same options, or name another study with --study."
    )


def _shown(rule: Mapping[str, Any]) -> dict[str, Any]:
    """What tells two rules apart, a line each: of a comparison its margin."""
    entries = {
        f"margin of {entry.get('label')}": entry.get("margin")
        for entry in rule.get("comparisons", ())
    }
    hidden = (*NUMBERS, "hash", "comparisons")
    return {name: value for name, value in rule.items() if name not in hidden} | entries


def until_source(
    folder: StudyFolder,
    expansion: Expansion,
    rule: StoppingRule,
    *,
    design: str,
    seeds: Sequence[int],
    budget_hours: float | None,
) -> UntilSettled:
    """The source of the runs of a study that was declared with a rule; it goes by the rule as it is stored.

    Raises:
        SettingError: If the space has the baseline alone.
    """
    if len(expansion.arms) < 2:
        raise SettingError(
            "`until` needs an arm to compare with the baseline, but the space has the baseline alone. Add a level or a "
            "control."
        )
    stage = cast(Stage, design)
    study = folder.study()
    return UntilSettled(
        [[planned_run(arm, seed=seed, stage=stage) for arm in expansion.arms] for seed in seeds],
        decide=rule.decide,
        rule=study[STORED],
        metric=folder.metric(),
        looks=folder.path / LOOKS,
        budget_seconds=float("inf") if budget_hours is None else 3600 * budget_hours,
    )
