from typing import Any

import pytest
from plain_arms import Arm, arms, declared

from analysis.errors import TableError
from analysis.planned.comparisons import parse_comparisons
from analysis.sequential.rule import rule_hash, until_decided

GATES = [Arm(f"a{i}", gate, {"attention.gate": gate}) for i, gate in enumerate("stu")]


def planned(**changes: Any) -> dict[str, Any]:
    entry = {"factor": "gate", "levels": ["s", "t"], "margin": 0.1}
    return parse_comparisons({"comparisons": [{**entry, **changes}]})


def test_the_rule_is_written_down_with_its_hash() -> None:
    content = declared(until_decided(margin=0.5, max_seeds=6), 2)
    assert [entry["margin"] for entry in content["comparisons"]] == [0.5, 0.5]
    assert content["hash"] == rule_hash(content)
    assert content["hash"] != declared(until_decided(margin=0.4, max_seeds=6), 2)["hash"]
    assert len(content["boundaries"]["differs"]) == 2
    assert len(content["boundaries"]["small"][0]) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": 0.0}, r"`margin > 0` must hold, but got 0\.0"),
        ({"margin": float("nan")}, r"`margin > 0` must hold, but got nan"),
        ({"margin": None}, "`margin` must be given"),
        ({"max_seeds": 2}, "`max_seeds` must be at least 3"),
        ({"first_look": 1}, "`first_look >= 2` must hold, but got 1"),
        ({"alpha": 0.5}, r"`0 < alpha < 0\.5` must hold, but got 0\.5"),
    ],
)
def test_a_rule_that_could_decide_nothing_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        until_decided(**{"margin": 1.0, "max_seeds": 20, **changes})


def test_a_space_of_the_baseline_alone_is_refused() -> None:
    with pytest.raises(TableError, match="needs an arm to compare with its baseline"):
        declared(until_decided(margin=1.0, max_seeds=5), 0)


def test_planned_comparisons_bring_their_own_margins() -> None:
    rule = until_decided(max_seeds=5, planned=planned())
    content = rule.declared(GATES, metric="val_loss", direction="minimize")
    assert [(e["arm"], e["margin"]) for e in content["comparisons"]] == [("a1", 0.1)]
    mixed = until_decided(margin=0.3, max_seeds=5, planned=planned(margin=None, levels=["s", "u"]))
    content = mixed.declared(GATES, metric="val_loss", direction="minimize")
    assert [(e["arm"], e["margin"]) for e in content["comparisons"]] == [("a2", 0.3)]


@pytest.mark.parametrize(
    ("content", "margin", "message"),
    [
        (planned(direction="lower"), None, "comparison 1 of the planned file is one-sided"),
        (planned(), 0.2, r"has the margin 0\.1, but `margin` is 0\.2"),
        (planned(seeds=9), None, "says `seeds: 9`, but `max_seeds` is 5"),
        (planned(margin=None), None, "comparison 1 of the planned file has no `margin`"),
        (planned(levels=["t", "s"]), None, "compares with attention.gate = 't'"),
        (planned(factor="placement"), None, "names 'placement', but the study varies"),
        (planned(levels=["s", "x"]), None, "needs an arm with attention.gate = 'x'"),
    ],
)
def test_a_planned_file_that_contradicts_the_rule_is_refused(
    content: dict[str, Any], margin: float | None, message: str
) -> None:
    with pytest.raises(TableError, match=message):
        until_decided(margin=margin, max_seeds=5, planned=content).declared(
            GATES, metric="val_loss", direction="minimize"
        )


def test_a_plan_for_adding_seeds_is_refused() -> None:
    content = planned()
    content["adding_seeds"] = {"plan": "confirm"}
    with pytest.raises(TableError, match="the planned file says `adding_seeds: confirm`"):
        until_decided(max_seeds=5, planned=content)


def test_crossed_factors_are_refused() -> None:
    grid = [Arm(f"a{i}{j}", f"{i}{j}", {"x": i, "y": j}) for i in range(2) for j in range(2)]
    with pytest.raises(TableError, match="'11' crosses factors"):
        until_decided(margin=1.0, max_seeds=5).declared(grid, metric="m", direction="minimize")


def test_arms_keep_their_order() -> None:
    content = declared(until_decided(margin=1.0, max_seeds=4), 3)
    assert [entry["arm"] for entry in content["comparisons"]] == [arm.id for arm in arms(3)[1:]]
