"""The W&B runs that are open, and the settings they are opened with. Imports wandb."""

import contextlib
import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
import wandb
from wandb.errors import CommError, UsageError

FLUSH_SECONDS = 0.2
"""W&B's default of 15 loses everything when the process is killed; at 0.2, 100 of 100 rows survived."""
COUNTERS = ("epoch", "runs/ended")
"""What counts the rows of a run, and of a study's own run."""
REACH_SECONDS = 5.0
INIT_SECONDS = 20.0
FINISH_SECONDS = 30.0


class UnreachableError(Exception):
    """Nothing answers at W&B's address."""


class WandbRuns:
    """Opens, feeds and closes W&B runs by their ids.

    Args:
        folder: The study's folder; W&B makes `folder/wandb`.
        mode: Where rows go.
        project: W&B's project.
        tell: Called with a sentence for the user, at most once for each cause.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mode: Literal["offline", "online"],
        project: str,
        tell: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._mode: Literal["offline", "online"] = mode
        self._project = project
        self._tell = tell
        self._runs: dict[str, wandb.Run] = {}
        self._there: dict[str, float] = {}

    def start(self, view: Mapping[str, Any], *, started: str | None = None) -> None:
        """Open a run; a run that is open already is closed as failed first.

        Args:
            view: `ablations.tracking.wandb.view.RunView` as a dict.
            started: When the run began, ISO 8601, for a run written from the records.
        """
        if view["id"] in self._runs:
            self._finish(view["id"], 1)
        run = self._open(view, started)
        if view["job_type"] != "study":
            run.define_metric("epoch", hidden=True)
            # Final values are set at the end, for complete runs only.
            run.define_metric("*", step_metric="epoch", summary="none")
        self._runs[view["id"]] = run
        if run.resumed:
            summary: Any = run.summary
            there = (summary.get(key) for key in COUNTERS)
            self._there[view["id"]] = next((x for x in there if x is not None), 0)

    def log(self, id: str, row: Mapping[str, float]) -> None:
        """Add a row to a run's history; one that the server has is passed over."""
        counter = next((row[key] for key in COUNTERS if key in row), None)
        is_there = counter is not None and counter <= self._there.get(id, 0)
        if id in self._runs and not is_there:
            self._runs[id].log(dict(row))

    def end(self, id: str, end: Mapping[str, Any]) -> None:
        """Close a run with its summary, tags and exit code."""
        if id not in self._runs:
            return
        run = self._runs[id]
        run.summary.update(end["summary"])
        if end["tags"]:
            run.tags = (*(run.tags or ()), *end["tags"])
        self._finish(id, end["exit_code"])

    def report(
        self, id: str, *, figures: Mapping[str, str], tables: Mapping[str, str], verdict: str
    ) -> None:
        """Add a report to a run: all of it as one artifact, the figures as media, the verdict as notes.

        Args:
            id: The run.
            figures: Name -> path of a PNG.
            tables: Name -> path of a CSV.
            verdict: Markdown.
        """
        if id not in self._runs:
            return
        run = self._runs[id]
        run.notes = verdict
        if figures:
            run.log({f"figures/{name}": wandb.Image(path) for name, path in figures.items()})
        artifact = wandb.Artifact(f"study-{id}", type="study")
        for group, files in (("figures", figures), ("tables", tables)):
            for path in files.values():
                artifact.add_file(path, f"{group}/{Path(path).name}")
        for name, path in tables.items():
            # Beside the file, which pandas reads: the same as W&B's page shows it. As a part of the
            # run's history every table would add charts of its number of rows and columns.
            artifact.add(_table(Path(path)), f"tables/{name}")
        with artifact.new_file("verdict.md", encoding="utf-8") as file:
            file.write(verdict)
        run.log_artifact(artifact)

    def close(self) -> None:
        """Close what is still open as failed, and wait until W&B has written everything."""
        for id in list(self._runs):
            self._finish(id, 1)
        wandb.teardown()

    def _open(self, view: Mapping[str, Any], started: str | None) -> wandb.Run:
        if self._mode == "online":
            try:
                check_reachable(wandb.setup().settings.base_url)
                return self._init(view, "online", started)
            except UsageError as error:
                self._go_offline(f"W&B can not be used ({_first_line(error)})")
            except UnreachableError as error:
                self._go_offline(f"W&B can not be reached ({error})")
            except CommError as error:
                self._go_offline(f"W&B can not be reached ({_first_line(error)})")
                # W&B's service keeps the id of a run that it could not open, and refuses it from then
                # on. Ending the service frees it, and ends the runs that are open: what they had is on
                # disk, what comes is written by `--sync`.
                self._runs.clear()
                wandb.teardown()
        return self._init(view, "offline", started)

    def _init(
        self, view: Mapping[str, Any], mode: Literal["offline", "online"], started: str | None
    ) -> wandb.Run:
        return wandb.init(
            project=self._project,
            dir=self._folder,
            id=view["id"],
            name=view["name"],
            group=view["group"],
            job_type=view["job_type"],
            tags=view["tags"],
            config=view["config"],
            mode=mode,
            # Without it W&B adds the rows of a second run of the same id to those of the first.
            resume="allow" if mode == "online" else None,
            reinit="create_new",
            settings=lean_settings(started=started),
        )

    def _finish(self, id: str, exit_code: int) -> None:
        run = self._runs.pop(id)
        self._there.pop(id, None)
        try:
            run.finish(exit_code=exit_code)
        except (TimeoutError, CommError) as error:
            self._go_offline(f"W&B stopped answering ({_first_line(error)})")

    def _go_offline(self, why: str) -> None:
        if self._mode == "online":
            self._mode = "offline"
            self._tell(f"{why}; going on offline. `ablate wandb STUDY --sync` sends it later.")


def lean_settings(*, started: str | None = None) -> wandb.Settings:
    """W&B without console capture, machine statistics, code or git: 0.04 s a run instead of 0.16."""
    settings = wandb.Settings(
        console="off",
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        disable_git=True,
        disable_code=True,
        silent=True,
        symlink=False,
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=True,
        x_transaction_log_flush_interval=FLUSH_SECONDS,
    )
    if started is not None:
        with contextlib.suppress(ValueError):
            settings.x_start_time = datetime.fromisoformat(started).timestamp()
    return settings


def _table(path: Path) -> wandb.Table:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    columns = [
        typed_cells([row[i] if i < len(row) else "" for row in rows]) for i in range(len(header))
    ]
    return wandb.Table(columns=[*header], data=[list(row) for row in zip(*columns, strict=True)])


def typed_cells(cells: Sequence[str]) -> list[float | None] | list[str | None]:
    """The cells of a column of one kind, as W&B wants them: numbers where all are, texts otherwise."""
    try:
        return [float(cell) if cell else None for cell in cells]
    except ValueError:
        return [cell or None for cell in cells]


def check_reachable(url: str) -> None:
    """Return if anything answers there within `REACH_SECONDS`.

    Without this a dead network costs `INIT_SECONDS` and W&B's service.

    Raises:
        UnreachableError: If nothing does.
    """
    try:
        requests.head(url, timeout=REACH_SECONDS)
    except requests.RequestException as error:
        # Not the error's own text: an address can hold a password.
        raise UnreachableError(f"{urlsplit(url).hostname}: {type(error).__name__}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
