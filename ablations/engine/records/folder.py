"""The study folder: where everything about a study lies, and how a result is committed once.

The layout is documented in `docs/study-folder.md`.
"""

import errno
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from dataclasses import replace as replace_fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ablations.engine.records.files import (
    PRIVATE_FOLDER,
    RESTORE,
    append_lines,
    damaged,
    read_record,
    replace,
    replace_lines,
    sync_folder,
    write_once,
)
from ablations.errors import StudyError
from ablations.plan import PlannedRun
from plain_files import study_records
from plain_files.outcome_list import Stamp
from plain_files.study_records import RecordError

UNUSABLE = "UnusableResult"
"""The type of the error of an attempt whose result cannot be used."""
LAYOUT = 1
DECLARED = ("study", "design", "seeds", "space", "metric", "fingerprint")
"""What `study.json` always holds (`ablations.studies.declaration`)."""
USUAL_METRIC = "val_loss"
USUAL_METRICS = ("train_loss", "val_loss", "val_accuracy")
"""What the runs of a study measure whose `study.json` does not say more."""
RESULT = "result.json"
CHECKPOINT = "checkpoint.ckpt"
LONGEST_NUMBER = 9
"""Digits of an attempt's number."""
PLAN_NAMES = frozenset(field.name for field in fields(PlannedRun))


RETRIED = "retried.json"
"""In a run's folder: the attempts whose failures count no more (`StudyFolder.try_again`)."""
SET_ASIDE = ".set-aside"
"""Behind the name of a file that could not be used."""


@dataclass(frozen=True)
class Outcomes:
    """The committed outcomes of runs, and those that cannot be used."""

    results: dict[str, dict[str, Any]]
    damaged: dict[str, str]
    """Run to what is wrong with its `result.json`."""


