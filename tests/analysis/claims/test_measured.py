from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from analysis.claims.answer import Found, together
from analysis.claims.claims import Claim, ClaimsFile, ClaimStudy, Measured
from analysis.claims.measured import measured
from analysis.claims.planned_claims import departure, measured_of, planned_claims
from analysis.errors import TableError
from analysis.planned.comparisons import content_hash
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable
from analysis.tables.study_table import read_study

NOISE = (0.011, -0.007, 0.004, -0.012, 0.006, -0.002)


def table(**shift: float) -> RunsTable:
    """Six seeds of arms that differ from `sigmoid` by so much, with noise of about 0.01."""
    rows = [
        {"gate": gate, "seed": s, "val_loss": 1 + s / 7 + (by + NOISE[s] * (i + 1) / 2 if i else 0)}
        for i, (gate, by) in enumerate({"sigmoid": 0.0, **shift}.items())
        for s in range(6)
    ]
    return from_frame(pd.DataFrame(rows), baseline={"gate": "sigmoid"}, factors=["gate"])


def asked(direction: Any, *levels: str, margin: float | None = None) -> Measured:
    return Measured(
        study="s", factor="gate", levels=("sigmoid", *(levels or ("tanh",))), direction=direction, margin=margin
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shift", "direction", "margin", "verdict"),
    [
        (-0.3, "lower", None, "supported"),
        (-0.3, "higher", None, "contradicted"),
        (-0.3, "lower", 0.1, "supported"),
        (-0.3, "differs", 0.1, "supported"),
        (-0.3, "same", 0.1, "contradicted"),
        (-0.03, "lower", 0.1, "loose"),
        (-0.03, "higher", 0.1, "contradicted"),
        (0.0, "lower", 0.1, "contradicted"),
        (0.0, "differs", 0.1, "contradicted"),
        (0.0, "same", 0.1, "supported"),
        (0.0, "lower", None, "undecided"),
        (0.002, "same", 0.004, "undecided"),
    ],
)
def test_direction_and_margin_decide(
    shift: float, direction: str, margin: float | None, verdict: str
) -> None:
    found = measured(asked(direction, margin=margin), table(tanh=shift), planned=False)
    assert found.verdict == verdict
    assert found.number == pytest.approx(shift, abs=0.001)
    assert found.low is not None
    assert found.high is not None
    assert found.low < shift < found.high
    assert found.n == 6


def test_an_undecided_claim_says_what_it_needs() -> None:
    found = measured(asked("lower", margin=0.004), table(tanh=0.002), planned=False)
    assert found.verdict == "undecided"
    assert "more seeds, declared before they are run" in found.where


def test_a_loose_claim_says_where_it_is_true() -> None:
    claim = asked("lower", "tanh", "relu", margin=0.1)
    found = measured(claim, table(tanh=-0.3, relu=0.3), planned=False)
    assert (found.verdict, found.where) == ("loose", "gate=tanh against sigmoid")
    assert "gate=relu against sigmoid: val_loss +0.3" in found.words


def test_one_seed_decides_nothing() -> None:
    whole = table(tanh=-0.3)
    one = replace(whole, frame=whole.frame[whole.frame["seed"] == 0])
    found = measured(asked("lower"), one, planned=False)
    assert (found.verdict, found.where) == ("undecided", "at least 2 seeds that differ")


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (asked("lower", "relu"), "`gate` must be one of its levels in runs, sigmoid, tanh, but"),
        (replace(asked("lower"), factor="squeeze"), "`factor` must be one that varies in runs, gate, but"),
        (
            Measured(study="s", direction="same", fit="mean", at=(("gate", "relu"),), margin=1),
            "`at` must be levels of an arm",
        ),
    ],
)  # fmt: skip
def test_a_comparison_that_no_run_decides_is_refused(claim: Measured, message: str) -> None:
    with pytest.raises(TableError, match=message):
        measured(claim, table(tanh=0.0), planned=False)


