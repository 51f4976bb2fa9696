"""A plan that grows seed block by seed block where a question is still open, and ends when all are settled.

What is settled is said by a function that is handed in; the source knows no statistics. After each whole seed block
there is a look: the function is told the values of the open arms and of the baseline, and says which arms are settled.
A settled arm gets no further seeds; the baseline goes on while any arm is open. A look is a function of the values
in it alone and not of when they came, so that a study that was killed comes to the same decisions. Each look is
recorded (`looks.jsonl`) before anything follows from it; where the study starts again it is made again and compared,
by the rule of its time where the rule was changed since.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.engine.records.files import append_lines, read_lines
from ablations.engine.sources.source import Result
from ablations.errors import SettingError, StudyError
from ablations.plan import PlannedRun
from plain_files.look_records import SeedRows, alike
from plain_files.stopping_rules import (
    change_sentences,
    is_exploratory,
    rule_of_look,
    why_exploratory,
)

Decision = Mapping[str, Any]
"""What a look says of an arm, as plain values. `settled`, and if it is so `verdict`, in one word, and `says`,
a sentence; where it is not, `progress`, a sentence to be said at this look; whatever else a rule wants to have
in the record."""
LOOKS = "looks.jsonl"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a look is told."""

    seeds: int
    """Whole seed blocks that are in."""
    values: Mapping[str, Sequence[float | None]]
    """Arm -> its metric seed by seed, of the baseline and of every arm that is open; None where a run failed."""
    settled: Mapping[str, Decision]
    """Arm -> what settled it at an earlier look."""
    rule: Mapping[str, Any]
    """What the rule declared."""


Decide = Callable[[Seen], Mapping[str, Decision]]
"""A stopping rule: what a look says of the open arms. It must give the same answer whenever it is asked."""


