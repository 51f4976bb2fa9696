"""Studies that run until a rule says that they are settled: what a rule is, and how one is written down and kept.

A rule is handed in by whoever composes running and statistics: `analysis.until_decided(margin=...,
max_seeds=...)`, or a function of your own in `Until`. Nothing here knows what it computes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from ablations.designs.expand import Expansion, PlannedArm, blocks
from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.until import LOOKS, Decide, Decision, Seen, UntilSettled
from ablations.errors import SettingError
from ablations.plan import Stage
from plain_files.stopping_rules import NUMBERS, RULE, changes_of


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

    def completed(
        self, declared: Mapping[str, Any], stored: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The rule with what has to be computed for it (`plain_files.stopping_rules.NUMBERS`).

        Args:
            declared: What `declared` says.
            stored: The rule as `study.json` has it, from which numbers that are sound may be taken.
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

    def completed(
        self, declared: Mapping[str, Any], stored: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The rule itself: nothing has to be computed for it."""
        del stored
        return dict(declared)


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


def declared_rule(
    rule: StoppingRule, arms: Sequence[PlannedArm], *, metric: str, direction: str, path: Path
) -> tuple[dict[str, Any], list[str]]:
    """The rule as it is written down, and what is to be said of the one that the study in `path` has.

    What was computed for it once is taken from there, but where it is damaged.
    """
    content = rule.declared(arms, metric=metric, direction=direction)
    started = (path / "study.json").exists()
    stored = StudyFolder.open(path).study().get(RULE) if started else None
    # Through JSON, as it is stored.
    made = json.loads(json.dumps(rule.completed(content, stored)))
    if stored is None or stored.get("hash") != made["hash"]:
        return made, []
    changed = [name for name in made if stored.get(name) != made[name] and name != NUMBERS[1]]
    return made, [
        f"`{name}` of the rule in study.json was not what was written down; it is again, and decides."
        for name in changed
    ]  # fmt: skip


def until_source(
    folder: StudyFolder,
    expansion: Expansion,
    rule: StoppingRule,
    *,
    design: str,
    seeds: Sequence[int],
    news: Sequence[str],
    budget_hours: float | None,
) -> UntilSettled:
    """The source of the runs of a study that was declared with a rule; it goes by the rule as it is stored.

    `news` is what is to be said before the first run.

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
        blocks(expansion.arms, seeds=seeds, stage=stage),
        decide=rule.decide,
        rule=study[RULE],
        metric=folder.metric(),
        looks=folder.path / LOOKS,
        changes=changes_of(study),
        news=news,
        budget_seconds=float("inf") if budget_hours is None else 3600 * budget_hours,
    )
