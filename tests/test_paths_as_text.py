"""Every public function that reads a study or a file takes its path as text too."""

import json
from pathlib import Path

import pytest
import yaml

import ablations
import analysis
from ablations.engine.records.folder import StudyFolder
from benchmarks.synthetic_study import write_study


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    write_study(folder / "runs" / "s", ratios=(4, 8), seeds=2, epochs=2, control=False)
    comparison = {"factor": "attention.reduction", "levels": [4, 8], "direction": "lower"}
    (folder / "planned.yaml").write_text(yaml.safe_dump({"comparisons": [comparison]}))
    claim = {
        "id": "a",
        "sentence": "It is so.",
        "source": "1",
        "not_testable": "No number says it.",
    }
    measured = {"study": "s", **comparison, "margin": 0.5}
    other = {"id": "b", "sentence": "It helps.", "source": "2", "measured": measured}
    (folder / "page.yaml").write_text(yaml.safe_dump({"claims": [claim, other]}))
    return folder


def test_a_study_is_read_from_its_path_as_text(root: Path) -> None:
    study = f"{root}/runs/s"
    assert analysis.read_study(study).frame.equals(analysis.read_study(Path(study)).frame)
    assert StudyFolder.open(study).path == Path(study)
    assert ablations.status("s", root=f"{root}/runs").complete == 4


def test_a_report_is_written_where_a_text_says(root: Path) -> None:
    page = analysis.write_report(f"{root}/runs/s", out=f"{root}/page", formats=())
    assert page == root / "page" / "index.html"
    assert json.loads((root / "page" / "numbers.json").read_text())


def test_files_of_comparisons_and_claims_are_read_from_their_paths_as_text(root: Path) -> None:
    assert analysis.load_comparisons(f"{root}/planned.yaml").declared
    assert [one.id for one in analysis.load_claims(f"{root}/page.yaml").claims] == ["a", "b"]
    found = ablations.check_claims(f"{root}/page.yaml", root=f"{root}/runs")
    assert "over 2 seeds" in found.rows[1].said()
