"""What `--until` refuses before the first run, in one sentence, and what `plan --until` says."""

import json
from pathlib import Path

import pytest

from ablations.cli.main import main


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--until", "decided"], "`margin` must be given"),
        (["--until", "decided", "--margin", "0"], "`margin > 0` must hold, but got 0.0"),
        (["--until", "decided", "--margin", "1", "--max-seeds", "2"], "`max_seeds` must be at least 3"),
        (["--margin", "1"], "`--margin` says when a study is settled: add --until decided"),
        (["--until", "decided", "--margin", "1", "--target-width", "1"], "`--target-width` belongs to --until width"),
        (["--until", "width", "--margin", "1"], "`--margin` belongs to --until decided"),
        (["--until", "width"], "r* needs arms with at least two reduction ratios"),
        (["--until", "decided", "--margin", "1", "--seeds", "3"], "`--seeds` is 3"),
        (["--until", "decided", "--margin", "1", "--design", "search"], "a search proposes as it goes"),
        (["--until", "decided", "--margin", "1", "--budget-hours", "0"], "`budget_hours > 0` must hold"),
        (["--until", "decided", "--margin", "1", "--extend"], "`extend` adds to a study"),
        (["--around", "none"], "there is no study 'none'"),
    ],
)  # fmt: skip
def test_bad_words_are_refused_in_a_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = said(["run", "gate", *words, "--root", str(tmp_path)], capsys)
    assert sentence in error
    assert error.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_the_plan_has_expected_and_worst_runs_beside_the_fixed_design(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [
        "plan",
        "gate",
        "--until",
        "decided",
        "--margin",
        "0.01",
        "--sigma",
        "0.005",
        "--max-seeds",
        "8",
    ]
    main([*words, "--hours-per-run", "0.5", "--json"])
    found = json.loads(capsys.readouterr().out)["until"]
    assert [row["runs_worst"] for row in found] == [32, 32, 32]
    assert all(row["runs"] < 32 and row["hours"] == row["runs"] / 2 for row in found)
    assert "`--max-seeds` belongs to" in said(["plan", "gate", "--max-seeds", "8"], capsys)
    assert "needs the noise of a run" in said(words[:6], capsys)
