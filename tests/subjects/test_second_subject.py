"""A second subject goes from YAML to report through every design and command; no file of the framework knows it."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from called import exit_code

from ablations.cli.main import main
from ablations.engine.records.folder import StudyFolder
from ablations.studies.study_index import open_index
from ablations.subjects import find
from analysis import read_study

SPACE = """
subject: toy:SUBJECT
question: Where is the bottom?
baseline: {x: 2, curve: {steepness: 1}}
factors:
  - {name: x, levels: [2, 3], off: 3}
  - {name: curve.kind, levels: [plain, raised], off: raised}
controls:
  steep: {curve.steepness: 4}
seeds: 3
"""
RANGE = """
subject: toy:SUBJECT
baseline: {x: 2}
factors:
  - {name: x, low: 0, high: 4}
  - {name: curve.kind, levels: [plain, raised]}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: a module with the subject, and two spaces."""
    shutil.copy(Path(__file__).with_name("toy.py"), tmp_path)
    (tmp_path / "mine.yaml").write_text(SPACE)
    (tmp_path / "range.yaml").write_text(RANGE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def ablate(*words: str) -> None:
    assert not exit_code(*words), words


def executed(*words: str) -> None:
    """A command that runs a study, without the process that writes W&B's files."""
    ablate(*words, "--workers", "1", "--wandb", "disabled")


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit):
        main(list(words))
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("design", "arms"),
    [
        ("loco", 4),
        *(
            pytest.param(*case, marks=pytest.mark.long)
            for case in [("grid", 5), ("one-in", 5), ("fractional", 5), ("zip", 3)]
        ),
    ],
)
def test_every_design_runs_and_is_reported_in_the_subjects_own_metric(
    here: Path, design: str, arms: int, capsys: pytest.CaptureFixture[str]
) -> None:
    executed("run", "mine.yaml", "--study", "a", "--design", design)
    ablate("report", "a")
    table = read_study(here / "runs" / "a")
    assert (table.metric, table.unit, table.direction) == ("height", "m", "minimize")
    rows = table.complete()
    assert (len(rows), rows["arm"].nunique()) == (3 * arms, arms)
    by_label = rows.groupby("label")["height"].mean()
    # At the bottom: 1/3 and the noise of three seeds; steepness changes nothing there.
    assert by_label["x=2, kind=plain (baseline)"] == pytest.approx(1 / 3, abs=0.3)
    assert by_label["steep"] == pytest.approx(1 / 3, abs=0.3)
    page = (here / "runs/a/report/index.html").read_text()
    assert "height" in page
    assert "nats" not in page
    assert "Parameters" not in page


def test_a_search_proposes_and_fresh_seeds_conclude(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    executed("run", "range.yaml", "--study", "s", "--design", "search", "--trials", "4")
    executed("confirm", "s", "--top", "2", "--seeds", "3")
    capsys.readouterr()
    ablate("effects", "s")
    assert "s: height against the baseline x=2, kind=plain" in capsys.readouterr().out
    stages = read_study(here / "runs" / "s").frame["stage"].value_counts()
    assert stages.to_dict() == {"confirm": 9, "search": 4}


def test_what_the_subject_leaves_out_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ablate("show", "mine.yaml", "--verify")
    assert "cannot say what its arms change" in capsys.readouterr().out
    ablate("run", "mine.yaml", "--dry-run")
    assert "this subject has no pilot" in capsys.readouterr().out
    stack = refused(capsys, "run", "mine.yaml", "--stack", "2")
    assert "runs of the subject 'toy:SUBJECT' cannot be trained in step, but got 2" in stack
    searched = refused(capsys, "run", "range.yaml", "--design", "search", "--objectives", "params")
    assert "`objectives` must be one of 'height', 'slope', 'seconds', but got 'params'" in searched


@pytest.mark.parametrize(
    ("set_", "message"),
    [
        ("x=wide", "`x` must be a number, but got 'wide'."),
        ("curve.kind=raisd", "`curve.kind` must be one of 'plain', 'raised', but got 'raisd'."),
        ("curve.knd=plain", "Did you mean 'curve.kind'?"),
    ],
)
def test_settings_are_checked_by_the_subjects_own_words(
    here: Path, set_: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, "show", "mine.yaml", "--set", set_)


def test_a_subject_that_is_not_there_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "no.yaml").write_text(SPACE.replace("toy:SUBJECT", "atention"))
    assert "Did you mean 'attention'?" in refused(capsys, "show", "no.yaml")
    (here / "no.yaml").write_text(SPACE.replace("toy:SUBJECT", "toy:train"))
    assert "so the space must say what it measures" in refused(capsys, "show", "no.yaml")
    (here / "no.yaml").write_text(SPACE.replace("toy:SUBJECT", "toys:SUBJECT"))
    assert "'toys:SUBJECT' cannot be imported" in refused(capsys, "show", "no.yaml")


def test_a_run_is_reproduced_its_status_and_its_other_metric_are_read_and_gone_on_with(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ablate("run", "mine.yaml", "--study", "a", "--workers", "1")
    run = next((here / "runs/a/runs").iterdir()).name
    capsys.readouterr()
    ablate("reproduce", "a", run)
    assert f"run {run}: equal" in capsys.readouterr().out
    ablate("status", "a")
    assert "15 complete" in capsys.readouterr().out
    assert read_study(here / "runs/a", metric="slope").direction == "maximize"
    executed("run", "mine.yaml", "--study", "a", "--seeds", "4", "--extend")
    ids = pd.read_json(here / "runs/a/plan.jsonl", lines=True, dtype={"run": str})["run"]
    assert len(ids) == ids.nunique() == 20


def test_ids_name_the_subject_and_the_record_says_what_is_measured(here: Path) -> None:
    executed("run", "mine.yaml", "--study", "a", "--seeds", "1")
    study = json.loads((here / "runs/a/study.json").read_text())
    assert study["space"]["subject"] == "toy:SUBJECT"
    assert study["metrics"] == {
        "height": {"direction": "minimize", "unit": "m"},
        "slope": {"direction": "maximize", "unit": ""},
    }
    assert study["runs_table"]["columns"]["slope"] == "number"


def test_a_study_is_read_without_its_subject(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executed("run", "range.yaml", "--study", "s", "--design", "search", "--trials", "2")
    (here / "toy.py").unlink()
    monkeypatch.delitem(sys.modules, "toy")
    find._found.cache_clear()
    ablate("status", "s")
    ablate("report", "s")
    open_index(StudyFolder.open(here / "runs/s")).close()
    assert "toy" not in sys.modules


@pytest.mark.integration
def test_the_second_subject_runs_on_ray(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(here))
    executed("run", "mine.yaml", "--study", "a", "--executor", "ray")
    assert len(read_study(here / "runs/a").complete()) == 15
