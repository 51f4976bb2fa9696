from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from analysis.contrasts.multiplicity import holm
from analysis.planned.comparisons import content_hash, parse_comparisons
from analysis.planned.planned import report_planned
from analysis.planned.spending import nominal_levels
from analysis.tables.csv_table import from_frame
from analysis.tables.study_table import read_study

Make = Callable[..., Path]
GATE = "attention.gate"
ARMS = {GATE: {"sigmoid": 0.0, "one_plus_tanh": 0.05}}


def plan(**changes: Any) -> dict[str, Any]:
    entry = {"factor": GATE, "levels": ["sigmoid", "one_plus_tanh"], "margin": 0.02}
    return parse_comparisons({"seeds": 5, "comparisons": [entry], **changes})


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
    assert row["p_adjusted"] > row["p"]
    level = nominal_levels([5, 8, 12], alpha=0.05, spending="obrien_fleming")[1]
    half = stats.t.isf(level / 2, row["df"]) * row["se"]
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half)


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
        "1 run does not count (state FAILED)",
        "`attention.gate` at ['sigmoid', 'two_sigmoid'] was planned but has no complete runs",
    ]
    assert len([line for line in report.sentences() if line.startswith("Deviation")]) == 4


def tabled(
    content: dict[str, Any], seeds: list[int], *, missing: tuple[tuple[int, str], ...] = ()
) -> Any:
    """A report on two arms whose difference in a seed is a hundredth of its number."""
    rows = [
        {
            "gate": gate,
            "seed": s,
            "arm": gate,
            "val_loss": 1.0 + s / 7 + (0.01 * s if gate == "tanh" else 0.0),
        }
        for s in seeds
        for gate in ("sigmoid", "tanh")
        if (s, gate) not in missing
    ]
    table = from_frame(pd.DataFrame(rows), baseline={"gate": "sigmoid"}, factors=["gate"])
    stored = replace(table, planned=content, planned_hash=content_hash(content))
    report = report_planned(stored)
    assert report is not None
    return report


TWO = {"factor": "gate", "levels": ["sigmoid", "tanh"], "margin": 0.02}
SPENDING = {"plan": "alpha_spending", "looks": [3, 5]}


def test_the_first_seeds_are_those_that_came_first_not_the_smallest() -> None:
    content = parse_comparisons({"seeds": 3, "comparisons": [TWO]})
    report = tabled(content, [10, 11, 12, 0, 1])
    assert report.basis == "the first 3 seeds"
    assert report.frame["estimate"].tolist() == pytest.approx([0.11])
    assert report.deviations == [
        "2 seeds were added without a declared plan; they do not count here"
    ]


def test_the_seeds_that_a_study_lists_come_first(make_study: Make) -> None:
    table = read_study(make_study(effects=ARMS, planned=plan(seeds=2), seeds=4))
    listed = replace(table, info={**table.info, "seeds": [3, 2]})
    first, last = (report_planned(t) for t in (table, listed))
    assert first is not None
    assert last is not None
    loss = table.frame.pivot_table(index="seed", columns=GATE, values="val_loss")
    apart = loss["one_plus_tanh"] - loss["sigmoid"]
    assert first.frame["estimate"][0] == pytest.approx(apart[[0, 1]].mean())
    assert last.frame["estimate"][0] == pytest.approx(apart[[2, 3]].mean())


def test_before_the_first_look_there_is_no_verdict() -> None:
    content = parse_comparisons({"seeds": 3, "comparisons": [TWO], "adding_seeds": SPENDING})
    report = tabled(content, [0, 1])
    assert report.frame.empty
    assert report.deviations == []
    assert report.sentences() == [
        "Planned: no verdict yet: look 1 of 2 is at 3 seeds with every arm complete, 1 "
        "more than the 2 that are in."
    ]
    assert report.to_json()["pending"].startswith("look 1 of 2")


def test_a_look_counts_and_uses_whole_seeds_alone() -> None:
    content = parse_comparisons({"seeds": 3, "comparisons": [TWO], "adding_seeds": SPENDING})
    report = tabled(content, [0, 1, 2, 3], missing=((1, "tanh"),))
    assert report.basis == "look 1 of 2 (3 seeds)"
    assert report.frame["seeds"].tolist() == [3]
    assert report.frame["estimate"].tolist() == pytest.approx([0.05 / 3])


def test_one_seed_gives_a_difference_without_an_interval() -> None:
    content = parse_comparisons({"comparisons": [TWO]})
    assert tabled(content, [2]).sentences() == [
        "Planned: gate=tanh against sigmoid: no verdict (+0.0200 without an interval, 1 seed)."
    ]


def several(make_study: Make, direction: str = "two-sided") -> pd.DataFrame:
    """Four levels of a gate planned against a fifth, of which two differ from it."""
    levels = {"a": 0.0, "b": 0.02, "c": 0.017, "d": 0.002, "e": 0.001}
    entry = {"factor": GATE, "levels": list(levels), "direction": direction}
    content = parse_comparisons({"seeds": 5, "comparisons": [entry]})
    folder = make_study(effects={GATE: levels}, planned=content, kappa=0.0, sigma=0.005)
    report = report_planned(replace(read_study(folder), planned_hash=content_hash(content)))
    assert report is not None
    return report.frame


def test_planned_comparisons_are_decided_by_their_joint_law_step_by_step(make_study: Make) -> None:
    frame = several(make_study)
    p, adjusted, steps = (
        frame["p"].to_numpy(),
        frame["p_adjusted"].to_numpy(),
        holm(frame["p"].to_numpy()),
    )
    assert (adjusted >= p).all()
    assert (adjusted <= steps).all()
    # They share the reference: where p are not tiny the joint law is well below Holm's.
    middle = (p > 0.003) & (steps < 1)
    assert middle.any()
    assert (adjusted[middle] < 0.97 * steps[middle]).all()
    # The largest p stands alone by then.
    assert adjusted[p.argmax()] == pytest.approx(max(p.max(), adjusted[p.argsort()[-2]]))


def test_comparisons_with_a_direction_are_decided_by_holm(make_study: Make) -> None:
    frame = several(make_study, "higher")
    assert frame["p_adjusted"].tolist() == pytest.approx(holm(frame["p"].to_numpy()).tolist())
