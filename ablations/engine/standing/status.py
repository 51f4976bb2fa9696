"""How a study stands, read from its folder alone: while it runs, and after."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ablations.engine.records.folder import StudyFolder, planned_run
from ablations.engine.records.listing import known_outcomes
from ablations.engine.records.lock import holder
from ablations.engine.standing.tally import Best, Tally
from ablations.plan import PlannedRun
from plain_files.outcome_list import Listed
from plain_files.shown import in_html, in_line
from plain_files.stopping_rules import change_sentences, changes_of
from plain_files.study_records import (
    RecordError,
    error_text,
    lines_since,
    parse_object,
    read_epochs,
)

STARTED = (b'"event":"study_started"', b'"event": "study_started"')
"""In the line with which a supervisor begins its events."""
OF_RUN = re.compile(rb'"run": ?"([A-Za-z0-9_.-]+)"')
"""In a line of the events: which run it is of, so that only those that are asked for are read."""
MOST_KINDS = 5
"""People are shown so many failures or kinds of them, and the number of the others."""
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Running:
    """A run that has begun and has no outcome."""

    run: str
    label: str
    seed: int
    attempt: int
    epoch: int
    epochs: int
    slot: str | None
    """None where no supervisor runs the study."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A run that failed."""

    run: str
    label: str
    seed: int
    error: str
    log: str | None
    """The file of what it printed last."""


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """How a study stands."""

    study: str
    supervisor: dict[str, Any] | None
    """`pid`, `host`, `since` of who runs it; None where nobody does."""
    planned: int
    complete: int
    pruned: int
    failed: int
    running: tuple[Running, ...]
    interrupted: int
    """Begun, without outcome, and nobody runs the study: they go on from their checkpoints."""
    waiting: int
    attempts: int
    metric: str
    best: Best | None
    slots: int
    seconds_left: float | None
    failures: tuple[Failure, ...]
    damaged: int = 0
    """Runs whose outcome cannot be used."""
    exploratory: tuple[str, ...] = ()
    """How its rule for when to stop was changed, a sentence each."""
    remarks: tuple[str, ...] = ()
    """What is wrong with the records and was left out, a sentence each."""

    @property
    def ended(self) -> int:
        """Runs with an outcome."""
        return self.complete + self.pruned + self.failed

    def failure_kinds(self) -> list[list[Failure]]:
        """The failures by what went wrong, numbers in it apart; one at a time where they are few."""
        if len(self.failures) <= MOST_KINDS:
            return [[failure] for failure in self.failures]
        kinds: dict[str, list[Failure]] = {}
        for failure in self.failures:
            kinds.setdefault(DIGITS.sub("0", failure.error), []).append(failure)
        return list(kinds.values())

    def __repr__(self) -> str:
        """In a line: runs by state."""
        return in_line("StudyStatus", self.study, *self._counts())

    def _repr_html_(self) -> str:
        lines = [", ".join(self._counts()), *self.exploratory]
        for one, *others in self.failure_kinds()[:MOST_KINDS]:
            more = f" (and {len(others):,} more like it)" if others else ""
            lines.append(f"failed: {one.label}, seed {one.seed}: {one.error}{more}")
        rows = [(one.label, one.seed, f"{one.epoch}/{one.epochs}") for one in self.running]
        head = ("running", "seed", "epoch") if rows else ()
        return in_html(self.study, lines, head=head, rows=rows)

    def _counts(self) -> list[str]:
        counts = {"complete": self.complete, "pruned": self.pruned, "failed": self.failed,
                  "running": len(self.running), "interrupted": self.interrupted, "waiting": self.waiting}  # fmt: skip
        return [f"{self.planned} runs"] + [f"{n} {state}" for state, n in counts.items() if n]

    def to_json(self) -> dict[str, Any]:
        """The status as plain values, for scripts."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


def status(folder: StudyFolder) -> StudyStatus:
    """Read how a study stands. Locks nothing and writes nothing.

    Outcomes whose files are those that the supervisor listed are taken from its list; every other one is read.
    """
    study, who, known = folder.study(), holder(folder.lock_file), known_outcomes(folder)
    lines = folder.plan_lines(None if known.planned is None else known.rest)
    plan = [planned_run(line) for line in lines.lines]
    total = len(plan) if known.planned is None else known.planned
    tally = Tally.of(study)
    for row in known.outcomes:
        tally.add_listed(row)
    found = folder.outcomes(planned.run for planned in plan)
    for planned in plan:
        if planned.run in found.results:
            tally.add(planned, found.results[planned.run])
    unfinished = [
        planned
        for planned in plan
        if planned.run in known.rest
        and planned.run not in found.results
        and planned.run not in found.damaged
    ]
    slots, on = _last_session(folder, {planned.run for planned in unfinished})
    begun = [_running(folder, planned, on) for planned in unfinished]
    running = [run for run in begun if who is not None and run.slot is not None]
    done = sum(run.epoch / run.epochs for run in begun if run.epochs)
    attempts = sum(len(folder.attempts(run)) for run in known.rest)
    return StudyStatus(
        study=study.get("study", folder.path.name),
        supervisor=who,
        planned=total,
        complete=tally.states["COMPLETE"],
        pruned=tally.states["PRUNED"],
        failed=tally.states["FAILED"],
        running=tuple(running),
        interrupted=len(begun) - len(running),
        waiting=total - tally.ended - len(found.damaged) - len(begun),
        attempts=attempts + sum(row.attempts for row in known.outcomes),
        metric=tally.metric,
        best=tally.best(),
        slots=slots,
        seconds_left=tally.seconds_left(total=total, slots=slots, begun=done),
        failures=tuple(_failures(folder, known.outcomes, plan, found.results)),
        damaged=len(found.damaged),
        exploratory=tuple(change_sentences(changes_of(study))),
        remarks=tuple(folder.remarks(found, lines, begun=known.rest)),
    )


def _last_session(folder: StudyFolder, runs: Collection[str]) -> tuple[int, dict[str, str]]:
    """Slots of the last supervisor, and on which slot it has each of these runs that is going on."""
    lines = lines_since(folder.events_file, STARTED)
    slots = 0
    on: dict[str, str] = {}
    for line in lines if runs else lines[:1]:
        told = OF_RUN.search(line)
        if told is not None and told[1].decode() not in runs:
            continue
        try:
            event = parse_object(line)
        except RecordError:
            continue  # of a log, which nothing depends on
        match event.get("event"):
            case "study_started":
                slots, on = len(event.get("slots") or ()), {}
            case "run_started" | "run_adopted":
                on[str(event.get("run"))] = str(event.get("slot"))
            case "run_ended" | "run_lost" | "run_handed_back" | "run_left":
                on.pop(str(event.get("run")), None)
    return slots, on


def _running(folder: StudyFolder, planned: PlannedRun, on: dict[str, str]) -> Running:
    attempts = folder.attempts(planned.run)
    epochs = [_last_epoch(folder, planned.run, attempt) for attempt in attempts]
    return Running(
        run=planned.run,
        label=planned.label,
        seed=planned.seed,
        attempt=attempts[-1] if attempts else 0,
        epoch=max(epochs, default=0),
        epochs=planned.epochs_planned,
        slot=on.get(planned.run),
    )


def _last_epoch(folder: StudyFolder, run: str, attempt: int) -> int:
    records, _ = read_epochs(folder.attempt_folder(run, attempt) / "epochs.jsonl")
    return int(records[-1]["epoch"]) if records else 0


def _failures(
    folder: StudyFolder,
    listed: Iterable[Listed],
    plan: Iterable[PlannedRun],
    results: Mapping[str, dict[str, Any]],
) -> Iterator[Failure]:
    """The runs that failed: the list has no errors, so their results are read."""
    failed = [row for row in listed if row.state == "FAILED"]
    found = {**folder.outcomes(row.run for row in failed).results, **results}
    runs: list[PlannedRun | Listed] = [*failed, *plan]
    for run in runs:
        if run.run in found and found[run.run]["state"] == "FAILED":
            yield _failure(folder, run, found[run.run])


def _failure(folder: StudyFolder, planned: PlannedRun | Listed, result: dict[str, Any]) -> Failure:
    log = folder.attempt_log(planned.run, result["attempt"])
    return Failure(
        run=planned.run,
        label=planned.label,
        seed=planned.seed,
        error=error_text(result.get("error")) or "it says nothing",
        log=None if log is None else str(log),
    )
