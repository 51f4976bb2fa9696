"""W&B's files written from the records: what a crash, an outage or a slow server left out.

The records are the truth and W&B is a view of them, so a W&B run that differs from its records is thrown
away and written again.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from ablations.engine.records.folder import USUAL_METRICS, StudyFolder
from ablations.engine.records.lock import holder
from ablations.errors import StudyError
from ablations.tracking.wandb.pipe import COMMAND, Pipe
from ablations.tracking.wandb.records import (
    attempts,
    committed_results,
    read_attempt,
    recorded_epochs,
)
from ablations.tracking.wandb.report_files import read_report
from ablations.tracking.wandb.view import (
    RunEnd,
    RunView,
    view_epoch,
    view_lost,
    view_progress,
    view_result,
    view_run,
    view_study,
)

WITHOUT_RESULT = frozenset({"LOST", "HANDED_BACK"})


class OnDisk(Protocol):
    """One of W&B's files as it was read back (`analysis.tables.formats.wandb_file.OfflineRun`)."""

    path: Path
    id: str
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    exit_code: int | None


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What W&B should have of one run."""

    view: RunView
    rows: list[dict[str, float]]
    end: RunEnd
    started: str | None = None
    report: Mapping[str, Any] | None = None

    @property
    def counter(self) -> str:
        """What counts the rows."""
        return "runs/ended" if self.view.job_type == "study" else "epoch"

    def ends_as(self, summary: Mapping[str, Any]) -> bool:
        """Whether a summary is that of this run's end."""
        wanted = self.end.summary
        if wanted.get("state") in WITHOUT_RESULT:
            # The records know no more than that there is no result.
            return summary.get("state") in WITHOUT_RESULT
        return all(summary.get(key) == value for key, value in wanted.items())

    def messages(self) -> Iterator[dict[str, Any]]:
        """The run, as `ablations.tracking.wandb.process` is told about it."""
        id = self.view.id
        yield {"do": "start", "run": asdict(self.view), "started": self.started}
        for row in self.rows:
            yield {"do": "log", "id": id, "row": row}
        if self.report is not None:
            yield {"do": "report", "id": id, "report": self.report}
        yield {"do": "end", "id": id, "end": asdict(self.end)}


def rebuild(
    folder: Path,
    *,
    on_disk: Iterable[OnDisk] = (),
    project: str = "ablations",
    seconds: float = 3600.0,
    command: Sequence[str] = COMMAND,
) -> list[str]:
    """Write again what W&B's files lack, and return the ids of the W&B runs that were written.

    A second call changes nothing.

    Args:
        folder: The study's folder.
        on_disk: W&B's files that are there; without them everything is written.
        project: W&B's project.
        seconds: How long it may take.
        command: As for `WandbTracker`.

    Raises:
        StudyError: If the folder holds no study, the study is running, or W&B's process failed.
    """
    study = StudyFolder.open(folder).study()
    if holder(folder / "lock") is not None:
        raise StudyError(
            f"study {study['study']!r} is running, and its files in {folder / 'wandb'} with it. "
            "Sync it when it has ended, or run it with `--wandb online`."
        )
    files: dict[str, list[OnDisk]] = {}
    for file in on_disk:
        files.setdefault(file.id, []).append(file)
    missing, replaced = [], []
    for expected in expected_runs(folder, study):
        there = files.get(expected.view.id, [])
        if len(there) == 1 and _agrees(there[0], expected):
            continue
        missing.append(expected)
        replaced += [file.path for file in there]
    if missing:
        with _set_aside(replaced):
            _write(folder, missing, project, seconds, command)
    return [expected.view.id for expected in missing]


def expected_runs(folder: Path, study: Mapping[str, Any]) -> Iterator[Expected]:
    """Everything that W&B should have of a study that is not running: each attempt, and the study."""
    metrics = tuple(study.get("metrics") or USUAL_METRICS)
    for planned in StudyFolder(folder).plan():
        for attempt in attempts(folder, planned.run):
            result = read_attempt(folder, planned.run, attempt, metrics)
            yield Expected(
                view=view_run(study, planned, attempt),
                rows=[view_epoch(row) for row in recorded_epochs(folder, planned.run, attempt)],
                end=view_lost() if result is None else view_result(result, metrics=metrics),
                started=None if result is None else result.get("started"),
            )
    yield _expected_study(folder, study)


def _expected_study(folder: Path, study: Mapping[str, Any]) -> Expected:
    rows = list(_progress(folder, study))
    planned = len(StudyFolder(folder).plan())
    summary: dict[str, Any] = {"planned": planned, "waiting": planned - len(rows)}
    report = read_report(folder)
    if report.stamp:
        summary["report"] = report.stamp
    has_all = rows and not summary["waiting"] and not rows[-1].get("runs/failed")
    return Expected(
        view=view_study(study),
        rows=rows,
        end=RunEnd(summary=summary, tags=(), exit_code=0 if has_all else 1),
        started=study.get("created"),
        report=report.to_json() if report.stamp else None,
    )


def _progress(folder: Path, study: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    counts: Counter[str] = Counter()
    best: float | None = None
    better = min if study.get("direction", "minimize") == "minimize" else max
    for result in committed_results(folder, tuple(study.get("metrics") or USUAL_METRICS)):
        counts[result["state"]] += 1
        value = result.get(str(study.get("metric", "val_loss")))
        if result["state"] == "COMPLETE" and isinstance(value, int | float):
            best = value if best is None else better(best, value)
        yield view_progress(counts, best)


def _agrees(file: OnDisk, expected: Expected) -> bool:
    """Whether a file says all that it should: every row, and the same end."""
    key = expected.counter
    rows = [row[key] for row in file.history if key in row]
    last = expected.rows[-1][key] if expected.rows else None
    has_all = len(rows) >= len(expected.rows) and (rows[-1] if rows else None) == last
    return file.exit_code is not None and has_all and expected.ends_as(file.summary)


@contextmanager
def _set_aside(files: Iterable[Path]) -> Iterator[None]:
    """Put W&B's runs out of the way: removed after the block, and back in their places if it fails.

    Of a run that is the folder that W&B made for it, or no more than the file.
    """
    wholes = [file.parent if "run-" in file.parent.name else file for file in files]
    # W&B's own names begin with no point, and nothing of ours or W&B's looks at one that does.
    moved = [(whole, whole.rename(whole.with_name(f".{whole.name}"))) for whole in wholes]
    try:
        yield
    except BaseException:
        for whole, aside in moved:
            if not whole.exists():
                aside.rename(whole)
        raise
    for _, aside in moved:
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink()


def _write(
    folder: Path, missing: list[Expected], project: str, seconds: float, command: Sequence[str]
) -> None:
    pipe = Pipe(folder, command=command, close_seconds=seconds, patient=True)
    pipe.put({"do": "open", "folder": str(folder.resolve()), "mode": "offline", "project": project})
    for expected in missing:
        for message in expected.messages():
            pipe.put(message)
    with suppress(KeyboardInterrupt):
        pipe.close()
    if pipe.dropped:
        raise StudyError(
            f"W&B's files could not be written; see {folder / 'wandb' / 'tracker.log'}."
        )
