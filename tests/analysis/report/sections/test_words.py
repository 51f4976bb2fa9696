import re
from dataclasses import replace

import pandas as pd
import pytest

from analysis.effects.winner import WinnerReport
from analysis.errors import TableError
from analysis.report.evidence.evidence import gather
from analysis.report.sections.answer import answer
from analysis.report.sections.words import notices, verdict_lines
from analysis.tradeoff.tradeoff_words import sentences


def test_there_are_three_lines(evidence):
    assert len(verdict_lines(evidence("ordinary"))) == 3


def test_without_a_price_the_line_gives_every_price_and_no_single_ratio(evidence):
    line = verdict_lines(evidence("ordinary"))[0]
    assert "the loss rises with r" in line
    assert "r* =" not in line
    assert re.search(
        r"depends on what a weight is worth, in nats: r=\d+ up to .*, no attention above\.$", line
    )


def test_with_a_price_the_line_gives_both_best_ratios_with_intervals(evidence):
    found = evidence("ordinary", 5e-7)
    line = verdict_lines(found)[0]
    assert found.ratio is not None
    fit = found.ratio.fit
    assert fit.basis == "average"
    assert line.startswith(f"Reduction ratio: r* = {fit.r_star:.3g} [")
    assert (
        "at 5e−7 nats per weight, by the average of eight curves; if the loss rises as r²" in line
    )
    assert f"r* = {fit.theory_r_star:.3g} [" in line


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("flat", "these data do not identify r*: no rise of the loss with r was seen"),
        (
            "falling",
            "the loss falls as r grows (κ = −0.000200 [−0.000202, −0.000198]), so the trade-off's theory",
        ),
        (
            "one_seed",
            "one run per ratio: the interval knows nothing of seeds, so nothing is concluded",
        ),
        ("two_seeds", "2 seeds: too few for an interval, so nothing is concluded"),
        ("one_arm", "no answer, since `attention.reduction` must take at least two values"),
        ("failed", "no answer, since study 'failed' has no run that may enter an estimate"),
    ],
)
def test_a_ratio_that_is_not_identified_is_said_first(evidence, kind, said):
    line = verdict_lines(evidence(kind, 5e-7))[0]
    assert line.startswith(f"Reduction ratio: {said}")
    assert "r* =" not in line


def test_a_fall_that_the_largest_ratio_alone_shows_contradicts_no_theory(study):
    found = gather(study("ordinary", kappa=-5e-5, sigma=0.008, seeds=5), price=5e-7)
    assert found.ratio is not None
    fit = found.ratio.fit
    smaller = fit.without_largest
    assert smaller is not None
    assert (fit.status, smaller.status) == ("decreasing", "not_identified")
    line = verdict_lines(found)[0]
    assert "but r = 32 alone says so: without it κ is " in line
    assert "too little to contradict the trade-off's theory" in line
    assert "theory is contradicted" not in line
    assert "falls as the ratio grows, which 32 alone shows: " in answer(found)
    # `ablate fit` says the same.
    assert sentences(fit)[0].endswith("and the trade-off model is not contradicted.")


def test_a_study_that_does_not_vary_the_ratio_says_nothing_of_it(evidence):
    lines = verdict_lines(evidence("gates", 5e-7))
    assert len(lines) == 2
    assert "comparison" in lines[0]
    assert lines[1].startswith("Basis: ")


def test_a_lower_limit_is_given_as_one(study):
    found = gather(study("ordinary", sigma=0.03, seeds=5), price=1e-5)
    assert found.ratio is not None
    assert found.ratio.fit.status == "lower_bound_only"
    assert "these data give a lower limit of r* only (r* ≥ " in verdict_lines(found)[0]


def test_a_rejected_curve_takes_its_ratio_down_with_it(study):
    found = gather(study("ordinary", kappa=0.0, sigma=0.001, effects=SATURATING), price=5e-7)
    assert found.ratio is not None
    assert found.ratio.fit.status in ("quadratic_rejected", "curves_rejected")
    assert "does not hold, since its curve is rejected" in verdict_lines(found)[0]


def test_failed_runs_are_counted_with_the_type_of_error_and_no_message(evidence):
    [said] = notices(evidence("failed"))
    assert said == (
        "25 runs failed and entered nothing (25 with NonFinite); they are listed below."
    )


def test_an_arm_without_any_result_is_named(evidence):
    found = evidence("gates")
    frame = found.table.frame.copy()
    label = frame["label"].iloc[-1]
    frame.loc[frame["label"] == label, "state"] = "FAILED"
    said = notices(replace(found, table=replace(found.table, frame=frame)))
    assert f"No result of {label}: every run of it failed." in said


def test_interactions_that_were_seen_stand_among_the_verdicts(study):
    both = {(("attention.reduction", 16), ("attention.gate", "one_plus_tanh")): 0.05}
    lines = verdict_lines(gather(study("crossed", sigma=0.001, interaction=both)))
    none = verdict_lines(gather(study("gates", sigma=0.001)))
    assert not any("Not to be read" in line for line in none)
    (said,) = [line for line in lines if line.startswith("Not to be read one by one: ")]
    assert "change each other's effect. Their simple effects are decided instead." in said