@pytest.mark.parametrize(
    ("direction", "than", "margin", "verdict"),
    [
        ("higher", 1.0, None, "supported"),
        ("lower", 1.0, None, "contradicted"),
        ("differs", 1.0, None, "supported"),
        ("same", 1.35, 0.5, "supported"),
        ("same", 5.0, 0.5, "contradicted"),
        ("differs", 1.35, 0.5, "contradicted"),
        ("lower", 1.4, None, "undecided"),
    ],
)
def test_a_mean_is_held_against_a_number_by_its_interval(
    direction: Any, than: float, margin: float | None, verdict: str
) -> None:
    claim = Measured(
        study="s", direction=direction, fit="mean", at=(("gate", "sigmoid"),), than=than, margin=margin
    )  # fmt: skip
    found = measured(claim, table(tanh=0.0), planned=False)
    assert found.verdict == verdict
    assert found.number == pytest.approx(1 + 2.5 / 7)
    mean = stats.ttest_1samp([1 + s / 7 for s in range(6)], 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((mean.low, mean.high))


@pytest.mark.parametrize(
    ("fit", "more", "verdict"),
    [
        ("kappa", {"direction": "higher"}, "supported"),
        ("kappa", {"direction": "lower"}, "contradicted"),
        ("r_star", {"direction": "lower", "than": 100.0, "price": 1e-6}, "supported"),
    ],
)
def test_a_fitted_number_is_held_against_its_value(
    fit: Any, more: dict[str, Any], verdict: str, make_study: Callable[..., Path]
) -> None:
    runs = read_study(make_study(kappa=2e-4, sigma=0.002))
    found = measured(Measured(study="s", fit=fit, **more), runs, planned=False)
    assert found.verdict == verdict


def test_a_verdict_waits_for_all_runs(make_study: Callable[..., Path]) -> None:
    runs = read_study(make_study(waiting=[(0, 4), (1, 4)]))
    claim = Measured(study="s", fit="kappa", direction="higher")
    found = measured(claim, runs, planned=False)
    assert (found.verdict, found.words, found.where) == (
        "undecided", "23 of 25 runs have ended", "the other 2"
    )  # fmt: skip


def file(*claims: Claim) -> ClaimsFile:
    study = ClaimStudy(
        name="s", space="x", set={}, design="grid", seeds=6, max_seeds=None, metric=None, adding_seeds=None, on=""
    )  # fmt: skip
    return ClaimsFile(name="f", title="t", alpha=0.05, studies={"s": study}, claims=claims)


def claim(sentence: str = "It helps.", **more: Any) -> Claim:
    one = replace(asked("lower", margin=0.1), **more)
    return Claim(id="A", sentence=sentence, source="a paper", measured=(one,))


def test_what_was_planned_stays_planned_and_an_edit_is_exploratory() -> None:
    plan = planned_claims(file(claim()), "s", metric="val_loss", seeds=6)
    runs = replace(table(tanh=-0.3), planned=plan.content, planned_hash=plan.hash)

    def late(one: Claim) -> str:
        return departure(one, one.measured[0], runs)

    assert late(claim()) == ""
    assert late(replace(claim(), source="another page")) == ""
    edited = "the claim was edited after its runs began"
    assert late(claim("It helps much.")) == edited
    assert late(claim(margin=0.2)) == edited
    assert late(claim(direction="higher")) == edited
    assert late(replace(claim(), id="B", sentence="It harms.")) == (
        "the claim was written down after the runs, not before them"
    )
    # Someone changed what the study had stored.
    forged = {**plan.content, "alpha": 0.4}
    runs = replace(runs, planned=forged)
    assert late(claim()) == "the study's stored claims do not match their hash"


def test_claims_of_a_study_are_decided_together_and_one_comparison_counts_once() -> None:
    other = Claim(
        id="B", sentence="x", source="y", measured=(asked("higher", "relu", margin=0.1),)
    )  # fmt: skip
    plan = planned_claims(file(claim(), claim("Twice."), other), "s", metric="val_loss", seeds=6)
    assert len(plan.content["comparisons"]) == 2
    assert plan.hash == content_hash(plan.content)
    both = table(tanh=-0.012, relu=0.5)
    runs = replace(both, planned=plan.content, planned_hash=plan.hash)
    alone = measured(asked("lower", margin=0.1), both, planned=False)
    family = measured(asked("lower", margin=0.1), runs, planned=True)
    assert alone.number == family.number
    stored = measured_of(plan.content["claims"][0]["measured"])
    assert replace(stored, study="s") == claim().measured[0]


def found(verdict: Any, where: str = "") -> Found:
    return Found(verdict=verdict, words=verdict, where=where, n=5)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("supported", "supported"), "supported"),
        (("contradicted", "contradicted"), "contradicted"),
        (("supported", "contradicted"), "loose"),
        (("loose", "contradicted"), "loose"),
        (("supported", "undecided"), "undecided"),
        (("contradicted", "undecided"), "undecided"),
        (("supported", "contradicted", "undecided"), "loose"),
        (("supported", "loose"), "loose"),
    ],
)
def test_a_claim_on_several_levels_is_of_all_of_them(
    verdicts: tuple[str, ...], expected: str
) -> None:
    assert together([(f"n{i}", found(v, "w")) for i, v in enumerate(verdicts)]).verdict == expected
