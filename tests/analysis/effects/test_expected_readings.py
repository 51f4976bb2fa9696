"""Tables of every kind with the verdicts that somebody who knows how they came about would give."""

from pathlib import Path
from typing import Any

import pytest

from analysis.effects.compare import compare
from analysis.effects.component_report import component_report
from analysis.errors import TableError
from analysis.tables.csv_table import read_csv
from analysis.tradeoff.width.width import fit_width

CASES = Path(__file__).parents[1] / "cases" / "aloud"
ONCE = "one run per arm; at least 2 seeds are needed."


def said(name: str, *, margin: float | None = None, **options: Any) -> list[str]:
    return component_report(read_csv(CASES / f"{name}.csv", **options), margin=margin).sentences()


@pytest.mark.parametrize(
    ("name", "margin", "begins"),
    [
        ("winner", 0.01, ["gate=relu matters: it lowers", "gate=hard is undecided", "gate=tanh is undecided"]),
        ("tie", None, ["gate=tanh is undecided"]),
        ("tie", 0.02, ["gate=tanh is negligible"]),
        ("crossing", 0.01, ["gate=tanh and squeeze=max interact", "Adding up fails", "gate=tanh depends on squeeze",
                            "squeeze=max depends on gate"]),
        ("two_data", 0.01, ["dataset=svhn and block=se interact", "Adding up fails", "dataset=svhn depends on block",
                            "block=se depends on dataset"]),
        ("failed_gate", 0.01, ["gate=tanh matters: it lowers", "gate=hard is undecided"]),
        ("two_by_two", 0.01, ["gate=tanh matters: it lowers"]),
        ("tiny", None, ["gate=hard matters: it raises", "gate=tanh is undecided"]),
        ("tiny", 0.01, ["gate=hard is negligible", "gate=tanh is negligible"]),
        ("millions", 0.01, ["gate=hard matters: it raises", "gate=tanh is undecided"]),
        ("gpu_column", 0.01, ["arch=c matters: it lowers", "arch=b is undecided"]),
        ("big", 0.01, ["arch=d matters: it raises", "arch=b is undecided", "arch=c is undecided"]),
        ("wide_ratios", 0.01, ["reduction=10000 matters", "reduction=100 is undecided",
                               "reduction=1000 is undecided", "reduction=10 is undecided"]),
        ("wide_ratios_big", 1.5, ["reduction=10000 matters", "reduction=100 is undecided"]),
    ],
)  # fmt: skip
def test_losses_are_read_as_they_came_about(name: str, margin: float, begins: list[str]) -> None:
    lines = said(name, margin=margin)
    for line, start in zip(lines, begins, strict=False):
        assert line.startswith(start)
    assert not any(line.startswith("gate=hard matters") and name == "winner" for line in lines)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("accuracy", ["arch=d matters: it lowers", "arch=b matters: it raises", "arch=c is undecided"]),
        # The differences are real and small; the reader warns that values near 1 are squeezed.
        ("accuracy_near_1", ["block=eca matters: it raises", "block=se matters: it raises",
                             "block=cbam differs from zero: it lowers"]),
        ("accuracy_ties", ["gate=hard: +0.00500, no verdict: it is the same in every seed",
                           "gate=tanh: 0, no verdict: it is the same in every seed"]),
        ("accuracy_repeated", ["arch=c: +0.00500, no verdict: runs of one arm that have one value count once",
                               "arch=b: 0, no verdict: runs of one arm that have one value count once"]),
    ],
)  # fmt: skip
def test_accuracies_are_read_as_they_came_about(name: str, begins: list[str]) -> None:
    lines = said(name, margin=0.01, metric="val_accuracy")
    for line, start in zip(lines, begins, strict=False):
        assert line.startswith(start)


@pytest.mark.parametrize("name", ["accuracy_near_1", "accuracy_ties", "accuracy_repeated"])
def test_a_reader_of_accuracies_is_warned(name: str) -> None:
    table = read_csv(CASES / f"{name}.csv", metric="val_accuracy")
    assert any("near the end of its range" in doubt for doubt in table.doubts)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("one_seed_ratio", {}),
        ("gates_once", {"metric": "top1_err"}),
        ("squeezes_once", {"metric": "top1_err", "factors": ["squeeze"]}),
        ("places_once", {"metric": "top1_err", "factors": ["design"]}),
        ("places_twice", {"metric": "top1_err", "factors": ["design"]}),
    ],
)
def test_published_tables_of_one_run_per_arm_have_differences_alone(
    name: str, options: Any
) -> None:
    lines = said(name, margin=0.1, **options)
    differences = [line for line in lines if line.endswith(ONCE)]
    assert len(differences) >= 1
    assert lines[: len(differences)] == differences
    assert not any("Reservations" in line or "matters" in line for line in lines)


def test_a_column_whose_values_never_repeat_is_a_factor_once_it_is_named() -> None:
    with pytest.raises(TableError, match="name the column: --factors NAME"):
        said("squeezes_once", metric="top1_err")


def test_forty_arms_without_effects_have_no_verdict_that_one_matters() -> None:
    found = component_report(read_csv(CASES / "forty_gates.csv")).effects.family
    assert len(found) == 39
    assert set(found["verdict"]) == {"undecided"}


@pytest.mark.parametrize(("pair", "verdict"), [("x03", "differs"), ("x04", "no difference seen")])
def test_two_studies_agree_or_not(pair: str, verdict: str) -> None:
    a, b = (read_csv(CASES / f"{pair}_{one}.csv") for one in "AB")
    assert verdict in compare(a, b).sentences()[0]


@pytest.mark.parametrize("name", ["widths", "widths_log"])
def test_widths_made_by_the_theory_reject_its_rival_alone(name: str) -> None:
    lines = fit_width([read_csv(CASES / f"{name}.csv")]).sentences()
    assert "2/3 (the theory) is not rejected" in lines[1]
    assert "4/3 (its rival) is rejected" in lines[2]
