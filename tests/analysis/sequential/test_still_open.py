"""What it would take to settle what a study left open, held against studies that are simulated by the rule."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plain_arms import Arm
from test_overruling import GATES, by_rule, change

from ablations.cli.options.until_options import what_is_open
from analysis.effects.component_report import component_report
from analysis.effects.effects import estimate_effects
from analysis.report.evidence.evidence import gather
from analysis.report.sections.sections import sections
from analysis.sequential.expected import paired
from analysis.sequential.simulated import OPEN, sequential
from analysis.sequential.still_open import seeds_to_settle
from analysis.sequential.stopped import report_stopped
from analysis.sequential.until_width.rule import until_width
from analysis.sequential.until_width.words import width_sentences
from analysis.tables.study_table import read_study

Make = Callable[..., Path]
SEEN = {"pairs": 24, "margin": 1.0, "alpha": 0.05, "first": 3}


@pytest.mark.parametrize(("effect", "sd"), [(0.0, 2.0), (1.0, 1.8)])
def test_studies_by_the_rule_take_as_many(effect: float, sd: float) -> None:
    expected, low, high, most = seeds_to_settle(effect, sd / 24**0.5, 23.0, left=1, **SEEN)
    ran = sequential(sd * paired(500, int(most), 1, seed=5) + effect, margin=1.0)
    assert 0.74 < (ran.verdict != OPEN).mean() < 0.88
    assert ran.seeds.mean() == pytest.approx(expected, rel=0.15)
    assert low < expected < high < 3 * most


def test_several_comparisons_take_more_seeds_each() -> None:
    alone, three = (seeds_to_settle(0.5, 0.4, 23.0, left=left, **SEEN)[0] for left in (1, 3))
    assert three > 1.15 * alone


def test_more_noise_takes_more_and_a_large_effect_does_not_ask_for_the_margin() -> None:
    quiet, loud = (seeds_to_settle(0.5, se, 23.0, left=1, **SEEN)[0] for se in (0.3, 0.6))
    assert loud == pytest.approx(4 * quiet, rel=0.1)
    far = [seeds_to_settle(9.0, 2.0, 23.0, left=1, **(SEEN | {"margin": m}))[3] for m in (0.5, 1.0)]
    assert far[0] == pytest.approx(far[1], rel=0.1)
    assert np.isnan(seeds_to_settle(0.5, float("nan"), 23.0, left=1, **SEEN)).all()


def test_a_study_says_what_its_open_comparisons_would_take(make_study: Make) -> None:
    folder = by_rule(make_study(effects=GATES, seeds=8, sigma=0.03))
    stopped = report_stopped(read_study(folder))
    assert stopped is not None
    rows = stopped.frame.set_index("label")
    open_ = rows[rows["verdict"] == "undecided"]
    assert len(open_)
    assert (open_["seeds_low"] <= open_["seeds_expected"]).all()
    assert (open_["seeds_expected"] <= open_[["seeds_high", "seeds_most"]].min(axis=1)).all()
    assert rows.loc[rows["verdict"] != "undecided", "seeds_expected"].isna().all()
    said = component_report(read_study(folder)).sentences()
    # None can be added to this study, so that the table of effects asks for none.
    effects = estimate_effects(read_study(folder), calibration_draws=0).frame
    assert effects["seeds_needed"].isna().tolist() == (effects["verdict"] == "undecided").tolist()
    for label, row in open_.iterrows():
        start = f"{label} is open: another study by this rule would settle it after about {row['seeds_expected']:.0f}"
        assert any(line.startswith(start) for line in said)
    assert any("seeds of its own (first_seed of the space)" in line for line in said)
    assert not any("more seeds" in line for line in said)
    told = stopped.to_json()["comparisons"]
    assert [one["seeds_expected"] for one in told if one["verdict"] == "undecided"] == open_[
        "seeds_expected"
    ].tolist()
    json.dumps(told, allow_nan=False)
    made = {one.anchor: one for one in sections(gather(folder), {})}
    (table,) = made["until"].parts
    assert [column.title for column in table.columns][-2:] == ["Another study", "Between"]


def test_a_study_that_has_seeds_left_goes_on_by_the_same_command(make_study: Make) -> None:
    folder = by_rule(make_study(effects=GATES, seeds=8, sigma=0.03), max_seeds=12)
    stopped = report_stopped(read_study(folder))
    assert stopped is not None
    assert not stopped.over
    assert any(
        "The same command goes on where seeds are left, to 12" in s for s in stopped.sentences()
    )


def test_the_command_says_at_its_end_what_is_open(make_study: Make) -> None:
    folder = by_rule(make_study(effects=GATES, seeds=8, sigma=0.03))
    stopped = report_stopped(read_study(folder))
    assert stopped is not None
    assert what_is_open(folder) == stopped.still_open() != []
    assert what_is_open(by_rule(make_study("done", effects=GATES, seeds=8, sigma=0.002))) == []


@pytest.mark.parametrize(("kappa", "is_open"), [(5e-4, False), (3e-5, True)])
def test_a_study_until_r_star_is_narrow_says_how_many_seeds_would_do(
    make_study: Make, kappa: float, is_open: bool
) -> None:
    folder = make_study(seeds=6, kappa=kappa, sigma=0.02)
    table = read_study(folder)
    arms = [
        Arm(str(row["arm"]), str(row["label"]), {"attention.reduction": row["attention.reduction"]})
        for _, row in table.frame.drop_duplicates("arm").iterrows()
    ]
    rule = until_width(max_seeds=6, target_width=0.1).declared(
        arms, metric="val_loss", direction="minimize"
    )
    said = what_is_open(change(folder, until=rule))
    # How many seeds would do, and as they are more than it may have, what else would.
    starts = ("With kappa and its noise as estimated, about ", "With the ratio ")
    assert len(said) == len(starts) * is_open
    assert all(line.startswith(start) for line, start in zip(said, starts, strict=False))
    lines = width_sentences(read_study(folder))
    assert lines[0].startswith("This study runs until r* is known to within 10%. r*: ")
    assert lines[1:-1] == said
    assert lines[-1].endswith("verdicts of comparisons are those of one look.")


def test_a_settled_study_needs_nothing(make_study: Make) -> None:
    stopped = report_stopped(read_study(by_rule(make_study(effects=GATES, seeds=8, sigma=0.002))))
    assert stopped is not None
    assert stopped.frame["seeds_expected"].isna().all()
    assert not any("another study" in line.lower() for line in stopped.sentences())


def test_skewed_noise_is_said_where_it_is_seen_and_where_it_cannot_be(make_study: Make) -> None:
    stopped = report_stopped(read_study(by_rule(make_study(effects=GATES, seeds=8, sigma=0.01))))
    assert stopped is not None
    frame = stopped.frame.assign(verdict="negligible", pairs=8)
    seen = replace(stopped, frame=frame, skewed=0.001).sentences()
    assert any(line.startswith("The differences are skewed (p = 0.001): neg") for line in seen)
    hidden = replace(stopped, frame=frame.assign(pairs=7), skewed=0.5).sentences()
    assert any(line.startswith("Skewness cannot be seen in fewer than 8 pairs") for line in hidden)
    for quiet in (frame, frame.assign(verdict="matters", pairs=7)):
        said = replace(stopped, frame=quiet, skewed=0.5).sentences()
        assert not any("kew" in line for line in said)
