"""The study folder: where everything about a study lies, and how a result is committed once.

The layout is documented in `docs/study-folder.md`.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ablations.engine.records.files import (
    PRIVATE_FOLDER,
    RESTORE,
    append_lines,
    read_lines,
    read_record,
    replace,
    sync_folder,
    write_once,
)
from ablations.errors import StudyError
from ablations.plan import PlannedRun

LAYOUT = 1
DECLARED = ("study", "design", "seeds", "space", "metric", "fingerprint")
"""What `study.json` always holds (`ablations.studies.declaration`)."""
USUAL_METRIC = "val_loss"
USUAL_METRICS = ("train_loss", "val_loss", "val_accuracy")
"""What the runs of a study measure whose `study.json` does not say more."""
RESULT = "result.json"
CHECKPOINT = "checkpoint.ckpt"


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
    def open(cls, path: Path) -> Self:
        """The folder of a study that was created before.

        Raises:
            StudyError: There is none, or its layout is another version's.
        """
        folder = cls(path.absolute())
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

    def rewrite_study(self, study: dict[str, Any]) -> None:
        """Replace `study.json`, where a design was extended or a drift was allowed."""
        replace(self.study_file, study)

    def plan(self) -> list[PlannedRun]:
        """All planned runs, in the order they were planned."""
        try:
            return [PlannedRun(**record) for record in read_lines(self.plan_file)]
        except TypeError as error:
            problem = str(error).removeprefix("PlannedRun.__init__() ")
            raise StudyError(f"{self.plan_file} is damaged: a line {problem}. {RESTORE}") from None

    def append_plan(self, planned: Sequence[PlannedRun]) -> None:
        """Add runs to the plan; they are on the disk when this returns."""
        append_lines(self.plan_file, (run.to_json() for run in planned), sync=True)

    def event(self, kind: str, **fields: Any) -> None:
        """Note what the supervisor did; a log, so not waited for."""
        self.append_events([{"at": now(), "event": kind, **fields}])

    def append_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Note several events, each with its own time."""
        append_lines(self.events_file, events, sync=False)

    def result(self, run: str) -> dict[str, Any] | None:
        """The committed outcome of a run; None where there is none yet."""
        return self._read_result(run, RESULT)

    def results(self, runs: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The committed outcomes of those runs that have one."""
        begun = self.begun()
        found = ((run, self.result(run)) for run in runs if run in begun)
        return {run: result for run, result in found if result is not None}

    def begun(self) -> set[str]:
        """Runs that have a folder: at least one attempt was started."""
        return {entry.name for entry in os.scandir(self.runs)}

    def attempts(self, run: str) -> list[int]:
        """Numbers of the attempts that were started, ascending."""
        try:
            names = os.listdir(self._at(run))
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if name.isdecimal())

    def attempt_result(self, run: str, attempt: int) -> dict[str, Any] | None:
        """What an attempt came to; None where it was lost or is still going on."""
        return self._read_result(run, str(attempt), RESULT)

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
            for name in os.listdir(self._at(run, *place)):
                if name.startswith("."):  # written beside, and killed before the rename
                    Path(self._at(run, *place, name)).unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Space left on the folder's disk."""
        return shutil.disk_usage(self.path).free

    def _at(self, *names: str) -> str:
        """A path under `runs/`. A string: a Path for each file took a quarter of the supervisor's time."""
        return "/".join((str(self.path), "runs", *names))

    def _read_result(self, run: str, *names: str) -> dict[str, Any] | None:
        repair = f"{RESTORE[:-1]}, or delete {self._at(run)}: the run is then trained again."
        result = read_record(self._at(run, *names), repair=repair)
        if result is not None and "state" not in result:
            raise StudyError(f"{self._at(run, *names)} is damaged: it lacks `state`. {repair}")
        return result

    def _link(self, run: str, attempt: int) -> bool:
        try:
            os.link(self._at(run, str(attempt), RESULT), self._at(run, RESULT))
        except FileExistsError:
            return False
        return True


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
    advice = {
        "ENOSPC": "Free some space and give the same command again: nothing acknowledged is lost.",
        "EDQUOT": "Free some of your quota and give the same command again.",
        "EROFS": "Name a folder that can be written to.",
        "EACCES": "Name a folder that you may write to.",
        "EPERM": "Name a folder that you may write to.",
    }.get(name, "Give the same command again once that is repaired.")
    return StudyError(f"cannot write to {path}: {error.strerror} ({name}). {advice}")
