import importlib.util
import io
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ablations.plan import PlannedRun
from ablations.tracking.wandb.rebuild import rebuild
from ablations.tracking.wandb.tracker import WandbTracker

# Forty characters, as W&B's keys have; a test looks for it everywhere.
KEY = "canary" + "0123456789" * 3 + "abcd"

STUDY: dict[str, Any] = {
    "layout": 1,
    "study": "first",
    "design": "grid",
    "seeds": [0, 1],
    "space": {
        "name": "reduction",
        "question": "Which ratio?",
        "factors": [
            {"name": "attention.reduction", "levels": [2, 4]},
            {"name": "attention.gate", "levels": ["sigmoid", "one_plus_tanh"]},
        ],
        "baseline": {
            "attention": {"reduction": 4, "gate": "sigmoid", "placement": "standard"},
            "training": {"epochs": 3},
        },
    },
    "baseline": {
        "attention.reduction": 4,
        "attention.gate": "sigmoid",
        "data.root": "/home/canary",
    },
    "baseline_arm": "arm4",
    "metric": "val_loss",
    "direction": "minimize",
    "fingerprint": {"space": "aa", "code": "bb", "data": "cc", "versions": {"torch": "2.13.0"}},
    "created": "2026-11-21T00:00:00+00:00",
}


def make_planned(reduction: int | None = 2, *, seed: int = 0, stage: str = "grid") -> PlannedRun:
    attention = {"reduction": reduction, "gate": "sigmoid", "placement": "standard"}
    data = {"name": "digits", "root": "/home/canary/data"}
    return PlannedRun(
        run=f"run{reduction}s{seed}",
        arm=f"arm{reduction}",
        label="no attention" if reduction is None else f"reduction={reduction}",
        seed=seed,
        stage=stage,  # type: ignore[arg-type]
        settings={"arm": {"attention": attention, "data": data}, "seed": seed},
        factors={"attention.reduction": reduction, "attention.gate": "sigmoid"},
        cost={
            "hidden": [] if reduction is None else [16 // reduction, 32 // reduction],
            "channels": [] if reduction is None else [16, 32],
            "c2_eff": 1280,
            "params": 1000 + 1280 * 2 // (reduction or 10**9),
            "attention_params": 1280 * 2 // (reduction or 10**9),
            "macs": 90_000,
        },
        epochs_planned=3,
    )


def make_epoch(epoch: int, *, offset: float = 0.0) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "train_loss": 1.0 / epoch,
        "val_loss": 1.0 / epoch + offset,
        "val_accuracy": 0.9,
        "learning_rate": 0.1,
        "seconds": 0.25,
    }


def make_result(
    planned: PlannedRun, state: str = "COMPLETE", *, attempt: int = 1
) -> dict[str, Any]:
    error = {"type": "NonFinite", "message": "https://me:canary@host", "exit_code": None}
    return {
        "run": planned.run,
        "attempt": attempt,
        "state": state,
        "epochs_run": 3,
        "train_loss": 1 / 3,
        "val_loss": 0.5,
        "val_accuracy": 0.9,
        "seconds": 0.75,
        "device": "cpu",
        "host": "canary-host",
        "error": error if state == "FAILED" else None,
        "started": "2026-11-21T00:00:01+00:00",
        "ended": f"2026-11-21T00:00:1{planned.seed}+00:00",
    }


@pytest.fixture
def study() -> dict[str, Any]:
    return json.loads(json.dumps(STUDY))


@pytest.fixture
def planned() -> PlannedRun:
    return make_planned(2, seed=0)


@pytest.fixture
def other() -> PlannedRun:
    return make_planned(4, seed=1)


@pytest.fixture
def plan() -> Callable[..., PlannedRun]:
    return make_planned


@pytest.fixture
def epoch() -> Callable[..., dict[str, Any]]:
    return make_epoch


