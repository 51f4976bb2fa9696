"""Figures of a fit: the curves, r* and the limits are those of the fit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.plots.diagnostics import plot_bootstrap, plot_families, plot_left_out, plot_leverage
from analysis.plots.price import plot_objective, plot_sweep
from analysis.plots.ratio import plot_ratio, plot_residuals
from analysis.tables.study_table import read_study
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.tradeoff import fit_reduction
from plain_files.numbers import number

PRICE = 5e-7


@pytest.fixture
def fit(make_study):
    table = read_study(make_study(sigma=0.002, controls={"no attention": 0.05}))
    return fit_reduction(table, price=Price.per_param(PRICE))


@pytest.fixture
def flat(make_study):
    table = read_study(make_study("flat", kappa=0.0))
    return fit_reduction(table, price=Price.per_param(PRICE))


RUNS = pd.DataFrame(
    {"label": ["reduction=2", "reduction=32"] * 2, "run": ["a", "b", "c", "d"],
     "r": [2.0, 32.0] * 2, "seed": [0, 0, 1, 1], "loss": [0.29, 0.32, 0.32, 0.35],
     "adjusted": [0.30, 0.33, 0.31, 0.34], "residual": [0.1, -0.1, -0.1, 0.1]}
)  # fmt: skip
MEANS = pd.DataFrame(
    {"r": [2.0, 32.0], "mean": [0.305, 0.335], "low": [0.3, 0.33], "high": [0.31, 0.34]}
)


def line(ax, start):
    return next(line for line in ax.lines if str(line.get_label()).startswith(start))


def test_the_curves_are_the_fits_own(fit, ax):
    plot_ratio(fit, ax, runs=RUNS, means=MEANS)
    theory = line(ax, "L0 +")
    assert theory.get_ydata() == pytest.approx(fit.curve(theory.get_xdata()))
    average = line(ax, "average of")
    assert average.get_ydata() == pytest.approx(fit.average_curve(average.get_xdata()))
    assert line(ax, "no attention").get_ydata()[0] == pytest.approx(fit.control["loss"].iloc[0])


def test_both_best_ratios_are_marked_where_a_price_is_named(fit, ax):
    plot_ratio(fit, ax, runs=RUNS, means=MEANS)
    marked = [line(ax, start).get_xdata()[0] for start in ("r* = ",)]
    assert marked == [pytest.approx(fit.r_star)]
    assert f"r* = {number(fit.average.r_star)} (average)" in ax.get_legend_handles_labels()[1]


def test_no_ratio_is_marked_as_best_by_a_theory_that_the_data_do_not_support(flat, ax):
    plot_ratio(flat, ax, runs=RUNS, means=MEANS)
    assert not [
        name for name in ax.get_legend_handles_labels()[1] if "(theory)" in name and "r* =" in name
    ]


def test_an_open_upper_limit_is_an_arrow_at_the_right_edge(flat, ax):
    assert flat.r_star_ci[1] == np.inf
    plot_ratio(flat, ax, runs=RUNS, means=MEANS)
    arrow = next(line for line in ax.lines if line.get_marker() == ">")
    assert arrow.get_xdata()[0] == pytest.approx(ax.get_xlim()[1])


def test_the_zone_of_the_best_ratio_is_in_the_legend_with_its_ends(fit, ax):
    plot_ratio(fit, ax, runs=RUNS, means=MEANS)
    [zone] = [patch for patch in ax.patches if patch.get_label() == "95 % interval of r*"]
    box = zone.get_extents().transformed(ax.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx(fit.r_star_ci)


def test_a_loss_that_falls_has_no_zone_and_no_arrow(make_study, ax):
    table = read_study(make_study("falling", kappa=-2e-4, sigma=0.001))
    plot_ratio(fit_reduction(table, price=Price.per_param(PRICE)), ax, runs=RUNS, means=MEANS)
    assert "95 % interval of r* (theory)" not in ax.get_legend_handles_labels()[1]
    assert not [line for line in ax.lines if line.get_marker() == ">"]


def test_residuals_join_the_runs_of_a_seed(ax):
    plot_residuals(RUNS, ax)
    joined = [segment.tolist() for segment in ax.collections[0].get_segments()]
    assert joined == [[[2.0, 0.1], [32.0, -0.1]], [[2.0, -0.1], [32.0, 0.1]]]
    assert line(ax, "mean over seeds").get_ydata() == pytest.approx([0, 0])


def test_each_objective_is_zero_at_its_best_tested_ratio(fit, ax):
    plot_objective(fit, ax, prices=[PRICE, 100 * PRICE])
    drawn = [part for part in ax.lines if part.get_marker() in ("o", "s") and len(part.get_xdata())]
    assert all(part.get_ydata().max() < ax.get_ylim()[1] for part in drawn)
    assert [part.get_ydata().min() for part in drawn] == [0.0, 0.0]
    at = [part.get_xdata()[part.get_ydata().argmin()] for part in drawn]
    weights = 2 * fit.c2_eff / fit.tested["r"].to_numpy()
    best = [
        fit.tested["r"][(fit.tested["loss"] + p * weights).argmin()] for p in (PRICE, 100 * PRICE)
    ]
    assert at == best


def test_the_sweep_follows_the_cube_root_law(fit, ax):
    plot_sweep(fit, ax, switches=fit.switch_prices)
    theory = line(ax, "r* by the theory")
    slope = np.polyfit(np.log(theory.get_xdata()), np.log(theory.get_ydata()), 1)[0]
    assert slope == pytest.approx(1 / 3)
    assert line(ax, "the named price").get_xdata()[0] == pytest.approx(PRICE)


def test_leverage_bars_are_the_fits(fit, ax):
    plot_leverage(fit, ax)
    assert [bar.get_height() for bar in ax.patches] == pytest.approx(list(fit.leverage.values()))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "4", "8", "16", "32"]


def test_leaving_a_ratio_out_is_labelled(ax):
    dropped = pd.DataFrame(
        {"without": [np.nan, 32.0], "kappa": [1.0, 2.0], "low": [0.5, -1.0], "high": [1.5, 5.0]}
    )
    plot_left_out(dropped, ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["all", "without 32"]


def test_weights_of_the_families_are_written_at_their_bars(fit, ax, texts):
    plot_families(fit, ax)
    assert texts(ax) == [f"{weight:.2f}" for weight in fit.models["weight"]]


def test_bootstrap_counts_what_lies_beyond_the_range(fit, ax, texts):
    fit = replace(fit, average=replace(fit.average, r_star=8.0))
    plot_bootstrap(np.array([8.0, 8.0, 8.0, np.inf]), ax, fit=fit)
    assert texts(ax) == ["25 % at or beyond the largest tested ratio"]
    ax.figure.canvas.draw()
    assert ax.texts[0].get_window_extent().y0 > ax.patch.get_window_extent().y1
