"""Each command of a study's life before and after each other one, on a tiny study without processes."""

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from called import exit_code as code
from in_process import InProcess

from ablations.cli.options import executors
from ablations.engine.records.folder import StudyFolder
from ablations.tracking.optuna import attach, dashboard
from ablations.tracking.optuna.journal import ensure_journal
from ablations.tracking.wandb import rebuild, sync
from ablations.tracking.wandb.runs import typed_cells
from analysis.errors import TableError
from analysis.report.evidence import evidence
from analysis.report.figures import figures
from analysis.tables.formats import wandb_file

SPACE = """
subject: sequence_scores:score
metric: {name: val_loss, direction: minimize, unit: nats}
baseline: {attention: {reduction: 4}, gate: good}
factors:
  - {name: attention.reduction, levels: [2, 4, 8]}
  - {name: gate, levels: [good, fails]}
seeds: 2
"""
RUN = ("run", "space.yaml", "--study", "s", "--wandb", "disabled")
COMMANDS = {
    "run": RUN,
    "search": (*RUN, "--design", "search", "--trials", "3", "--extend"),
    "confirm": ("confirm", "s", "--top", "1", "--seeds", "1", "--wandb", "disabled"),
    "report": ("report", "s"),
    "plot": ("plot", "s", "effects", "--format", "svg"),
    "sync": ("wandb", "s", "--sync"),
    "dashboard": ("dashboard", "s"),
    "extend": (*RUN, "--seeds", "3", "--extend"),
    "retry": (*RUN, "--retry", "failed"),
}


@dataclass
class File:
    """One of W&B's files as it is read back."""

    path: Path
    id: str
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    exit_code: int | None


class Files:
    """In the place of W&B's process: writes what it is told, and refuses the tables that W&B would refuse."""

    dropped = False

    def __init__(self, folder: Path, **_: Any) -> None:
        self._folder, self._open = folder, {}

    def put(self, message: dict[str, Any]) -> None:
        match message["do"]:
            case "start":
                self._open[message["run"]["id"]] = {"history": [], "summary": {}, "exit_code": None}
            case "log":
                self._open[message["id"]]["history"].append(message["row"])
            case "report":
                for path in message["report"]["tables"].values():
                    _, *rows = csv.reader(Path(path).read_text().splitlines())
                    for cells in zip(*rows, strict=True):
                        kinds = {type(cell) for cell in typed_cells(cells) if cell is not None}
                        assert len(kinds) <= 1
            case "end":
                kept = self._open[message["id"]]
                kept |= {
                    "summary": message["end"]["summary"],
                    "exit_code": message["end"]["exit_code"],
                }
                if kept["history"]:
                    kept["summary"] = {**kept["history"][-1], **kept["summary"]}
                made = self._folder / "wandb" / f"offline-run-1-{message['id']}"
                made.mkdir(parents=True)
                (made / f"run-{message['id']}.wandb").write_text(json.dumps(kept))

    def close(self) -> None:
        """Nothing is open."""


class Server:
    """In the place of W&B's server, which has nothing and takes everything."""

    def __init__(self, *_: Any) -> None:
        self.complete: Callable[..., None] = lambda runs: None

    def runs(self) -> dict[str, Any]:
        return {}

    def send(self, files: list[Path]) -> str:
        for file in files:
            file.with_name(f"{file.name}.synced").touch()
        return ""


def read_file(path: Path) -> File:
    return File(path=path, id=path.stem.removeprefix("run-"), **json.loads(path.read_text()))


class NoServer:
    """In the place of the dashboard's server."""

    server_port = 1

    def serve_forever(self) -> None:
        raise KeyboardInterrupt


def journal_of(folder: Path, *, out: Path | None = None) -> Path:
    return ensure_journal(StudyFolder.open(folder), out=out)


def too_slow(*_: Any) -> None:
    raise TableError("left out of this test.")


@pytest.fixture(scope="module")
def quick() -> Any:
    """Commands in this process, with one figure of a report and without its shares."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setattr(executors, "_local", lambda *_, **__: InProcess())
        patch.setattr(figures, "PICTURES", {"effects": figures.PICTURES["effects"]})
        patch.setattr(evidence, "_importance", too_slow)
        patch.setattr(rebuild, "Pipe", Files)
        patch.setattr(wandb_file, "read_offline_file", read_file)
        patch.setattr(sync, "Server", Server)
        # The extra need not be installed: its journal is made, and nothing is attached.
        patch.setattr(dashboard, "make_dashboard", journal_of)
        patch.setattr(attach, "attach_report", lambda *_, **__: "unchanged")
        patch.setattr(dashboard, "make_server", lambda *_, **__: nullcontext(NoServer()))
        yield patch


@pytest.fixture(scope="module")
def after(
    quick: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A folder in which a study was run, with one run that failed, and then one command given."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name or "begun")
            if name:
                shutil.copytree(make(""), made[name], dirs_exist_ok=True)
            quick.chdir(made[name])
            Path("space.yaml").write_text(SPACE)
            with pytest.MonkeyPatch.context() as failing:
                if not name:
                    failing.setenv("SCORES_FAIL", "1")
                code(*(COMMANDS[name] if name else RUN))
        return made[name]

    return make


@pytest.mark.parametrize("second", COMMANDS)
@pytest.mark.parametrize("first", COMMANDS)
def test_each_command_may_follow_each_other(
    first: str,
    second: str,
    after: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(after(first), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    given = code(*COMMANDS[second])
    said = capsys.readouterr()
    executes = second in ("run", "search", "confirm", "extend")
    mended = "retry" in (first, second)
    assert given == (1 if executes and not mended else 0), said
    assert "a fault in ablate itself" not in said.err
    assert code("status", "s", "--json") == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["failed"] == (0 if mended else 6)
    assert (counted["waiting"], counted["interrupted"], counted["remarks"]) == (0, 0, [])


@pytest.mark.parametrize(
    "command", ["report", "status", "effects", "importance", "sync", "dashboard", "confirm"]
)
def test_a_search_may_be_read_before_its_confirmation(
    command: str, quick: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick.chdir(tmp_path)
    Path("space.yaml").write_text(SPACE)
    assert code(*RUN, "--design", "search", "--trials", "4") == 0
    assert code(*COMMANDS.get(command, (command, "s"))) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_an_extension_keeps_what_the_study_had(after: Callable[[str], Path]) -> None:
    study = json.loads((after("search") / "runs" / "s" / "study.json").read_text())
    assert study["design"] == "grid"
    assert study["seeds"] == [0, 1]
    assert SimpleNamespace(**study["extensions"][0]).added == ["design: search"]