@pytest.fixture
def result() -> Callable[..., dict[str, Any]]:
    return make_result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty study folder."""
    path = tmp_path / "first study"
    path.mkdir()
    return path


def record_study(folder: Path) -> Path:
    """The records of a study of four runs: two complete, one pruned, one failed at its second attempt."""
    runs = [make_planned(r, seed=s) for r in (2, 4) for s in (0, 1)]
    (folder / "study.json").write_text(json.dumps(STUDY))
    (folder / "plan.jsonl").write_text("".join(json.dumps(run.to_json()) + "\n" for run in runs))
    for run, state in zip(runs, ("COMPLETE", "PRUNED", "COMPLETE", "FAILED"), strict=True):
        last = 2 if state == "FAILED" else 1
        for attempt in range(1, last + 1):
            made = folder / "runs" / run.run / str(attempt)
            made.mkdir(parents=True)
            first = 2 if attempt == 2 else 1
            stop = 2 if attempt < last else 4
            rows = [json.dumps(make_epoch(e, offset=0.1 * run.seed)) for e in range(first, stop)]
            (made / "epochs.jsonl").write_text("\n".join(rows) + "\n")
        text = json.dumps(make_result(run, state, attempt=last))
        (made / "result.json").write_text(text)
        (folder / "runs" / run.run / "result.json").hardlink_to(made / "result.json")
    return folder


@pytest.fixture(scope="session")
def record() -> Callable[[Path], Path]:
    return record_study


@pytest.fixture
def recorded(folder: Path) -> Path:
    """The records of a study; see `record_study`."""
    return record_study(folder)


@pytest.fixture(scope="session")
def _rebuilt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = record_study(tmp_path_factory.mktemp("rebuilt"))
    return folder, rebuild(folder)


@pytest.fixture
def written(_rebuilt: tuple[Path, list[str]], tmp_path: Path) -> tuple[Path, list[str]]:
    """A recorded study with all of W&B's files, written from the records, and the ids of its runs."""
    made, ids = _rebuilt
    return Path(shutil.copytree(made, tmp_path / "written")), ids


# One black pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "789c63606060000000040001f61738550000000049454e44ae426082"
)


def write_report(folder: Path) -> None:
    """A report as `ablate report` writes it: what may be shown, and what may not."""
    report = folder / "report"
    (report / "figures").mkdir(parents=True)
    (report / "tables").mkdir()
    (report / "figures" / "ratio.png").write_bytes(PNG)
    (report / "report.md").write_text("# first\n\nr* is 8.\n\n## Evidence\n\nmore")
    (report / "tables" / "arms.csv").write_text("arm,loss\na,1.5\nb,\n")
    (report / "tables" / "effects.csv").write_text("factor,error,estimate\nr,nested,1.5\n")
    (report / "tables" / "left_out_runs.csv").write_text("run,error\na,canary\n")
    (report / "tables" / "provenance.csv").write_text("what,value\nfolder,/canary\n")


@pytest.fixture
def add_report() -> Callable[[Path], None]:
    return write_report


def _load_server() -> Any:
    # Test modules can not import one another where pytest imports them by path.
    path = Path(__file__).with_name("wandb_server.py")
    spec = importlib.util.spec_from_file_location("wandb_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["wandb_server"] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def serving() -> Iterator[Any]:
    """W&B's server on loopback, and an environment that leads to it."""
    made = _load_server().WandbServer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_BASE_URL", made.url)
        patch.setenv("WANDB_API_KEY", KEY)
        yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Any]:
    """W&B's server on loopback, which this process's environment leads to."""
    with serving() as made:
        yield made


@dataclass(frozen=True)
class OnlineStudy:
    """A study that was shown online, with secrets all around it."""

    server: Any
    folder: Path
    runs: list[PlannedRun]
    said: str


@pytest.fixture(scope="session")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnlineStudy]:
    folder = tmp_path_factory.mktemp("online")
    runs = [make_planned(2, seed=0), make_planned(2, seed=1), make_planned(4)]
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger("ablations.tracking").addHandler(handler)
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", "postgres://me:canary@host/db")
        patch.setenv("WANDB_NOTES", "canary")
        patch.setenv("WANDB_MODE", "disabled")
        patch.setattr(sys, "argv", ["ablate", "--token=canary"])
        tracker = WandbTracker(folder, "online")
        states = ("COMPLETE", "PRUNED", "FAILED")
        show_study(tracker, list(zip(runs, states, strict=True)))
        yield OnlineStudy(server, folder, runs, said.getvalue())
    logging.getLogger("ablations.tracking").removeHandler(handler)


def show_study(
    tracker: WandbTracker,
    runs: list[tuple[PlannedRun, str]],
    between: Callable[[], None] = lambda: None,
) -> None:
    """Tell a tracker about a whole study; `between` is called before each run's end."""
    tracker.study_started(STUDY)
    for run, state in runs:
        tracker.run_started(run, 1)
        for number in (1, 2, 3):
            tracker.epoch(run, 1, make_epoch(number))
        between()
        tracker.run_ended(run, 1, make_result(run, state))
    tracker.study_ended(None)
    tracker.close()


@pytest.fixture
def show() -> Callable[..., None]:
    return show_study


@pytest.fixture
def show_warnings(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "ablations.tracking")
    return caplog
