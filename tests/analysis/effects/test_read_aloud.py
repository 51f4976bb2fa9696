"""Whole answers on tables of every kind, read as somebody would who must decide: none wrong, none against another."""

from functools import cache
from pathlib import Path

import pytest

from analysis.effects.component_report import ComponentReport, component_report
from analysis.tables.csv_table import read_csv

CASES = Path(__file__).parents[1] / "cases" / "effects"
NAMES = sorted(path.stem for path in CASES.glob("*.csv"))
MARGINS = (None, 0.01)
CROSSED = {"gate": "sigmoid", "reduction": 4, "squeeze": "avg"}


@cache
def answer(name: str, margin: float | None) -> ComponentReport:
    baseline = CROSSED if name == "crossed_grid" else None
    return component_report(read_csv(CASES / f"{name}.csv", baseline=baseline), margin=margin)


def verdicts(found: ComponentReport) -> dict[str, str]:
    rows = found.effects.family
    return dict(zip(rows["label"], rows["verdict"], strict=True))


def about(found: ComponentReport, label: str) -> str:
    """The sentence of a comparison; that of an interaction begins with two."""
    begins = tuple(
        f"{label}{after}" for after in (":", " (over", " matters", " is ", " depends", " diff")
    )
    (line,) = [said for said in found.sentences() if said.startswith(begins)]
    return line


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_contradicts_another(name: str, margin: float | None) -> None:
    found = answer(name, margin)
    lines = found.sentences()
    assert len(lines) == len(set(lines))
    for row in found.effects.family.to_dict("records"):
        outside = row["sim_low"] > 0 or row["sim_high"] < 0
        if row["verdict"] in ("matters", "differs"):
            assert outside
        if row["verdict"] == "undecided":
            assert not outside
            assert row["seeds_needed_low"] <= row["seeds_needed"] <= row["seeds_needed_high"]
        if row["verdict"] == "matters" and margin is not None:
            assert abs(row["estimate"]) > margin
        if row["verdict"] == "depends":
            label = row["label"]
            seen = found.interactions.seen_of(row["factor"], row["level"])
            assert about(found, label).startswith(f"{label} depends on ") == seen
            assert label not in found.dead_weight["label"].tolist()
    said = " ".join(lines)
    if margin is None:
        assert "negligible" not in said.replace("nothing can be called negligible", "")
    assert ("looks at the data" in said) == ("undecided" in said)


def test_a_crossing_interaction_decides_in_place_of_its_averages() -> None:
    found = answer("crossed_grid", 0.01)
    assert verdicts(found) == {
        "reduction=8": "negligible",
        "reduction=16": "negligible",
        "gate=tanh": "depends",
        "gate=hard": "depends",
        "squeeze=max": "depends",
        "gate=tanh where squeeze=avg": "matters",
        "gate=hard where squeeze=avg": "matters",
        "gate=tanh where squeeze=max": "matters",
        "gate=hard where squeeze=max": "matters",
        "squeeze=max where gate=sigmoid": "matters",
        "squeeze=max where gate=tanh": "negligible",
        "squeeze=max where gate=hard": "matters",
    }
    line = about(found, "squeeze=max")
    assert line.startswith("squeeze=max depends on gate: -0.0408 [")
    assert line.endswith(
        "Averaged over 9 backgrounds it is +0.000251, an average of unlike effects."
    )
    assert found.dead_weight.empty
    assert len([s for s in found.sentences() if "Adding up" in s]) == 1
    # An interaction of the ratio within the margin could not have been seen: its verdicts say that they are averages.
    assert any(
        s.startswith("An interaction of the size")
        and "reduction=8 and reduction=16 are averages" in s
        for s in found.sentences()
    )


@pytest.mark.parametrize("name", ["crossing", "crossing_params"])
def test_a_crossing_of_two_factors_matters_on_both_sides(name: str) -> None:
    found = answer(name, None)
    assert set(verdicts(found).values()) == {"depends", "matters"}
    assert "squeeze=max depends on gate: +0.0" in about(found, "squeeze=max")


def test_a_partial_interaction_matters_where_it_acts_alone() -> None:
    found = verdicts(answer("partial", 0.01))
    assert found["squeeze=max"] == "depends"
    assert found["squeeze=max where gate=tanh"] == "matters"
    assert found["squeeze=max where gate=sigmoid"] == "undecided"


