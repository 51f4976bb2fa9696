"""A study whose test set is known: what is shown of it, when, and that it is shown once."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ablations.cli.main import main
from analysis.errors import TableError
from analysis.report.sections.limits import limits
from analysis.report.sections.test_set import test_section as section_of
from analysis.tables.study_table import read_study
from analysis.tested.answer import look, stored_answer
from analysis.tested.values import has_test_set
from analysis.tested.words import sentences

Make = Callable[..., Path]
GATE = "attention.gate"
KINDS: dict[str, Any] = {
    # A large effect, and one that three seeds cannot see.
    "effects": {GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.5, "relu": 0.001}},
    "sigma": 0.005,
}
METRICS = {
    "test_loss": {"direction": "minimize", "unit": "nats"},
    "test_accuracy": {"direction": "maximize", "unit": ""},
}


def with_test(folder: Path, *, shift: dict[str, float] | None = None) -> Path:
    """Gives each run a test loss: its validation loss, what is added for its arm, and a little noise."""
    rng, shift = np.random.default_rng(1), shift or {}
    info = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**info, "tested": METRICS}))
    for text in (folder / "plan.jsonl").read_text().splitlines():
        line = json.loads(text)
        result = folder / "runs" / line["run"] / "result.json"
        if result.exists() and json.loads(result.read_text())["state"] == "COMPLETE":
            record = json.loads(result.read_text())
            loss = record["val_loss"] + shift.get(line["label"], 0.0) + rng.normal(0, 0.002)
            beside = result.parent / str(record.get("attempt", 1)) / "test.json"
            beside.parent.mkdir(exist_ok=True)
            beside.write_text(json.dumps({"test_loss": loss, "test_accuracy": 1 - loss}))
    return folder


def answer(folder: Path) -> dict[str, Any]:
    return look(read_study(folder), at="2026-01-02T03:04:05.678+00:00")


def said_limits(folder: Path) -> list[str]:
    """Of the parts of the evidence that limits read; all of it takes seconds."""
    table = read_study(folder)
    parts = {"tested": stored_answer(folder), "has_test_set": has_test_set(table)}
    return limits(SimpleNamespace(table=table, runs=table.complete(), **parts))  # type: ignore[arg-type]


def rows_of(found: dict[str, Any], metric: str = "test_loss") -> dict[str, dict[str, Any]]:
    return {row["label"]: row for row in found["comparisons"] if row["metric"] == metric}


def test_only_the_baseline_the_best_and_what_was_decided_are_shown(make_study: Make) -> None:
    effects = {GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.5, "relu": 0.001, "tanh": -0.001}}
    folder = with_test(make_study("some", effects=effects, sigma=0.005))
    best = read_study(folder).frame.groupby("label")["val_loss"].mean().idxmin()
    found = answer(folder)
    assert set(rows_of(found)) == {"gate=one_plus_tanh", best} - {"baseline"}
    assert {one["label"] for one in found["arms"]} == {"baseline", "gate=one_plus_tanh", best}


def test_the_interval_is_the_paired_one_of_the_seeds(make_study: Make) -> None:
    folder = with_test(make_study("paired", **KINDS))
    row = rows_of(answer(folder))["gate=one_plus_tanh"]
    table = read_study(folder).frame
    tests = {
        (run.label, run.seed): json.loads(
            (folder / "runs" / str(run.run) / "1" / "test.json").read_text()
        )["test_loss"]
        for run in table.itertuples()
    }
    d = np.array([tests["gate=one_plus_tanh", s] - tests["baseline", s] for s in range(5)])
    half = 2.7764451 * d.std(ddof=1) / np.sqrt(5)
    assert row["estimate"] == pytest.approx(d.mean())
    assert (row["low"], row["high"]) == pytest.approx((d.mean() - half, d.mean() + half))
    assert row["n_pairs"] == 5


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (0.0, "as on the validation data"),
        (-1.0, "the other way round than on the validation data"),
    ],
)
def test_it_says_whether_a_conclusion_holds(make_study: Make, shift: float, said: str) -> None:
    folder = with_test(make_study("holds", **KINDS), shift={"gate=one_plus_tanh": shift})
    lines = [line for line in sentences(answer(folder)) if line.startswith("gate=one_plus_tanh")]
    assert len(lines) == 2  # loss and accuracy, which point in opposite directions
    assert all(said in line for line in lines)


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (0, []),
        (1, ["1 run that counts now had not ended when it was looked at; it is not in these numbers."]),
        (2, ["2 runs that count now had not ended when it was looked at; they are not in these numbers."]),
    ],
)  # fmt: skip
def test_the_report_has_a_section_of_it_that_says_what_came_later(
    make_study: Make, later: int, said: list[str]
) -> None:
    table = read_study(with_test(make_study("shown", **KINDS)))
    found = look(table, at="2026-01-02T03:04:05.678+00:00")
    found["runs"] -= later
    parts = {"tested": found, "runs": table.complete(), "table": table}
    (section,) = section_of(SimpleNamespace(**parts))  # type: ignore[arg-type]
    assert section.text[0] == sentences(found)[0]
    assert list(section.text[1:]) == said
    against, arms = section.parts
    frame = against.frame.set_index(["label", "metric"])  # type: ignore[union-attr]
    row = rows_of(found)["gate=one_plus_tanh"]
    assert frame.loc[("gate=one_plus_tanh", "test loss"), "estimate"] == row["estimate"]
    assert frame.loc[("gate=one_plus_tanh", "test loss"), "holds"] == "holds"
    marks = dict(zip(arms.frame["label"], arms.mark, strict=True))  # type: ignore[union-attr]
    assert {label for label, mark in marks.items() if mark} == {"baseline"}


def test_without_a_look_the_report_has_no_such_section(make_study: Make) -> None:
    table = read_study(with_test(make_study("not_shown", **KINDS)))
    parts = {"tested": None, "runs": table.complete(), "table": table}
    assert list(section_of(SimpleNamespace(**parts))) == []  # type: ignore[arg-type]


def test_no_reader_shows_it_before(make_study: Make, capsys: pytest.CaptureFixture[str]) -> None:
    folder = with_test(make_study("unseen", **KINDS))
    table = read_study(folder)
    assert not [name for name in table.frame if str(name).startswith("test")]
    assert any("test set was not looked at yet: `ablate test`" in x for x in said_limits(folder))
    with pytest.raises(TableError, match="`metric` of a study must be one of"):
        read_study(folder, metric="test_loss")
    for command in ("effects", "status"):
        main([command, str(folder)])
        assert "test_loss" not in capsys.readouterr().out


def test_it_is_looked_at_once_and_asking_again_gives_the_same(
    make_study: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = with_test(make_study("once", **KINDS))
    main(["test", str(folder)])
    first = capsys.readouterr().out
    stored = (folder / "test.json").read_bytes()
    with_test(folder, shift={"gate=one_plus_tanh": -3.0})
    main(["test", str(folder)])
    assert capsys.readouterr().out == first
    assert (folder / "test.json").read_bytes() == stored
    assert not [line for line in said_limits(folder) if "test set" in line]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({"waiting": [(1, 1)]}, r"is looked at once, at the end, but 1 of 15 runs of '\w+' have not ended"),
        ({"stage": "search"}, r"is a search, which proposes and concludes nothing"),
    ],
)  # fmt: skip
def test_it_is_not_looked_at_before_the_end(
    make_study: Make, kind: dict[str, Any], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        answer(with_test(make_study("early", **KINDS, **kind)))


def test_a_study_without_one_says_how_to_declare_it(make_study: Make) -> None:
    with pytest.raises(TableError, match=r"has no test set: it must be declared before the runs"):
        answer(make_study("none", **KINDS))


def test_averages_over_a_factorial_are_answered_as_they_were_concluded(make_study: Make) -> None:
    squeeze = {"attention.squeeze": {"avg": 0.0, "max": 0.3}}
    effects = {GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.5}, **squeeze}
    found = answer(with_test(make_study("crossed", effects=effects, sigma=0.003)))
    rows = rows_of(found)
    assert rows["gate=one_plus_tanh"]["estimate"] == pytest.approx(0.5, abs=0.02)
    assert rows["squeeze=max"]["estimate"] == pytest.approx(0.3, abs=0.02)
    assert rows["gate=one_plus_tanh"]["arm"] == ""


def test_a_damaged_answer_is_said(make_study: Make) -> None:
    folder = with_test(make_study("damaged", **KINDS))
    (folder / "test.json").write_text('{"looked": "yesterday"}')
    with pytest.raises(TableError, match=r"test.json is damaged: .* what was seen first"):
        stored_answer(folder)


def test_a_test_value_that_is_no_number_is_said(make_study: Make) -> None:
    folder = with_test(make_study("broken", **KINDS))
    path = next(folder.glob("runs/*/1/test.json"))
    path.write_text('{"test_loss": "low"}')
    with pytest.raises(TableError, match=r"damaged: `test_loss` must be a finite number"):
        answer(folder)


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("fixed", "over initialisations and the order of training only, not over splits"),
        ("per_seed", r"over initialisations and splits of this one data set"),
    ],
)
def test_the_report_says_over_what_intervals_hold(make_study: Make, split: str, said: str) -> None:
    folder = make_study("over", **KINDS)
    info = json.loads((folder / "study.json").read_text())
    info["space"]["baseline"] = {"data": {"split": split, "val_fraction": 0.5}}
    (folder / "study.json").write_text(json.dumps(info))
    lines = [line for line in said_limits(folder) if said in line]
    assert len(lines) == 1
    # sqrt(1 + 5 seeds x 0.5 / 0.5)
    assert ("2.4 times (Nadeau and Bengio 2003)" in lines[0]) == (split == "per_seed")
