"""`ablate plan STUDY`: the arms of the study, and the noise of its own runs."""

import json
from pathlib import Path

import pytest

from ablations.cli.main import main
from benchmarks.synthetic_study import write_study


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "runs" / "mine", ratios=(2, 4, 8, 16), seeds=4, control=True)
    return tmp_path


def planned(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    main(["plan", *words, "--json"])
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit):
        main(["plan", *words])
    return capsys.readouterr().err


def test_a_study_is_its_own_pilot_and_its_arms_are_counted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = planned(capsys, "mine", "--margin", "0.02")
    assert found == planned(capsys, "mine", "--margin", "0.02", "--root", str(here / "runs"))
    assert found["effects"]["comparisons"] == 4
    assert found["ratio"]["seeds"] >= 1
    assert not found["in_units_of_sigma"]
    louder = planned(capsys, "mine", "--margin", "0.02", "--sigma", "0.02")
    assert louder["effects"]["seeds"] > found["effects"]["seeds"]


def test_an_arm_that_was_only_confirmed_is_none_of_the_design(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = here / "runs" / "mine" / "plan.jsonl"
    last = json.loads(file.read_text().splitlines()[-1])
    more = {**last, "run": "f" * 10, "arm": "e" * 10, "label": "another", "stage": "confirm"}
    file.write_text(f"{file.read_text()}{json.dumps(more)}\n")
    found = planned(capsys, "mine", "--margin", "0.02", "--sigma", "0.01")
    assert found["effects"]["comparisons"] == 4


def test_reading_it_imports_no_program(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablations.designs.spaces.load_space", lambda *_: pytest.fail("imported"))
    monkeypatch.setattr("ablations.designs.expand.expand", lambda *_: pytest.fail("built"))
    assert planned(capsys, "mine")["ratio"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("mine", "--design", "loco"), "`--design` says how a space becomes arms, but 'mine' is a study"),
        (("mine", "--pilot", "auto"), "'mine' is a study, whose runs tell the noise. Leave it out."),
        (("mind",), "the nearest are 'mine', 'kin'), but got 'mind'. A space of your own is a .yaml or .py file"),
        (("mind", "--root", "runs"), "the nearest are 'mine', 'kin'), but got 'mind'."),
        (("gat",), "the nearest is 'gate'), but got 'gat'."),
    ],
)  # fmt: skip
def test_what_a_study_does_not_take_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in refused(capsys, *words)


def test_a_search_is_concluded_by_confirm(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = here / "runs" / "mine" / "study.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "design": "search"}))
    assert "conclude with `ablate confirm mine`" in refused(capsys, "mine")
