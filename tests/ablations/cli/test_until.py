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


def test_a_metric_whose_direction_is_unknown_is_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "subject: f:train\nmetric: {name: score}\nbaseline: {x: 0}\nfactors: [{name: x, levels: [0, 1]}]\n"
    (tmp_path / "no_way.yaml").write_text(text)
    words = ["run", str(tmp_path / "no_way.yaml"), "--until", "decided", "--margin", "1"]
    assert "`direction` must be given. Say which way the metric is better: `minimize` or" in said(
        words, capsys
    )


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


def test_the_plan_until_r_star_is_narrow(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "reduction", "--until", "width", "--snr"]
    main([*words, "2", "--max-seeds", "12", "--hours-per-run", "0.5", "--json"])
    (row,) = json.loads(capsys.readouterr().out)["until"]
    assert row["runs_worst"] == 12 * 6
    assert row["narrow"] > 0.8
    assert row["hours"] == row["runs"] / 2 < row["runs_worst"] / 2
    main([*words, "0.2", "--max-seeds", "6"])
    assert "These ratios hardly carry an r* that narrow. With the ratio 32" in "".join(
        capsys.readouterr().out.splitlines()
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["reduction", "--until", "width"], "how far the loss rises over the ratios, in its noise: give --snr"),
        (["reduction", "--until", "width", "--margin", "1"], "`--margin` says nothing of a study that runs --until w"),
        (["gate", "--until", "decided", "--snr", "1"], "`--snr` says nothing of a study that runs --until decided"),
        (["gate", "--until", "width", "--snr", "1"], "r* needs arms with at least two reduction ratios"),
        (["reduction", "--until", "width", "--snr", "1", "--max-seeds", "4"], "`max_seeds` must be at least 5"),
    ],
)  # fmt: skip
def test_a_plan_refuses_what_it_would_not_read(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in said(["plan", *words], capsys)