@dataclass(frozen=True)
class StudyFolder:
    """`runs/<study>/`; only the supervisor writes to it, outside the attempts' own folders."""

    path: Path

    @classmethod
    def create(cls, path: Path, study: dict[str, Any]) -> Self:
        """Make the folder of a new study.

        Args:
            path: The folder; parents are made.
            study: Content of `study.json`; `layout` and `created` are added.

        Raises:
            StudyError: There is a study in it already, or it cannot be written.
        """
        folder = cls(path.absolute())
        if folder.exists:
            raise StudyError(f"{path} already holds a study. Open it, or name another folder.")
        try:
            folder.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            folder.path.chmod(PRIVATE_FOLDER)
            folder.runs.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            replace(folder.study_file, {"layout": LAYOUT, "created": now(), **study})
        except OSError as error:
            raise cannot_write(folder.path, error) from error
        return folder

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The folder of a study that was created before.

        Raises:
            StudyError: There is none, or its layout is another version's.
        """
        folder = cls(Path(path).absolute())
        if not folder.exists:
            raise StudyError(f"{path} holds no study: there is no {folder.study_file.name} in it.")
        layout = folder.study().get("layout")
        if layout != LAYOUT:
            raise StudyError(
                f"`layout` of {folder.study_file} must be {LAYOUT}, but is {layout!r}. "
                "Use the version of this package that made the study."
            )
        return folder

    @property
    def exists(self) -> bool:
        """Whether a study has been created here."""
        return self.study_file.exists()

    @property
    def study_file(self) -> Path:
        """What the study is."""
        return self.path / "study.json"

    @property
    def plan_file(self) -> Path:
        """One planned run per line."""
        return self.path / "plan.jsonl"

    @property
    def events_file(self) -> Path:
        """What the supervisor did."""
        return self.path / "events.jsonl"

    @property
    def outcomes_file(self) -> Path:
        """What a status says of each outcome, beside the size and time of its result (`outcome_list`)."""
        return self.path / "outcomes.jsonl"

    @property
    def journal_file(self) -> Path:
        """Optuna's journal: an index, rebuilt from the records where it is missing."""
        return self.path / "journal.log"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor while it runs."""
        return self.path / "lock"

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.path / "runs"

    def run_folder(self, run: str) -> Path:
        """Where a run's checkpoint and attempts lie."""
        return self.runs / run

    def attempt_log(self, run: str, attempt: int) -> Path | None:
        """What an attempt printed; None where there is nothing."""
        path = self.attempt_folder(run, attempt) / "log.txt"
        return path if path.is_file() else None

    def attempt_folder(self, run: str, attempt: int) -> Path:
        """Where one attempt writes."""
        return self.runs / run / str(attempt)

    def study(self) -> dict[str, Any]:
        """Content of `study.json`."""
        content = read_record(self.study_file)
        if content is None:
            raise StudyError(f"{self.study_file} is missing. {RESTORE}")
        try:
            study_records.check_study(content)
        except RecordError as error:
            raise damaged(str(self.study_file), error) from None
        return content

    def declaration(self) -> dict[str, Any]:
        """The same, of a study that was declared over a space.

        Raises:
            StudyError: If something that every declaration has is not there.
        """
        content = self.study()
        missing = [name for name in DECLARED if name not in content]
        if missing:
            named = ", ".join(f"`{name}`" for name in missing)
            raise StudyError(f"{self.study_file} is damaged: it lacks {named}. {RESTORE}")
        return content

    def metric(self) -> str:
        """The number of a result that decides."""
        return str(self.study().get("metric", USUAL_METRIC))

    def metrics(self) -> tuple[str, ...]:
        """The numbers that a result has."""
        return tuple(self.study().get("metrics", USUAL_METRICS))

    @cached_property
    def _numbers(self) -> tuple[str, ...]:
        """The metrics, which stay what they are: read once, because every outcome is checked for them."""
        return self.metrics()

    def rewrite_study(self, study: dict[str, Any]) -> None:
        """Replace `study.json`, where a design was extended or a drift was allowed."""
        replace(self.study_file, study)

    def plan(self) -> list[PlannedRun]:
        """All planned runs, in the order they were planned; what cannot be read is left out (`remarks`)."""
        return [planned_run(line) for line in self.plan_lines().lines]

    def plan_lines(self, runs: Collection[str] | None = None) -> study_records.PlanFile:
        """The lines of the plan, of these runs only where some are given, and what is wrong with it."""
        found = study_records.read_plan(self.plan_file, runs=runs)
        lines, wrong = [], []
        for line in found.lines:
            if line.keys() == PLAN_NAMES:
                lines.append(line)
            else:
                missing, odd = sorted(PLAN_NAMES - line.keys()), sorted(line.keys() - PLAN_NAMES)
                what = f"lacks `{missing[0]}`" if missing else f"has the unknown `{odd[0]}`"
                wrong.append(f"run {line['run']}: it {what}")
        return replace_fields(found, lines=lines, damaged=[*found.damaged, *wrong])

    def mend_plan(self, found: study_records.PlanFile) -> study_records.PlanFile:
        """Rewrite a plan of which lines are damaged or stand twice, without them; the same where there are none.

        The old file is kept beside where a line could not be read.
        """
        if not found.damaged and not found.twice:
            return found
        if found.damaged:
            shutil.copyfile(self.plan_file, f"{self.plan_file}{SET_ASIDE}")
        replace_lines(self.plan_file, found.lines)
        return study_records.PlanFile(found.lines)

    def remarks(
        self,
        outcomes: Outcomes,
        plan: study_records.PlanFile,
        *,
        begun: Collection[str],
    ) -> list[str]:
        """What is wrong with the plan and the outcomes, a sentence each.

        Args:
            outcomes: Of the planned runs.
            plan: As it was read.
            begun: Runs that have a folder, and should have a line in the plan.
        """
        planned = {line["run"] for line in plan.lines}
        lost = study_records.unplanned(self.runs, planned, begun=begun)
        return study_records.remarks(plan, unplanned=lost, damaged=outcomes.damaged)

    def refuse_incomplete_plan(self) -> None:
        """Return if the plan has every run that has an outcome, and can be read.

        Raises:
            StudyError: If not: new seeds could be those of runs that it lacks.
        """
        if said := self.remarks(Outcomes({}, {}), self.plan_lines(), begun=self.begun()):
            raise StudyError(f"the plan of {self.path} is damaged. {' '.join(said)}")

    def refuse_links(self) -> None:
        """Return if every run's folder is one: a link could lead out of the study.

        Raises:
            StudyError: If not.
        """
        for entry in list(os.scandir(self.runs)):
            if entry.is_symlink():
                raise StudyError(
                    f"{entry.path} is a link, and what is written there would be written elsewhere. Put a copy of "
                    "what it names in its place."
                )

    def append_plan(self, planned: Sequence[PlannedRun]) -> None:
        """Add runs to the plan; they are on the disk when this returns."""
        append_lines(self.plan_file, (run.to_json() for run in planned), sync=True)

    def event(self, kind: str, **fields: Any) -> None:
        """Note what a view of the study has to say; a log, so it fails nothing, not even where the folder is gone."""
        with suppress(OSError):
            self.append_events([{"at": now(), "event": kind, **fields}])

    def append_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Note several events, each with its own time."""
        append_lines(self.events_file, events, sync=False)

    def result(self, run: str) -> dict[str, Any] | None:
        """The committed outcome of a run; None where there is none yet.

        Raises:
            StudyError: If it cannot be used.
        """
        return self.results([run]).get(run)

    def outcomes(self, runs: Iterable[str]) -> Outcomes:
        """The committed outcomes of those runs that have one, and those that cannot be used."""
        runs, numbers = list(runs), self._numbers
        begun = self.begun() if runs else ()
        results: dict[str, dict[str, Any]] = {}
        wrong: dict[str, str] = {}
        for run in runs:
            if run not in begun:
                continue
            try:
                found = study_records.read_result(self._at(run, RESULT), run=run, numbers=numbers)
            except RecordError as error:
                wrong[run] = str(error)
            else:
                if found is not None:
                    results[run] = found
        return Outcomes(results, wrong)

    def results(self, runs: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The committed outcomes of those runs that have one.

        Raises:
            StudyError: If one cannot be used; names all of them.
        """
        found = self.outcomes(runs)
        if found.damaged:
            raise StudyError(
                " ".join(
                    study_records.remarks(
                        study_records.PlanFile(), unplanned=(), damaged=found.damaged
                    )
                )
            )
        return found.results

    def begun(self) -> set[str]:
        """Runs that have a folder: at least one attempt was started."""
        return {entry.name for entry in os.scandir(self.runs)}

    def result_stamps(self, runs: Iterable[str]) -> Iterator[tuple[str, int, int]]:
        """The run, bytes, and nanoseconds since 1970 of each committed result."""
        for run in runs:
            try:
                told = os.stat(self._at(run, RESULT))
            except OSError:
                continue
            yield run, told.st_size, told.st_mtime_ns

    def plan_stamp(self) -> Stamp | None:
        """Size and time of the plan; None where there is none."""
        try:
            told = self.plan_file.stat()
        except FileNotFoundError:
            return None
        return Stamp(told.st_size, told.st_mtime_ns)

    def attempts(self, run: str) -> list[int]:
        """Numbers of the attempts that were started, ascending."""
        try:
            names = os.listdir(self._at(run))
        except FileNotFoundError:
            return []
        return sorted(
            int(name) for name in names if name.isdecimal() and len(name) < LONGEST_NUMBER
        )

    def attempt_result(self, run: str, attempt: int) -> dict[str, Any] | None:
        """What an attempt came to; None where it was lost or is still going on.

        A result that breaks the rules of its form is a failure of that attempt, of the type `UNUSABLE`.
        """
        path = self._at(run, str(attempt), RESULT)
        try:
            return study_records.read_result(path, run=run, attempt=attempt, numbers=self._numbers)
        except RecordError as error:
            why = {"type": UNUSABLE, "message": str(error)}
            return {"run": run, "attempt": attempt, "state": "FAILED", "error": why}

    def failures_count_from(self, run: str) -> int:
        """The first attempt whose failure counts; later ones were made after it was said to try again."""
        told = read_record(self._at(run, RETRIED))
        attempts = (told or {}).get("attempts", 0)
        return 1 + (attempts if isinstance(attempts, int) else 0)

    def try_again(self, run: str) -> None:
        """Take a run's outcome back, so that it is trained again; what its attempts wrote stays.

        An outcome that cannot be used is set aside beside it.
        """
        attempts = self.attempts(run)
        replace(Path(self._at(run, RETRIED)), {"at": now(), "attempts": max(attempts, default=0)})
        if self._is_damaged(run, self._at(run, RESULT)):
            # The attempt's file is the same one.
            for place in ((), *((str(number),) for number in attempts)):
                path = self._at(run, *place, RESULT)
                if os.path.lexists(path) and self._is_damaged(run, path):
                    os.replace(path, path + SET_ASIDE)
        else:
            Path(self._at(run, RESULT)).unlink(missing_ok=True)

    def _is_damaged(self, run: str, path: str) -> bool:
        try:
            study_records.read_result(path, run=run, numbers=self._numbers)
        except RecordError:
            return True
        return False

    def begin_attempt(self, run: str) -> int:
        """Make the folder of the next attempt and return its number: the fencing token.

        No two attempts share a number, because a folder can be made only once.
        """
        number = 1
        if not _make_folder(self._at(run)):
            number += max(self.attempts(run), default=0)
        while not _make_folder(self._at(run, str(number))):
            number += 1
        return number

    def end_attempt(self, run: str, attempt: int, result: dict[str, Any]) -> bool:
        """Record what an attempt came to, once; False where that had been recorded before."""
        return write_once(self.attempt_folder(run, attempt) / RESULT, result)

    def commit(self, outcomes: Sequence[tuple[str, int]]) -> list[str]:
        """Make attempts' results the outcomes of their runs, each once.

        When this returns the outcomes are on the disk.

        Args:
            outcomes: Run and number of the attempt whose result counts.

        Returns:
            The runs committed by this call; a run that had its outcome before is left out.
        """
        committed = [run for run, attempt in outcomes if self._link(run, attempt)]
        for run in committed:
            sync_folder(self._at(run))
        if committed:
            sync_folder(self.runs)
        return committed

    def tidy(self, run: str, *, keep_checkpoint: bool, interrupted: bool) -> None:
        """Delete what a run with an outcome leaves.

        Args:
            run: The run.
            keep_checkpoint: Keep its checkpoint.
            interrupted: Whether one of its attempts may have been killed while it wrote.
        """
        if not keep_checkpoint:
            Path(self._at(run, CHECKPOINT)).unlink(missing_ok=True)
        places = [(), *((str(number),) for number in self.attempts(run))] if interrupted else []
        for place in places:
            if os.path.islink(self._at(run, *place)):
                continue  # it could lead out of the study
            for name in os.listdir(self._at(run, *place)):
                if name.startswith("."):  # written beside, and killed before the rename
                    Path(self._at(run, *place, name)).unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Space left on the folder's disk."""
        return shutil.disk_usage(self.path).free

    def _at(self, *names: str) -> str:
        """A path under `runs/`. A string: a Path for each file took a quarter of the supervisor's time."""
        return "/".join((self._runs, *names))

    @cached_property
    def _runs(self) -> str:
        return str(self.runs)

    def _link(self, run: str, attempt: int) -> bool:
        try:
            os.link(self._at(run, str(attempt), RESULT), self._at(run, RESULT))
        except FileExistsError:
            return False
        return True


