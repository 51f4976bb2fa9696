import re
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from analysis.effects.winner import WinnerReport
from analysis.errors import TableError
from analysis.importance.importance import VARIANCE
from analysis.plots.drawing.style import save
from analysis.report.evidence.evidence import gather
from analysis.report.figures.captions import CAPTIONS
from analysis.report.figures.figures import PICTURES, draw, picture
from analysis.report.page.numbers import interval
from analysis.tables.study_table import read_study
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.reduction_fit import Status
from analysis.tradeoff.status_words import STATUS_WORDS
from analysis.tradeoff.width.width import fit_width

DRAWN = [
    name
    for name in PICTURES
    if name not in ("selection", "width", "gates", "channels", "drops", "looks")
]
"""What a crossed study with a ratio has; the others are drawn below."""


def test_there_are_seventeen_figures():
    assert len(PICTURES) == 17


def test_every_figure_has_a_caption():
    assert list(CAPTIONS) == list(PICTURES)


def test_an_unknown_figure_names_the_nearest_and_all_others():
    with pytest.raises(
        TableError,
        match=r"there is no figure 'efects'; there are ratio, .*Did you mean 'effects'\?",
    ):
        picture("efects")


@pytest.mark.parametrize("style", ["paper", "screen"])
@pytest.mark.parametrize("name", DRAWN)
def test_no_legend_covers_an_axes(evidence, name, style):
    figure = draw(name, evidence("crossed", 5e-7), style=style)
    assert_no_legend_covers_an_axes(figure)


def assert_no_legend_covers_an_axes(figure):
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    for legend in legends:
        box = legend.get_window_extent()
        assert not any(box.overlaps(ax.patch.get_window_extent()) for ax in figure.axes)


def test_the_width_of_several_studies_is_drawn_and_told(evidence, make_study):
    sizes = {"narrow": (64, 64), "middle": (128, 128), "wide": (256, 256)}
    tables = [
        read_study(make_study(name, channels=channels, kappa=1e-4, sigma=0.002))
        for name, channels in sizes.items()
    ]
    fit = fit_width(tables, price=Price.per_param(1e-7))
    with_width = replace(evidence("crossed", 5e-7), width=fit)
    figure = draw("width", with_width)
    assert_no_legend_covers_an_axes(figure)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["64", "128", "256"]
    assert (
        picture("width")
        .caption(with_width)
        .startswith("3 widths with the same ratios (2, 4, 8, 16, 32)")
    )


def test_under_a_price_the_averaged_ratio_is_bootstrapped_beside_its_interval(evidence):
    found = evidence("ordinary", 5e-7)
    assert found.ratio is not None
    average, draws = found.ratio.fit.average, found.ratio.draws
    low, high = average.ci
    assert low < average.r_star < high
    # Two ways to the same doubt: most data sets fall into the interval.
    assert np.mean((draws >= low) & (draws <= high)) > 0.85
    titles = [ax.get_title(loc="left") for ax in draw("diagnostics", found).axes]
    assert titles[-1] == "the averaged r* of bootstrap data sets"
    assert "in 2,000 data sets drawn around them" in picture("diagnostics").caption(found)


def test_without_a_price_there_is_no_ratio_to_bootstrap(evidence):
    found = evidence("ordinary")
    assert len(draw("diagnostics", found).axes) == 4
    assert "data sets" not in picture("diagnostics").caption(found)


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (None, "No price is assumed: read yours off the axis."),
        (5e-7, "The named price, 5e−7 per weight, is one of those on the left, and dotted on"),
        (10.0, "The named price, 10 per weight, is one of those on the left, and beyond the"),
    ],
)
def test_the_prices_say_whether_one_was_named(evidence, price, said):
    found = evidence("ordinary", price)
    caption = picture("prices").caption(found)
    assert said in caption
    assert ("No price is assumed" in caption) == (price is None)
    names = [line.get_label() for line in draw("prices", found).axes[1].lines]
    assert ("the named price" in names) == ("dotted on the right" in caption)


def test_the_head_of_the_ratio_says_its_status_in_words(evidence):
    for kind in ("ordinary", "flat", "falling", "two_seeds", "one_seed"):
        found = evidence(kind, 5e-7)
        title = draw("ratio", found).axes[0].get_title(loc="left")
        assert STATUS_WORDS[found.ratio.fit.status] in title
        assert not any(status in title for status in get_args(Status) if "_" in status)


def test_every_status_has_its_words():
    assert list(STATUS_WORDS) == list(get_args(Status))