class UntilSettled:
    """The runs of a design, given out as far as they are needed."""

    def __init__(
        self,
        blocks: Sequence[Sequence[PlannedRun]],
        *,
        decide: Decide,
        rule: Mapping[str, Any],
        metric: str,
        looks: Path,
        changes: Sequence[Mapping[str, Any]] = (),
        news: Sequence[str] = (),
        budget_seconds: float = math.inf,
    ) -> None:
        """Prepare the blocks; none is given out yet.

        Args:
            blocks: The runs of each seed, the baseline's first, all arms in the same order. As many as there may be.
            decide: The stopping rule.
            rule: What was declared of it: `first_look`, and whatever it reads itself. With `comparisons`, a list of
                entries with an `arm`, the other arms run until the first look and are not asked about.
            metric: The number that decides.
            looks: Where the looks are recorded.
            changes: How the rule was changed since the study was started (`plain_files.stopping_rules`).
            news: What was found before the first run of this start.
            budget_seconds: No block is begun once the runs of the blocks before have taken so long.
        """
        self._blocks, self._decide, self._rule = blocks, decide, rule
        self._metric, self._path, self._budget = metric, looks, budget_seconds
        self._changes, self._early = changes, list(news)
        self._first = int(rule["first_look"])
        self._baseline = blocks[0][0].arm
        asked = {entry["arm"] for entry in rule.get("comparisons", ())}
        arms = [run.arm for run in blocks[0][1:]]
        self._open = [arm for arm in arms if arm in asked or not asked]
        self._beside = [arm for arm in arms if arm not in self._open]
        self._labels = {run.arm: run.label for run in blocks[0]}
        self._index = {run.run: k for k, block in enumerate(blocks) for run in block}
        self._rows = SeedRows(dict.fromkeys((self._baseline, *arms), ()))
        self._ahead: dict[tuple[str, int], float | None] = {}
        """By arm and block: of runs that ended before one of an earlier seed."""
        self._seconds = [0.0] * len(blocks)
        self._settled: dict[str, Decision] = {}
        self._last: dict[str, Decision] = {}
        self._looked = 0
        """Seeds of the last look."""
        self._made = 0
        """Blocks of which runs were put in line."""
        self._waiting: deque[PlannedRun] = deque()
        self._out: set[str] = set()
        self._planned: set[str] = set()
        self._done: set[str] = set()
        self._recorded: dict[int, dict[str, Any]] = {}
        self._news: list[str] = []
        self._why = ""

    @property
    def total(self) -> int:
        """Runs that were given out or are in line; nobody knows how many will follow."""
        in_line = {run.run for run in self._waiting if self._is_wanted(run)}
        return len(self._planned | in_line)

    @property
    def asks(self) -> bool:
        """Never: a pruned run would bias its comparison."""
        return False

    def resume(self, plan: Sequence[PlannedRun], results: Mapping[str, Result]) -> list[PlannedRun]:
        """Make every look again that the records allow, and go on with what was begun.

        Returns:
            The blocks that the first look needs: they are run whatever comes, and hold every arm.

        Raises:
            StudyError: If a look on the disk read or decided something else than it would now.
        """
        self._recorded = {int(line["seeds"]): line for line in read_lines(self._path)}
        self._planned = {run.run for run in plan}
        certain = [run for block in self._blocks[: self._first] for run in block]
        new = [run for run in certain if run.run not in self._planned]
        self._planned |= {run.run for run in new}
        self._made = self._first
        for run in plan:
            self._made = max(self._made, self._index.get(run.run, -1) + 1)
            if run.run in results:
                self._take(run, results[run.run])
        self._look()
        if missing := [n for n in self._recorded if n > self._looked]:
            raise StudyError(
                f"{self._path} has a look at {missing[0]} seeds, but the results that it read are not all there. "
                "Restore them from a copy, or start another study."
            )
        # A block may have been begun and not all of it planned: a run is planned when it is started.
        begun = [run for block in self._blocks[: self._made] for run in block]
        others = [run for run in plan if run.run not in self._index]
        self._waiting.extend(run for run in (*begun, *others) if run.run not in results)
        self._news = [*self._early]
        return new

    def next(self) -> PlannedRun | None:
        """A run of the block that the next look needs; of the one after it where a place would be idle."""
        while self._waiting or self._may_begin():
            if not self._waiting:
                self._begin(self._made)
                continue
            run = self._waiting.popleft()
            if self._is_wanted(run):
                self._out.add(run.run)
                self._planned.add(run.run)
                return run
        return None

    def epoch(self, planned: PlannedRun, record: Mapping[str, Any]) -> bool:
        """Go on."""
        del planned, record
        return False

    def ended(self, planned: PlannedRun, result: Result) -> None:
        """Take note of an outcome, and look where it completes a block."""
        self._out.discard(planned.run)
        self._take(planned, result)
        self._look()

    @property
    def finished(self) -> bool:
        """Whether all is settled, or all seeds are in, and no run is out."""
        return bool(self._why) and not self._out and not self._wanted()

    @property
    def remark(self) -> str:
        """What is settled after how many seeds, and what is still open."""
        if not self._why:
            return ""
        count = len(self._settled) + len(self._open)
        seeds = f"{self._looked} seed{'s' * (self._looked != 1)}"
        left = [self._said(arm, self._last.get(arm, {}), "open") for arm in self._open]
        # A rule that says the same of all arms, as of how well r* is known, settles no comparisons.
        one = (
            count > 1
            and len(self._last) == count
            and len({*map(_sentence, self._last.values())}) == 1
        )
        text = (
            f"{self._why}."
            if one
            else f"{self._why}: {len(self._settled)} of {count} comparisons are settled after {seeds}."
        )
        said = [*map(_sentence, self._last.values())] if one else left
        said += change_sentences(self._changes)
        return " ".join([text, *(f"{each.rstrip('.')}." for each in dict.fromkeys(said))])

    def news(self) -> list[str]:
        """What was settled since the last call, a sentence each."""
        said, self._news = self._news, []
        return said

    def _said(self, arm: str, decision: Decision, otherwise: str) -> str:
        text = str(decision.get("says") or f"{self._labels[arm]}: {otherwise}")
        if not is_exploratory(self._changes, seeds=self._looked):
            return text
        return f"Exploratory ({why_exploratory(self._changes)}): {text}"

    def _may_begin(self) -> bool:
        """Whether another block may be begun: one ahead at most, since what is begun is finished, needed or not."""
        ahead = max(self._first, self._looked + 1) + 1
        return not self._why and bool(self._open) and self._made < min(ahead, len(self._blocks))

    def _begin(self, block: int) -> None:
        arms = {self._baseline, *self._open, *(self._beside if block < self._first else ())}
        self._waiting.extend(
            run
            for run in self._blocks[block]
            if run.arm in arms and run.run not in self._done and run.run not in self._out
        )
        self._made = block + 1

    def _is_wanted(self, run: PlannedRun) -> bool:
        """Whether it was begun before, or is still needed now that it is its turn."""
        if run.run in self._planned:
            return True
        if run.arm in self._beside:
            return self._index[run.run] < self._first
        return not self._why and (run.arm == self._baseline or run.arm in self._open)

    def _wanted(self) -> bool:
        return any(self._is_wanted(run) for run in self._waiting)

    def _take(self, run: PlannedRun, result: Result) -> None:
        block = self._index.get(run.run)
        self._done.add(run.run)
        if block is None:
            return
        value = result.get(self._metric) if result["state"] == "COMPLETE" else None
        usable = isinstance(value, int | float) and math.isfinite(value)
        self._ahead[run.arm, block] = float(value) if usable and value is not None else None
        while (at := (run.arm, self._rows.seeds([run.arm]))) in self._ahead:
            self._rows.append(run.arm, self._ahead.pop(at))
        self._seconds[block] += float(result.get("seconds") or 0.0)

    def _look(self) -> None:
        """Every look whose block is whole."""
        while not self._why and self._open:
            seeds = max(self._first, self._looked + 1)
            needed = [self._baseline, *self._open]
            if self._rows.seeds(needed) < seeds:
                return
            self._look_at(seeds, needed)
            if not self._open:
                self._why = "All is settled"
            elif seeds == len(self._blocks):
                self._why = f"All {seeds} seeds are in"
            elif sum(self._seconds[:seeds]) >= self._budget:
                self._why = "The budget is spent"

    def _look_at(self, seeds: int, needed: Sequence[str]) -> None:
        values = self._rows.first(seeds, needed)
        rule = rule_of_look(self._rule, self._changes, seeds=seeds)
        seen = Seen(seeds=seeds, values=values, settled=dict(self._settled), rule=rule)
        told = {arm: dict(one) for arm, one in self._decide(seen).items() if arm in self._open}
        for one in told.values():
            if not isinstance(one.get("settled"), bool):
                raise SettingError(
                    "a stopping rule must say `settled`, true or false, of each arm that it speaks of, but said "
                    f"{one!r}."
                )
        record = {"seeds": seeds, "read": self._rows.fingerprint(seeds, needed), "decided": told}
        self._record(record)
        self._looked, self._last = seeds, dict(told)
        news = []
        for arm in [arm for arm in self._open if told.get(arm, {}).get("settled")]:
            self._settled[arm] = told[arm]
            self._open.remove(arm)
            news.append(self._said(arm, told[arm], "settled"))
        news += [str(one["progress"]) for one in told.values() if one.get("progress")]
        # A rule may say the same of all arms.
        self._news += dict.fromkeys(news)

    def _record(self, record: dict[str, Any]) -> None:
        """Write the look down, or compare it with what was written down before."""
        seeds = record["seeds"]
        before = self._recorded.get(seeds)
        if before is None:
            append_lines(self._path, [record], sync=True)
            self._recorded[seeds] = record
        elif before["read"] != record["read"]:
            raise StudyError(
                f"the look at {seeds} seeds in {self._path} read other values than the results have now. Restore them "
                "from a copy, or start another study: what was decided on them does not hold."
            )
        elif not alike(before["decided"], record["decided"]):
            raise StudyError(
                f"the look at {seeds} seeds in {self._path} decided something else than the rule does now on the same "
                "values. Use the version of the rule that made the study, or start another study."
            )


def _sentence(decision: Decision) -> str:
    return str(decision.get("says") or "")