def planned_run(line: dict[str, Any]) -> PlannedRun:
    """A line of a plan as the run that it plans."""
    return PlannedRun(**line)


def _make_folder(path: str) -> bool:
    try:
        os.mkdir(path, PRIVATE_FOLDER)
    except FileExistsError:
        return False
    return True


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def cannot_write(path: Path, error: OSError) -> StudyError:
    """The sentence for a folder that refuses to be written to."""
    name = errno.errorcode.get(error.errno or 0, "OSError")
    if name == "ENOSPC" and _takes_no_more_files(path):
        return StudyError(
            f"cannot write to {path}: its disk has space but takes no more files ({name}: all inodes are used). Remove "
            "some files and give the same command again: nothing acknowledged is lost."
        )
    advice = {
        "ENOSPC": "Free some space and give the same command again: nothing acknowledged is lost.",
        "EDQUOT": "Free some of your quota and give the same command again.",
        "EROFS": "Name a folder that can be written to.",
        "EACCES": "Name a folder that you may write to.",
        "EPERM": "Name a folder that you may write to.",
    }.get(name, "Give the same command again once that is repaired.")
    return StudyError(f"cannot write to {path}: {error.strerror} ({name}). {advice}")


def _takes_no_more_files(path: Path) -> bool:
    around = next((one for one in (path, *path.parents) if one.exists()), path)
    try:
        disk = os.statvfs(around)
    except OSError:
        return False
    # Some file systems count no files, and say 0 of 0.
    return disk.f_files > 0 and disk.f_favail == 0
