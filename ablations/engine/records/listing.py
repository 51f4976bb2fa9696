"""The list of outcomes: kept by the supervisor, and counted by a status as far as the folder still bears it out.

A hundred thousand results take ten seconds to open and a half to ask for their size and time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablations.engine.records.files import append_lines, replace_lines
from ablations.engine.records.folder import StudyFolder
from ablations.plan import PlannedRun
from plain_files.outcome_list import Listed, OutcomeList, Stamp, read_outcome_list

Pair = tuple[PlannedRun, Mapping[str, Any]]


@dataclass(frozen=True)
class Known:
    """What the list says that is still so."""

    outcomes: list[Listed]
    planned: int | None
    """Runs in the plan; None where the list is another plan's, and says nothing."""
    rest: set[str]
    """Runs that have a folder and are not among the outcomes."""


def known_outcomes(folder: StudyFolder) -> Known:
    """The outcomes that are listed and whose `result.json` is the one that was listed."""
    begun, listed = folder.begun(), read_outcome_list(folder.outcomes_file)
    if listed.plan is None or not _is_plan_of(folder, listed):
        return Known([], None, begun)
    outcomes = _borne_out(folder, listed, begun)
    return Known(outcomes, listed.plan["runs"], begun.difference(row.run for row in outcomes))


class Listing:
    """Keeps the list; not waited for, because what it lacks is read from the results."""

    def __init__(self, folder: StudyFolder) -> None:
        """Of a study whose lock is held."""
        self._folder, self._metric = folder, folder.metric()

    def renew(self, plan: Sequence[PlannedRun], results: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the list one of these outcomes, which are all that there are."""
        known = known_outcomes(self._folder)
        has = {row.run for row in known.outcomes}
        new = [(one, results[one.run]) for one in plan if one.run in results and one.run not in has]
        if known.planned == len(plan):
            self.add(new)
        else:
            rows = (*self._rows(new), *known.outcomes)
            replace_lines(self._folder.outcomes_file, (self._plan(len(plan)), *rows))

    def belongs_to(self, runs: int) -> None:
        """The plan has changed: it has so many runs now."""
        append_lines(self._folder.outcomes_file, [self._plan(runs)], sync=False)

    def add(self, ended: Iterable[Pair]) -> None:
        """Add outcomes that are committed."""
        if rows := self._rows(ended):
            append_lines(self._folder.outcomes_file, rows, sync=False)

    def _plan(self, runs: int) -> dict[str, Any]:
        stamp = self._folder.plan_stamp() or Stamp(0, 0)
        return {**stamp._asdict(), "runs": runs, "metric": self._metric}

    def _rows(self, ended: Iterable[Pair]) -> list[Listed]:
        pairs = {planned.run: (planned, result) for planned, result in ended}
        stamps = self._folder.result_stamps(pairs)
        return [self._row(*pairs[run], stamp) for run, stamp in stamps]

    def _row(self, planned: PlannedRun, result: Mapping[str, Any], stamp: Stamp) -> Listed:
        return Listed(
            run=planned.run,
            size=stamp.size,
            mtime_ns=stamp.mtime_ns,
            attempts=len(self._folder.attempts(planned.run)),
            state=result["state"],
            arm=planned.arm,
            label=planned.label,
            seed=planned.seed,
            stage=planned.stage,
            params=planned.cost.get("params"),
            value=result.get(self._metric),
            seconds=result.get("seconds"),
        )


def _is_plan_of(folder: StudyFolder, listed: OutcomeList) -> bool:
    plan, stamp = listed.plan or {}, folder.plan_stamp()
    return stamp == (plan["size"], plan["mtime_ns"]) and plan["metric"] == folder.metric()


def _borne_out(folder: StudyFolder, listed: OutcomeList, begun: set[str]) -> list[Listed]:
    rows = listed.outcomes
    stamps = folder.result_stamps(run for run in rows if run in begun)
    return [row for run, stamp in stamps if stamp == ((row := rows[run]).size, row.mtime_ns)]
