"""`ablate claims`: a user's file, their function and their runs, as they type it."""

import json
import sys
from pathlib import Path

import pytest

from ablations import SettingError, check_claims
from ablations.cli.main import main
from ablations.finding import Finding
from ablations.subjects import find

MODULE = """
from ablations import Finding

def train(config, seed):
    return {"score": config["rate"] + 0.01 * ((3 * seed) % 7) * (1 + config["rate"])}

def adds(): return Finding(agrees=1 + 1 == 2, computed="1 + 1 is 2", number=2.0)
def near(): return Finding(agrees=True, computed="nearly", only_where="x is small")
def wrong(): return Finding(agrees=False, computed="1 + 1 is 2, not 3")
def fails(): raise ValueError("no such number.")
def ends(): raise SystemExit(0)
def nothing(): return 3
number = 4
"""
SPACE = """
subject: mine:train
metric: {name: score, direction: maximize}
baseline: {rate: 0.1}
factors: [{name: rate, levels: [0.1, 0.5, 0.9]}]
seeds: 3
"""
MEASURED = "{study: s, factor: rate, levels: [0.1, 0.5], direction: higher, margin: 0.05}"
CLAIMS = f"""
title: What the page says
studies:
  s: {{space: space.yaml, on: a toy}}
claims:
  - {{id: A1, sentence: One and one are two., source: school, exact: "mine:adds"}}
  - {{id: A2, sentence: It is small., source: school, exact: "mine:near"}}
  - {{id: A3, sentence: One and one are three., source: nobody, exact: "mine:wrong"}}
  - {{id: B1, sentence: The rate helps., source: a page, measured: {MEASURED}}}
  - {{id: C1, sentence: It helps much., source: a page, published: {{numbers: {{x: 3}}, at_least: 2}}}}
  - {{id: D1, sentence: It is beautiful., source: a page, not_testable: No number says it.}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder."""
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    find._found.cache_clear()
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "space.yaml").write_text(SPACE)
    (tmp_path / "page.yaml").write_text(CLAIMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def code(*words: str) -> str | int | None:
    try:
        main(["claims", *words])
    except SystemExit as end:
        return end.code
    return 0


def verdicts(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    capsys.readouterr()
    assert not code("page.yaml", "--json", *words)
    return {row["id"]: row["verdict"] for row in json.loads(capsys.readouterr().out)["answers"]}


def test_a_file_of_claims_is_answered_run_and_checked_again(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        "A1": "supported", "A2": "loose", "A3": "contradicted",
        "B1": "undecided", "C1": "supported", "D1": "not testable",
    }  # fmt: skip
    assert verdicts(capsys) == expected
    assert not (here / "runs").exists()
    words = ["--run", "--only", "B1", "--workers", "1", "--wandb", "disabled", "--write", "out.md"]
    assert not code("page.yaml", *words)
    assert "**supported**" in (here / "out.md").read_text()
    assert verdicts(capsys) == {**expected, "B1": "supported"}
    # What was planned is in the study, and its report says it.
    study = json.loads((here / "runs/page-s/study.json").read_text())
    assert study["planned"]["claims"][0]["sentence"] == "The rate helps."
    assert study["planned_hash"]
    main(["report", "page-s"])
    assert "The rate helps." in (here / "runs/page-s/report/report.md").read_text()
    # A job of CI fails where a page says what is not so.
    capsys.readouterr()
    assert code("page.yaml", "--fail-on", "contradicted") == 3
    assert "contradicted: A3" in capsys.readouterr().err
    assert not code("page.yaml", "--fail-on", "undecided")
    # Edited after its runs.
    text = (here / "page.yaml").read_text()
    (here / "page.yaml").write_text(text.replace("The rate helps.", "The rate helps much."))
    capsys.readouterr()
    assert not code("page.yaml", "--only", "B1")
    assert "exploratory: the claim was edited after its runs began" in capsys.readouterr().out
    # The same from Python, on a study that the file does not own.
    (here / "page.yaml").write_text(
        text.replace("study: s,", "study: page-s,").replace(
            "studies:\n  s: {space: space.yaml, on: a toy}", ""
        ),
    )
    (row,) = check_claims("page.yaml", only=["B1"]).rows
    assert (row.verdict, row.exploratory, row.found.n) == ("supported", "", 3)
    # More seeds than it was started with are a look.
    (here / "page.yaml").write_text(text.replace("on: a toy", "on: a toy, seeds: 5"))
    assert code("page.yaml") == 2
    assert "must have the 3 seeds that it was started with, but got 5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"mine:adds"', '"mine:add"', "`exact` 'mine:add': module 'mine' has no 'add'. Did you mean 'adds'?"),
        ('"mine:adds"', '"mein:adds"', "claim 'A1': `exact` 'mein:adds' cannot be imported"),
        ('"mine:adds"', '"mine:fails"', "'mine:fails' failed: ValueError: no such number (mine.py, line 10)"),
        ('"mine:adds"', '"mine:ends"', "claim 'A1': 'mine:ends' failed: SystemExit: 0 (mine.py, line 11). Mend"),
        ('"mine:adds"', '"mine:train"', "claim 'A1': 'mine:train' failed: TypeError: train() missing 2"),
        ('"mine:adds"', '"mine:nothing"', "returns an `ablations.Finding`, but 'mine:nothing' returned 3."),
        ('"mine:adds"', '"mine:number"', "but 'mine:number' is 4."),
        ("space: space.yaml", "space: spac.yaml", "study 's' of page: the space's file must exist, but"),
        ("space: space.yaml", "space: reductoin", "the nearest are 'reduction', 'recipe'"),
        ("levels: [0.1, 0.5]", "levels: [0.1, 0.7]", "claim 'B1': `rate` must be one of 0.1, 0.5, 0.9, but got 0.7."),
        ("factor: rate", "factor: rat", "claim 'B1': `factor` must be one of 'rate', but got 'rat'."),
        ("study: s", "study: t", "study 's' must be named by a claim, but is by none."),
        ("id: D1", "id: C1", "`id` must be of one claim, but 'C1' stands twice."),
        ("on: a toy", "metric: scores", "`metric` must be one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_one_sentence(
    old: str, new: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "page.yaml").write_text(CLAIMS.replace(old, new))
    assert code("page.yaml") == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_study_may_run_until_its_claims_are_decided(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until = CLAIMS.replace("on: a toy", "until: decided, max_seeds: 9")
    (here / "page.yaml").write_text(until.replace("[0.1, 0.5]", "[0.1, 0.5, 0.9]"))
    assert not code("page.yaml", "--run", "--only", "B1", "--workers", "1", "--wandb", "disabled")
    assert "supported" in capsys.readouterr().out
    (row,) = check_claims("page.yaml", only=["B1"]).rows
    assert (row.verdict, row.exploratory) == ("supported", "")
    assert row.found.n is not None
    assert 3 <= row.found.n < 9
    assert "rate=0.5 against 0.1: score +0.4" in row.found.words
    # Decided, so nothing is left to run; and a margin is what it needs.
    assert not code("page.yaml", "--run", "--only", "B1")
    (here / "page.yaml").write_text(
        until.replace(", margin: 0.05", "")
        .replace(" s: {", " t: {")
        .replace("study: s", "study: t")
    )
    assert code("page.yaml") == 2
    assert "study 't' of page: comparison 1 of the planned file" in capsys.readouterr().err


def test_a_study_that_is_not_there_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured = MEASURED.replace("study: s", "study: first")
    claim = f"{{id: A, sentence: It helps., source: a page, measured: {measured}}}"
    (here / "page.yaml").write_text(f"claims: [{claim}]")
    assert code("page.yaml") == 2
    assert "claim 'A': there is no study and no file 'first'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pages.yaml"], "there is no file 'pages.yaml'"),
        (["atention"], "`claims` must be one of 'attention', but got 'atention'. Did you mean 'attention'?"),
        (["page.yaml", "--only", "B2"], "there is no claim 'B2' in page, which has "),
        (["page.yaml", "--write", "a.txt"], "answers are written as .md, .csv, .json, but got 'a.txt'."),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told_what_there_is(
    words: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(*words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"agrees": 1, "computed": "x"}, "`agrees` must be True or False, but got 1."),
        ({"agrees": True, "computed": " "}, "`computed` must say what was found, but got ' '."),
        ({"agrees": True, "computed": "x", "number": float("nan")}, "`number` must be finite, but got nan."),
    ],
)  # fmt: skip
def test_a_finding_says_something(fields: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Finding(**fields)  # type: ignore[arg-type]