def test_a_dead_factor_is_negligible_on_average_and_adding_up_is_one_sentence() -> None:
    found = answer("dead_factor", 0.01)
    assert {v for k, v in verdicts(found).items() if k.startswith("act")} == {"negligible"}
    said = found.sentences()
    assert len([s for s in said if s.startswith("Adding up: no departure was seen in 8 arms")]) == 1
    assert any("could have gone unseen" in s and "act=gelu" in s for s in said)


def test_an_arm_whose_runs_all_failed_is_named() -> None:
    for name in ("failed_arm", "half_failed"):
        lines = answer(name, None).sentences()
        assert "Not compared, since no run may enter: arch=d (5 state FAILED)." in lines


@pytest.mark.parametrize("name", ["one_run_per_arm", "one_seed", "deterministic"])
def test_one_run_per_arm_gives_differences_without_verdicts(name: str) -> None:
    found = answer(name, 0.01)
    assert set(verdicts(found).values()) == {"untested"}
    rows = found.effects.family
    assert rows["estimate"].notna().all()
    assert rows[["p", "sim_low", "ci95_low"]].isna().all(axis=None)
    first = rows["label"].iloc[0]
    repeated = "runs of one arm that have one value count once (was the seed applied?), so nothing repeats."
    once = "one run per arm; at least 2 seeds are needed."
    why = repeated if name == "deterministic" else once
    assert about(found, first).endswith(f"no verdict: {why}")


@pytest.mark.parametrize("name", ["constant", "rounding"])
def test_differences_at_the_level_of_rounding_are_none(name: str) -> None:
    found = answer(name, 0.01)
    assert set(verdicts(found).values()) == {"untested"}
    assert found.effects.family["estimate"].tolist() == [0.0, 0.0]
    assert found.dead_weight.empty


def test_a_difference_that_never_varies_has_no_verdict() -> None:
    found = answer("two_seeds_exact", None)
    line = about(found, "arch=b")
    assert line.startswith("arch=b: -0.250, no verdict: it is the same in every seed")
    assert any("the seed was not applied" in s for s in found.sentences())


@pytest.mark.parametrize(("name", "scale"), [("tiny", 1e12), ("huge", 1e3)])
def test_the_unit_of_the_loss_changes_no_verdict(name: str, scale: float) -> None:
    found = answer(name, None)
    assert verdicts(found) == {"arch=b": "undecided", "arch=c": "undecided", "arch=d": "matters"}
    # The two tables have the same differences, but for the unit.
    size = found.effects.family.set_index("label")["estimate"]["arch=d"]
    assert size * scale == pytest.approx(5.985, rel=1e-3)


def test_the_winner_is_found_and_the_advice_is_uncertain() -> None:
    found = answer("winner", None)
    assert verdicts(found)["arch=e"] == "matters"
    rows = found.effects.family.set_index("label")
    quiet = rows.loc["arch=d"]
    assert quiet["verdict"] == "undecided"
    assert quiet["seeds_needed_low"] < 100 < quiet["seeds_needed_high"]


def test_a_level_without_an_interaction_of_its_own_is_not_said_to_depend() -> None:
    found = answer("uneven_levels", 0.01)
    assert about(found, "gate=hard").startswith("gate=hard depends on squeeze: ")
    line = next(s for s in found.sentences() if s.startswith("gate=tanh"))
    assert line.startswith(
        "gate=tanh is decided at each setting of squeeze, since another level of gate depends on it: "
    )
    assert line.endswith("no interaction of this level was seen.")
    # That two levels interact and that adding up holds cannot both be said.
    [adding] = [s for s in found.sentences() if s.startswith("Adding up")]
    assert "no departure" not in adding


def test_two_seeds_are_said_to_tell_little() -> None:
    found = answer("two_seeds", None)
    assert verdicts(found) == {"arch=b": "matters"}
    assert any("with two seeds one number tells each error" in s for s in found.sentences())
    assert not any("two seeds" in s for s in answer("winner", None).sentences())


def test_repeated_values_are_not_called_one_run_per_arm() -> None:
    line = about(answer("repeated_value", None), "gate=tanh")
    assert line.endswith("count once (was the seed applied?), so nothing repeats.")
