"""The main job as a user does it: real training, real processes, a kill in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablations.cli.main import main

SPACE = """
question: Is a ratio of 4 worth more than one of 16?
baseline:
  attention: {reduction: 4}
  training: {epochs: 2, warmup_epochs: 0, batch_size: 128}
factors:
  - {name: attention.reduction, levels: [4, 16]}
controls:
  no attention: {attention.placement: none}
seeds: 3
"""

ROUNDING = 0.02
"""What 22 steps may make of float32's rounding; the nine runs lie in a range of some tenths."""


def ablate(*words: str, at: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ablations.cli.main", *words]
    return subprocess.Popen(
        command, cwd=at, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def committed(study: Path) -> list[Path]:
    return sorted(study.glob("runs/*/result.json"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was killed after its first results and gone on with; a folder with a space in its name."""
    at = tmp_path_factory.mktemp("my work")
    (at / "mine.yaml").write_text(SPACE)
    words = ("run", "mine.yaml", "--study", "first", "--workers")
    killed = ablate(*words, "2", at=at)
    folder, deadline = at / "runs" / "first", time.monotonic() + 120
    while len(committed(folder)) < 2:
        assert killed.poll() is None, killed.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    before = {path: path.stat().st_ino for path in committed(folder)}
    again = ablate(*words, "1", at=at)
    out, err = again.communicate(timeout=240)
    assert again.returncode == 0, err
    assert "runs/first: 9 complete. Read it with: ablate report first" in out
    assert len(before) < 9
    assert {path: path.stat().st_ino for path in before} == before
    return folder


def test_a_study_killed_in_the_middle_ends_complete_with_every_run_once(study: Path) -> None:
    plan = [json.loads(line) for line in (study / "plan.jsonl").read_text().splitlines()]
    results = [json.loads(path.read_text()) for path in committed(study)]
    assert len({line["run"] for line in plan}) == len(plan) == 9
    assert sorted(result["run"] for result in results) == sorted(line["run"] for line in plan)
    assert {result["state"] for result in results} == {"COMPLETE"}
    assert all(result["epochs_run"] == 2 for result in results)


@pytest.mark.long
def test_stacked_runs_are_the_same_runs_up_to_rounding(study: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SPACE)
    words = ("run", "mine.yaml", "--study", "first", "--workers", "1", "--stack", "3")
    stacked = ablate(*words, at=tmp_path)
    _, err = stacked.communicate(timeout=240)
    assert stacked.returncode == 0, err
    alone = {path.parent.name: json.loads(path.read_text()) for path in committed(study)}
    together = {
        path.parent.name: json.loads(path.read_text())
        for path in committed(tmp_path / "runs/first")
    }
    assert together.keys() == alone.keys()
    assert [result["stacked"] for result in together.values()] == [3] * 9
    for run, result in together.items():
        assert result["val_loss"] == pytest.approx(alone[run]["val_loss"], abs=ROUNDING)
    assert len({round(result["val_loss"] / ROUNDING) for result in together.values()}) > 5


def test_the_runs_table_has_exactly_the_columns_that_the_study_declares(study: Path) -> None:
    from analysis.tables.study_table import read_study

    declared = json.loads((study / "study.json").read_text())["runs_table"]["columns"]
    table = read_study(study)
    assert set(table.frame.columns) == set(declared)
    assert len(table.frame) == len(table.complete()) == 9
    assert set(table.frame["attention.reduction"].dropna()) == {4.0, 16.0}


def test_the_report_of_a_real_study_names_its_arms_and_ends_in_a_verdict(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.parents[1])
    main(["report", "first"])
    out = capsys.readouterr().out
    page = (study / "report" / "index.html").read_text(encoding="utf-8")
    assert "no attention" in page
    assert "reduction=16" in page
    assert str(Path("runs/first/report/index.html")) in out
    assert len(out.strip().splitlines()) >= 3


def test_another_question_under_the_same_name_is_refused_with_the_difference(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.parents[1])
    Path("other.yaml").write_text(SPACE.replace("epochs: 2", "epochs: 3"))
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["run", "other.yaml", "--study", "first"])
    err = capsys.readouterr().err
    assert "baseline training.epochs: 2 -> 3" in err
    assert "Traceback" not in err


def test_more_seeds_are_refused_until_they_are_asked_for(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.parents[1])
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["run", "mine.yaml", "--study", "first", "--seeds", "4"])
    err = capsys.readouterr().err
    assert "seeds: [3]" in err
    assert "--extend" in err
