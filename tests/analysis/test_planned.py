from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import TableError
from analysis.planned import content_hash, load_comparisons, parse_comparisons, report_planned
from analysis.spending import nominal_levels, repeated_p
from analysis.table import read_study

Make = Callable[..., Path]
GATE = "attention.gate"
ARMS = {GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.05}}


def plan(**changes: Any) -> dict[str, Any]:
    entry = {"factor": GATE, "levels": ["sigmoid", "one_plus_tanh"], "margin": 0.02}
    return parse_comparisons({"seeds": 5, "comparisons": [entry], **changes})


def test_a_file_is_parsed_with_its_defaults_and_hashed(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.yaml"
    path.write_text(
        "seeds: 5\ncomparisons:\n  - {factor: attention.gate, levels: [sigmoid, one_plus_tanh]}\n"
    )
    found = load_comparisons(path)
    assert found.content == {
        "metric": "val_loss",
        "alpha": 0.05,
        "seeds": 5,
        "comparisons": [
            {"factor": GATE, "levels": ["sigmoid", "one_plus_tanh"], "metric": "val_loss",
             "direction": "two-sided", "margin": None, "alpha": 0.05, "seeds": 5}
        ],
        "adding_seeds": {"plan": "none"},
    }  # fmt: skip
    assert found.hash == content_hash(found.content)
    assert len(found.hash) == 64
    path.write_text(path.read_text().replace("5", "6"))
    assert load_comparisons(path).hash != found.hash


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "must hold `comparisons`, but holds a list"),
        ("a: [", "is not readable YAML"),
        ("comparisons: []", "`comparisons` must be a list with at least one entry"),
        ("comparison: []", "the file has the unknown key 'comparison'"),
        ("comparisons: [{levels: [a, b]}]", "comparison 1 lacks `factor`"),
        ("comparisons: [{factor: x, levels: [a]}]", "comparison 1: `levels` must list the reference"),
        ("comparisons: [{factor: x, levels: [a, b], margin: -1}]", "comparison 1: `margin > 0` must hold"),
        ("comparisons: [{factor: x, levels: [a, b], direction: up}]", "comparison 1: `direction` must be one of"),
        ("comparisons: [{factor: x, levels: [a, b], sedes: 3}]", "comparison 1 has the unknown key 'sedes'"),
        ("comparisons: [{factor: x, levels: [a, b], metric: other}]", "`metric` must be one and the same"),
        ("{comparisons: [{factor: x, levels: [a, b]}], adding_seeds: peek}", "`adding_seeds.plan` must be one of"),
        ("{comparisons: [{factor: x, levels: [a, b]}], adding_seeds: {plan: alpha_spending, looks: [8, 5]}}",
         "`looks` must be ascending numbers of seeds"),
        ("{seeds: 4, comparisons: [{factor: x, levels: [a, b]}], adding_seeds: {plan: alpha_spending, looks: [5]}}",
         "the first look must be at `seeds` = 4, but is at 5"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_a_rule_is_told_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        load_comparisons(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="there is no file"):
        load_comparisons(tmp_path / "none.yaml")


def test_nothing_planned_reports_nothing(make_study: Make) -> None:
    assert report_planned(read_study(make_study(effects=ARMS))) is None


def stored(make_study: Make, content: dict[str, Any], name: str = "s", **options: Any) -> Any:
    import dataclasses

    table = read_study(
        make_study(name, effects=ARMS, planned=content, kappa=0.0, sigma=0.005, **options)
    )
    report = report_planned(dataclasses.replace(table, planned_hash=content_hash(content)))
    assert report is not None
    return report


def test_a_planned_comparison_gets_its_verdict(make_study: Make) -> None:
    report = stored(make_study, plan())
    row = report.frame.iloc[0]
    assert (row["verdict"], row["level"], row["against"]) == ("matters", "one_plus_tanh", "sigmoid")
    assert row["low"] < 0.05 < row["high"]
    assert report.deviations == []
    assert report.basis == "5 seeds"


def test_the_order_of_the_levels_sets_the_sign(make_study: Make) -> None:
    entry = {"factor": "gate", "levels": ["one_plus_tanh", "sigmoid"]}
    back = stored(make_study, plan(comparisons=[entry])).frame.iloc[0]
    assert back["estimate"] == pytest.approx(
        -stored(make_study, plan(), "t").frame["estimate"].iloc[0]
    )


def test_a_one_sided_comparison_in_the_wrong_direction_decides_nothing(make_study: Make) -> None:
    entry = {"factor": GATE, "levels": ["sigmoid", "one_plus_tanh"]}
    wrong = stored(make_study, plan(comparisons=[{**entry, "direction": "lower"}]))
    right = stored(make_study, plan(comparisons=[{**entry, "direction": "higher"}]), "t")
    assert wrong.frame["verdict"].tolist() == ["undecided"]
    assert right.frame["verdict"].tolist() == ["matters"]
    assert right.frame["p"][0] == pytest.approx(1 - wrong.frame["p"][0])


def test_seeds_added_without_a_plan_do_not_count(make_study: Make) -> None:
    report = stored(make_study, plan(), seeds=8)
    five = stored(make_study, plan(), "t", seeds=8).frame
    assert report.basis == "the first 5 seeds"
    assert "3 seeds were added without a declared plan; they do not count here" in report.deviations
    assert report.frame["seeds"].tolist() == five["seeds"].tolist() == [5]


def test_seeds_under_a_declared_plan_count_at_its_looks(make_study: Make) -> None:
    content = plan(adding_seeds={"plan": "alpha_spending", "looks": [5, 8, 12]})
    at_look = stored(make_study, content, "a", seeds=8)
    between = stored(make_study, content, "b", seeds=10)
    assert at_look.basis == "look 2 of 3 (8 seeds)"
    assert at_look.deviations == []
    assert between.basis == "look 2 of 3 (8 seeds)"
    assert (
        "10 seeds are in, but no look was declared there; the first 8 decide" in between.deviations
    )
    row = at_look.frame.iloc[0]
    assert row["p_holm"] > row["p"]


def test_fresh_confirm_runs_alone_decide_where_that_was_planned(make_study: Make) -> None:
    import dataclasses

    content = plan(adding_seeds="confirm")
    table = read_study(make_study(effects=ARMS, planned=content, seeds=10, kappa=0.0))
    frame = table.frame.copy()
    frame.loc[frame["seed"] >= 5, "stage"] = "confirm"
    report = report_planned(
        dataclasses.replace(table, frame=frame, planned_hash=content_hash(content))
    )
    assert report is not None
    assert report.basis == "the confirm runs alone"
    assert report.frame["seeds"].tolist() == [5]


def test_every_departure_is_logged(make_study: Make) -> None:
    content = plan(seeds=6, comparisons=[
        {"factor": GATE, "levels": ["sigmoid", "one_plus_tanh"]},
        {"factor": GATE, "levels": ["sigmoid", "two_sigmoid"]},
    ])  # fmt: skip
    table = read_study(make_study(effects=ARMS, planned=content, failed=[(1, 2)]))
    report = report_planned(table)
    assert report is not None
    assert report.deviations == [
        "the stored comparisons do not match their hash: they were changed after the start",
        "6 seeds were planned, but 5 were run",
        "1 runs do not count (state FAILED)",
        "`attention.gate` at ['sigmoid', 'two_sigmoid'] was planned but has no complete runs",
    ]
    assert len([line for line in report.sentences() if line.startswith("Deviation")]) == 4


@pytest.mark.parametrize(
    ("looks", "spending", "z"),
    [
        # Published bounds: Lan and DeMets with O'Brien and Fleming's spending, and Pocock's, alpha .05.
        ([2, 4, 6, 8, 10], "obrien_fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
        ([5, 10], "obrien_fleming", [2.963, 1.969]),
        ([5, 10], "pocock", [2.157, 2.201]),
    ],
)
def test_the_looks_bounds_are_the_published_ones(
    looks: list[int], spending: Any, z: list[float]
) -> None:
    from scipy import stats

    found = stats.norm.isf(np.array(nominal_levels(looks, alpha=0.05, spending=spending)) / 2)
    assert found.tolist() == pytest.approx(z, abs=0.003)


def test_looking_at_every_declared_look_errs_at_alpha() -> None:
    noise = np.random.default_rng(0).standard_normal((40_000, 12))
    score = np.cumsum(noise, axis=1)
    looks = [4, 8, 12]
    levels = nominal_levels(looks, alpha=0.05, spending="pocock")
    from scipy import stats

    hit = [
        np.abs(score[:, n - 1]) / np.sqrt(n) > stats.norm.isf(a / 2)
        for n, a in zip(looks, levels, strict=True)
    ]
    assert np.mean(np.any(hit, axis=0)) == pytest.approx(0.05, abs=0.004)


def test_a_repeated_p_is_alpha_exactly_at_the_nominal_level() -> None:
    levels = nominal_levels([5, 10], alpha=0.05, spending="obrien_fleming")
    for look, level in enumerate(levels, start=1):
        found = repeated_p(np.array([level]), look=look, looks=[5, 10], spending="obrien_fleming")
        assert found[0] == pytest.approx(0.05, rel=0.02)
    assert repeated_p(np.array([0.03]), look=1, looks=[5], spending="pocock").tolist() == [0.03]