SATURATING = {"attention.reduction": {2: 0.0, 4: 0.03, 8: 0.05, 16: 0.06, 32: 0.062}}


def test_comparisons_are_counted_by_verdict_and_carry_their_intervals(evidence):
    line = verdict_lines(evidence("crossed", 5e-7))[0]
    assert line.startswith(
        "3 comparisons with the baseline, reduction=16, gate=sigmoid, placement=standard: 2 "
    )
    assert re.search(r"gate=one_plus_tanh \+0\.0\d+ \[0\.0\d+, 0\.0\d+\]", line)


def test_no_difference_seen_comes_with_its_interval(study):
    nothing = {"attention.gate": {"sigmoid": 0.0, "other": 0.0}}
    line = verdict_lines(gather(study("gates", effects=nothing)))[0]
    assert re.search(
        r"1 undecided, with no difference seen: gate=other \S+ \[−0\.\d+, 0\.\d+\]", line
    )


def test_a_margin_given_after_the_runs_is_called_so(study):
    nothing = {"attention.gate": {"sigmoid": 0.0, "other": 0.0}}
    found = gather(study("gates", effects=nothing, sigma=0.002), margin=0.01)
    line = verdict_lines(found)[0]
    assert "1 negligible (within ±0.01), by a margin given after the runs: gate=other" in line
    assert answer(found).endswith("1 negligible, by a margin given after the runs.")


def test_one_seed_judges_nothing(evidence):
    line = verdict_lines(evidence("one_seed"))[1]
    assert "4 without a verdict, since nothing tells their error" in line


def test_the_last_line_counts_what_entered(evidence):
    line = verdict_lines(evidence("pruned"))[2]
    assert line.startswith("Basis: 17 of 25 planned runs (5 arms, 5 seeds, made-up); 8 left out.")


def test_a_study_that_runs_says_so_before_anything_else(evidence):
    assert notices(evidence("running"))[0].startswith(
        "This study has not ended: 6 of 10 runs have."
    )


def test_a_searched_study_is_exploratory_in_every_line(evidence):
    found = evidence("search")
    assert all(line.startswith("Exploratory. ") for line in verdict_lines(found))
    assert any("were chosen by a search as it went" in line for line in notices(found))


@pytest.mark.parametrize("name", ["price", "margin"])
def test_a_price_and_a_margin_must_be_positive(study, name):
    with pytest.raises(TableError, match=r"`(price-per-param|margin) > 0` must hold, but got -1\."):
        gather(study("gates"), **{name: -1.0})


def test_a_confirmed_search_is_told_where_there_is_no_baseline_to_compare_with(evidence):
    arms = pd.DataFrame(
        {"arm": ["p"], "label": ["p"], "searched": [0.08], "mean": [0.10], "low": [0.09], "high": [0.11],
         "n": [5], "optimism": [0.02]}
    )  # fmt: skip
    found = WinnerReport(frame=arms, winner="p", optimism=0.02, searched_runs=40)
    line = verdict_lines(replace(evidence("one_arm"), winner=found))[0]
    assert line.startswith(
        "Search and fresh seeds: The search's best value, 0.08000 (p), is +0.0200 away"
    )
    assert "Best on fresh seeds: p, 0.1000 [0.09000, 0.1100]" in line


def test_a_confirmed_search_is_answered_before_its_comparisons(evidence):
    arms = pd.DataFrame(
        {"arm": ["p"], "label": ["p"], "searched": [0.08], "mean": [0.10], "low": [0.09], "high": [0.11],
         "n": [5], "optimism": [0.02]}
    )  # fmt: skip
    found = WinnerReport(frame=arms, winner="p", optimism=0.02, searched_runs=40)
    first, second = verdict_lines(replace(evidence("crossed"), winner=found))[:2]
    assert first.startswith("Of 1 arm that the search proposed, p is best on fresh seeds: 0.1000 [")
    assert "comparisons with the baseline" in second


PLANNED = {
    "metric": "val_loss", "alpha": 0.05, "seeds": 5, "adding_seeds": {"plan": "none"},
    "comparisons": [
        {"factor": "attention.gate", "levels": ["sigmoid", "one_plus_tanh"], "metric": "val_loss",
         "direction": "two-sided", "margin": 0.005, "alpha": 0.05, "seeds": 5}
    ],
}  # fmt: skip


def test_planned_comparisons_take_the_headline_and_their_departures_are_counted(study):
    line = verdict_lines(gather(study("crossed", planned=PLANNED)))[0]
    assert line.startswith(
        "1 planned comparison (5 seeds): gate=one_plus_tanh against sigmoid matters (+0.0"
    )
    # The fixture's hash is not that of its content.
    assert line.endswith("1 departure from the plan.")
