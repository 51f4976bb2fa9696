from dataclasses import replace

import pandas as pd
import pytest

from analysis.effects.winner import WinnerReport
from analysis.report.evidence.evidence import gather
from analysis.report.sections.answer import answer, asked, cost, lead, verdict_table
from analysis.report.sections.limits import limits


@pytest.mark.parametrize(
    ("kind", "price", "question"),
    [
        ("ordinary", None, "ratio"),
        ("crossed", 5e-7, "effects"),
        ("gates", None, "effects"),
        ("search", None, "search"),
    ],
)
def test_what_was_asked_is_what_the_study_varies(evidence, kind, price, question):
    assert asked(evidence(kind, price)) == question


@pytest.mark.parametrize(
    ("kind", "price", "said"),
    [
        ("ordinary", None, "The validation loss rises with the reduction ratio, so the best one depends on what a"),
        ("ordinary", 5e-7, "The best reduction ratio at 5e−7 per weight is "),
        ("flat", None, "No rise of the validation loss with the reduction ratio was seen; not worse than "),
        ("falling", None, "The validation loss falls as the ratio grows: the largest tested, 32,"),
        ("two_seeds", None, "No conclusion yet: there are too few seeds for an interval; run at least 3 seeds"),
        ("failed", None, "No answer yet: no run that may enter an estimate has ended."),
        ("gates", None, "1 of 1 change to the baseline matters: gate=one_plus_tanh raises the validation loss by 0.0"),
        ("search", None, "No conclusion yet, since a search only proposes. It proposes "),
    ],
)  # fmt: skip
def test_one_sentence_answers(evidence, kind, price, said):
    line = answer(evidence(kind, price))
    assert line.startswith(said)
    assert line.endswith((".", "conclude."))
    assert not any(code in line for code in ("val_loss", "not_identified", "PRUNED", "kappa"))


def test_a_falling_loss_crowns_the_largest_ratio_only_where_it_alone_is_left(evidence):
    found = evidence("falling")
    assert found.ratio.fit.argmin_set == [32.0]
    assert answer(found).endswith("the largest tested, 32, is the cheapest and the best.")
    fit = replace(found.ratio.fit, argmin_set=[8.0, 32.0])
    line = answer(replace(found, ratio=replace(found.ratio, fit=fit)))
    assert line.endswith("32, is the cheapest; not worse than the best of those tested: 8, 32.")


def test_a_null_result_is_no_claim_of_equality(study):
    nothing = {"attention.gate": {"sigmoid": 0.0, "other": 0.0}}
    line = answer(gather(study("gates", effects=nothing)))
    assert line == "None of the 1 change to the baseline was found to matter: 1 undecided."


def test_an_unconfirmed_search_says_what_concludes(evidence):
    assert "`ablate confirm search`" in answer(evidence("search"))


def test_a_confirmed_search_names_its_winner_on_fresh_seeds(evidence):
    arms = pd.DataFrame(
        {"arm": ["p", "q"], "label": ["p", "q"], "searched": [0.08, 0.09], "mean": [0.10, 0.095],
         "low": [0.09, 0.09], "high": [0.11, 0.1], "n": [5, 5], "optimism": [0.02, 0.005]}
    )  # fmt: skip
    found = WinnerReport(frame=arms, winner="q", optimism=0.02, searched_runs=40)
    line = answer(replace(evidence("crossed", 5e-7), winner=found))
    assert line.startswith(
        "Of 2 arms that the search proposed, q is best on fresh seeds: 0.09500 [0.09000, 0.1000]"
    )


def test_the_winner_of_a_search_is_the_first_of_the_verdicts_if_no_comparison_was_asked_of_it(
    evidence,
):
    crossed = evidence("crossed")
    rows = crossed.effects.frame
    one = rows[rows["role"] == "cell"].iloc[0]
    arms = pd.DataFrame(
        {"arm": [one["arm"], "q"], "label": [one["label"], "q"], "searched": 0.08, "mean": [0.09, 0.1],
         "low": 0.08, "high": 0.11, "n": 5, "optimism": 0.01}
    )  # fmt: skip
    found = WinnerReport(frame=arms, winner=one["label"], optimism=0.01, searched_runs=40)
    first = verdict_table(replace(crossed, winner=found)).texts()[0]
    assert first[:2] == [f"{one['label']}, the best on fresh seeds", one["verdict"]]


def test_the_cost_counts_what_ran_and_what_entered(evidence):
    assert cost(evidence("ordinary")).startswith("30 runs (6 arms, 5 seeds) on made-up took ")
    assert cost(evidence("pruned")).startswith("17 of 25 runs (5 arms, 5 seeds) on made-up took ")


def test_the_verdicts_stand_in_one_table(evidence):
    table = verdict_table(evidence("ordinary"))
    assert table is not None
    rows = table.texts()
    assert rows[0][0] == "Best reduction ratio r*"
    assert rows[0][1] == "the loss rises with r"
    assert rows[1][0] == "reduction=2"
    assert {row[1] for row in rows[1:]} <= {"matters", "undecided"}


def test_the_verdicts_of_what_nobody_asked_are_not_among_them(evidence):
    table = verdict_table(evidence("crossed", 5e-7))
    assert table is not None
    assert not any("r*" in row[0] for row in table.texts())


def test_a_study_without_any_estimate_has_no_verdicts(evidence):
    assert verdict_table(evidence("failed")) is None
    assert lead(evidence("failed"), {}) is None


def test_the_limits_are_those_of_the_study(evidence):
    said = " ".join(limits(evidence("two_seeds")))
    assert "One data set (made-up)" in said
    assert "2 seeds: only large differences" in said
    frame = evidence("two_seeds").table.frame.assign(epochs_planned=200)
    found = evidence("two_seeds")
    longer = replace(found, table=replace(found.table, frame=frame))
    assert "Short training" not in " ".join(limits(longer))