def test_the_zone_of_the_best_ratio_is_told_where_it_is_drawn(evidence):
    drawn, none = evidence("ordinary", 5e-7), evidence("falling", 5e-7)
    low, high = drawn.ratio.fit.r_star_ci
    said = f"95 % interval of r* at the named price, {interval(low, high)}, from every curve that is not rejected"
    assert said in picture("ratio").caption(drawn)
    assert "Blue zone" not in picture("ratio").caption(none)
    assert "Blue zone" not in picture("ratio").caption(evidence("ordinary"))


def test_captions_promise_no_interval_where_there_are_too_few_seeds(evidence):
    caption = picture("ratio").caption(evidence("two_seeds"))
    assert "without a band, since κ has no interval" in caption


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ordinary", "r* with its interval (red; blue: the theory's)"),
        ("two_seeds", "r* without an interval (red; blue: the theory's)"),
        ("falling", "r* (not drawn: the runs give none)"),
    ],
)
def test_the_prices_promise_what_the_sweep_draws(evidence, kind, said):
    assert said in picture("prices").caption(evidence(kind))


def test_importance_shows_the_rivals_of_few_runs_and_says_where_they_are_for_many(
    evidence, monkeypatch
):
    few = evidence("crossed", 5e-7)
    assert few.importance.frame["question"].nunique() == 3
    assert "sum to 1 even where nothing matters" in picture("importance").caption(few)
    monkeypatch.setattr("analysis.report.evidence.evidence.MOST_FOR_RIVALS", 10)
    monkeypatch.setattr("analysis.report.figures.captions.MOST_FOR_RIVALS", 10)
    many = gather(few.folder)
    assert set(many.importance.frame["question"]) == {VARIANCE}
    said = "are left out of reports of more than 10 runs; `ablate plot crossed importance` adds"
    assert said in picture("importance").caption(many)
    assert gather(few.folder, every_importance=True).importance.frame["question"].nunique() == 3


def test_a_search_is_drawn_against_its_fresh_seeds(evidence):
    arms = pd.DataFrame(
        {"arm": ["p", "q"], "label": ["p", "q"], "searched": [0.08, 0.09], "mean": [0.10, 0.095],
         "low": [0.09, 0.09], "high": [0.11, 0.1], "n": [5, 5], "optimism": [0.02, 0.005]}
    )  # fmt: skip
    found = WinnerReport(frame=arms, winner="q", optimism=0.02, searched_runs=40)
    searched = replace(evidence("crossed", 5e-7), winner=found)
    assert_no_legend_covers_an_axes(draw("selection", searched))
    assert "The search's best arm is 0.0200 worse than it looked" in picture("selection").caption(
        searched
    )


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("gates", "ratio", "the study does not vary the reduction ratio"),
        ("one_arm", "effects", "effects need at least two arms"),
        ("one_arm", "pareto", "it needs two arms, and there is one"),
        ("failed", "seeds", "has no run that may enter an estimate"),
        ("waiting", "curves", "no run has finished an epoch"),
        ("ordinary", "interactions", "no two factors were crossed"),
        ("ordinary", "selection", "has no complete run of stage `search`"),
        (
            "ordinary",
            "width",
            "at least two widths are needed, but all runs are of one width. Vary `backbone.width`",
        ),
        ("ordinary", "gates", r"--set training\.record_gates=true`"),
        ("one_arm", "parallel", "it needs two factors that vary"),
    ],
)
def test_a_figure_that_cannot_be_drawn_says_what_it_needs(evidence, kind, name, why):
    with pytest.raises(TableError, match=f"figure '{name}' cannot be drawn: .*{why}"):
        draw(name, evidence(kind))


@pytest.mark.parametrize(
    ("name", "tips"),
    [
        ("prices", [r"r = 4 at 5e-7 per weight: 0\.\d+ in all"]),
        ("parallel", [r"\S.*, seed 0: 0\.\d+"]),
        ("diagnostics", [r"r = 4: leverage 1", r"all: κ \S+ \[", r"quad0: weight "]),
        ("interactions", [r"(gate|reduction)=\S+, (gate|reduction)=\S+: 0\.\d+$"]),
    ],
)
def test_whoever_points_at_a_point_is_told_what_it_is(evidence, name, tips, tmp_path):
    save(draw(name, evidence("crossed", 5e-7), style="screen"), tmp_path, name, ["svg"])
    told = re.findall(r"<title>([^<]*)</title>", (tmp_path / f"{name}.svg").read_text())
    for tip in tips:
        assert any(re.match(tip, one) for one in told), told[:9]
