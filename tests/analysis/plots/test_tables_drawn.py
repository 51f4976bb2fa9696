"""Figures of a table: what is drawn is what the table says."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from analysis.plots.curves import plot_curves
from analysis.plots.drawing.style import MUTED
from analysis.plots.forest import plot_forest
from analysis.plots.gates.distributions import (
    plot_gate_gradients,
    plot_gate_histogram,
    plot_gate_saturation,
    plot_gate_variance,
    short,
)
from analysis.plots.importance import plot_importance
from analysis.plots.interaction import plot_cells, plot_profiles
from analysis.plots.parallel import plot_parallel
from analysis.plots.pareto import name_arms, plot_pareto
from analysis.plots.seeds import FEWEST_FOR_A_BOX, plot_seeds
from analysis.plots.selection import plot_selection
from analysis.plots.width import plot_width


def drawn_points(ax, marker="o"):
    """Coordinates of everything drawn with that marker."""
    lines = [line for line in ax.lines if line.get_marker() == marker]
    return np.concatenate([line.get_xydata() for line in lines])


def labels(ax):
    return ax.get_legend_handles_labels()[1]


def arm_runs(count):
    values = np.linspace(0.1, 0.2, count)
    return pd.DataFrame(
        {
            "label": "a",
            "seed": range(count),
            "run": [f"r{i}" for i in range(count)],
            "value": values,
        }
    )


def test_seeds_draws_every_run_and_says_how_many(ax, texts):
    runs = pd.concat([arm_runs(4), arm_runs(3).assign(label="b")])
    plot_seeds(runs, ax, baseline="b")
    assert sorted(drawn_points(ax)[:, 0]) == pytest.approx(sorted(runs["value"]))
    assert texts(ax) == ["n=4", "n=3"]
    assert labels(ax) == ["one seed", "mean of b"]


@pytest.mark.parametrize(("count", "boxes"), [(FEWEST_FOR_A_BOX - 1, 0), (FEWEST_FOR_A_BOX, 1)])
def test_seeds_draws_a_box_only_where_quartiles_mean_something(ax, count, boxes):
    plot_seeds(arm_runs(count), ax)
    assert len(ax.collections) == boxes


def epochs(state="COMPLETE", label="a", runs=3):
    rows = [
        {
            "label": label,
            "run": f"{label}{state}{run}",
            "state": state,
            "epoch": e,
            "value": run + 10 / e,
        }
        for run in range(runs)
        for e in range(1, 5)
    ]
    return pd.DataFrame(rows)


def test_a_single_epoch_is_a_point_on_a_whole_number(ax):
    first = epochs()
    plot_curves(first[first["epoch"] == first["epoch"].min()], ax, named=["a"], evaluated=1)
    (median,) = [line for line in ax.lines if line.get_label().startswith("a ")]
    assert median.get_marker() == "o"
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


def test_curves_draws_the_median_over_seeds(ax):
    plot_curves(epochs(), ax, named=["a"], evaluated=4)
    median = next(line for line in ax.lines if line.get_label() == "a (n=3)")
    assert median.get_ydata() == pytest.approx([1 + 10 / e for e in range(1, 5)])


def test_pruned_runs_are_dotted_and_leave_the_median_alone(ax):
    both = pd.concat([epochs(), epochs("PRUNED").assign(value=99.0)])
    plot_curves(both, ax, named=["a"], evaluated=4)
    median = next(line for line in ax.lines if line.get_label() == "a (n=3)")
    assert max(median.get_ydata()) < 99
    dashed = [c.get_linestyle()[0][1] is not None for c in ax.collections]
    assert dashed == [False, True]


def test_arms_without_a_name_are_counted(ax):
    both = pd.concat([epochs(), epochs(label="b"), epochs(label="c")])
    plot_curves(both, ax, named=["a"], evaluated=4)
    assert labels(ax) == ["a (n=3)", "2 other arms"]
    ax.clear()
    plot_curves(both[both["label"] != "c"], ax, named=["a"], evaluated=4)
    assert labels(ax) == ["a (n=3)", "1 other arm"]


EFFECTS = pd.DataFrame(
    {
        "name": ["gate", "squeeze", "placement"],
        "estimate": [0.02, 0.001, -0.006],
        "ci95_low": [0.01, -0.003, -0.02], "ci95_high": [0.03, 0.005, 0.008],
        "ci90_low": [0.012, -0.002, -0.017], "ci90_high": [0.028, 0.004, 0.005],
        "sim_low": [0.006, -0.005, -0.03], "sim_high": [0.034, 0.007, 0.015],
        "p_adjusted": [0.0004, 0.6, 0.3], "n_pairs": [5, 5, 4],
        "verdict": ["matters", "negligible", "undecided"],
    }
)  # fmt: skip


def test_the_forest_says_verdict_p_and_n_beside_each_row(ax, texts):
    plot_forest(EFFECTS, ax, margin=0.004)
    assert texts(ax) == [
        "matters, p < 0.001, n=5",
        "negligible, p = 0.6, n=5",
        "undecided, p = 0.3, n=4",
    ]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(EFFECTS["name"])
    assert labels(ax) == ["margin ±0.004"]


def test_the_forest_draws_the_three_intervals_of_a_row(ax):
    plot_forest(EFFECTS.head(1), ax, margin=None)
    spans = {
        (line.get_linewidth(), *line.get_xdata())
        for line in ax.lines
        if len(line.get_xdata()) == 2
        and list(line.get_ydata()) == [0, 0]
        and line.get_linestyle() == "-"
    }
    ends = sorted((low, high) for _, low, high in spans)
    assert ends == [(0.006, 0.034), (0.01, 0.03), (0.012, 0.028)]
    width = {(low, high): w for w, low, high in spans}
    assert width[(0.012, 0.028)] > width[(0.01, 0.03)] > width[(0.006, 0.034)]


def test_the_forest_of_one_seed_draws_points_without_intervals(ax, texts):
    nothing = EFFECTS.assign(
        **{name: np.nan for name in EFFECTS.columns if name[:2] in ("ci", "si")}
    )
    plot_forest(nothing.assign(p_adjusted=np.nan), ax, margin=None)
    assert texts(ax)[0] == "matters, p not given, n=5"


ARMS = pd.DataFrame(
    {
        "label": ["none", "r=16", "r=4", "odd"], "cost": [0.0, 100.0, 400.0, 300.0],
        "mean": [0.16, 0.12, 0.10, 0.17], "low": [0.15, 0.11, 0.09, 0.16], "high": [0.17, 0.13, 0.11, 0.18],
        "n": 5, "standing": ["front", "front", "front", "dominated"],
    }
)  # fmt: skip
EDGES = pd.DataFrame(
    {
        "cost_from": [400.0],
        "cost_to": [100.0],
        "mean_from": [0.1],
        "mean_to": [0.12],
        "price": [6.7e-5],
    }
)


def test_pareto_tells_the_front_from_what_it_dominates(ax):
    plot_pareto(ARMS, ax, switches=EDGES)
    assert labels(ax) == ["on the front", "dominated"]
    assert drawn_points(ax).tolist() == ARMS.loc[:2, ["cost", "mean"]].to_numpy().tolist()
    assert drawn_points(ax, "x").tolist() == [[300.0, 0.17]]


def test_pareto_names_every_arm_of_a_small_front(ax, texts):
    plot_pareto(ARMS, ax, switches=EDGES)
    name_arms(ARMS, ax)
    assert set(texts(ax)) == set(ARMS["label"])


RUNS = pd.DataFrame(
    {
        "attention.reduction": [2.0, 16.0, 4.0, np.nan],
        "attention.gate": ["sigmoid", "tanh", "sigmoid", "tanh"],
        "loss": [0.1, 0.4, 0.2, 0.3],
    }
)


def test_parallel_puts_ratios_in_order_and_unused_ones_on_top(ax, texts):
    plot_parallel(RUNS, ax, factors=["attention.reduction", "attention.gate"], value="loss")
    assert texts(ax) == ["2", "4", "16", "unused", "sigmoid", "tanh"]


def test_parallel_draws_the_best_run_last(ax):
    plot_parallel(RUNS, ax, factors=["attention.reduction", "attention.gate"], value="loss")
    lines = ax.collections[0]
    assert list(lines.get_array()) == [0.4, 0.3, 0.2, 0.1]
    assert lines.get_segments()[-1][:, 1] == pytest.approx([0, 0], abs=0.02)


def test_parallel_draws_the_highest_run_last_where_that_is_best(ax):
    factors = ["attention.reduction", "attention.gate"]
    plot_parallel(RUNS, ax, factors=factors, value="loss", highest_is_best=True)
    lines = ax.collections[0]
    assert list(lines.get_array()) == [0.1, 0.2, 0.3, 0.4]
    assert (lines.norm.vmin, lines.norm.vmax) == pytest.approx((0.13, 0.4))


def test_a_factor_with_many_values_becomes_a_logarithmic_axis(ax, texts):
    rates = np.geomspace(1e-4, 1e-1, 20)
    runs = pd.DataFrame({"rate": rates, "gate": "s", "loss": rates})
    plot_parallel(runs, ax, factors=["rate", "gate"], value="loss")
    assert texts(ax)[:2] == ["0.0001", "0.1"]
    heights = sorted(segment[0, 1] for segment in ax.collections[0].get_segments())
    assert heights == pytest.approx(list(np.linspace(0, 1, 20)), abs=0.02)


CELLS = pd.DataFrame(
    {
        "gate": ["a", "a", "b", "b"], "ratio": [4.0, 16.0, 4.0, 16.0],
        "mean": [0.1, 0.2, 0.3, 0.5], "low": [0.09, 0.19, 0.29, 0.49], "high": [0.11, 0.21, 0.31, 0.51], "n": 5,
    }
)  # fmt: skip


def test_cells_are_annotated_with_their_means(ax, texts):
    plot_cells(CELLS, ax, rows="gate", columns="ratio")
    assert texts(ax) == ["0.1000", "0.2000", "0.3000", "0.5000"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["4", "16"]


def test_cells_and_parallel_lines_have_a_low_loss_in_the_same_shade(ax):
    plot_cells(CELLS, ax, rows="gate", columns="ratio")
    cells = ax.collections[0]
    other = ax.figure.add_subplot()
    plot_parallel(RUNS, other, factors=["attention.reduction", "attention.gate"], value="loss")
    lines = other.collections[0]
    assert cells.cmap(0.0) == lines.cmap(0.0)
    assert cells.cmap(1.0) == lines.cmap(1.0)
    assert sum(cells.cmap(0.0)[:3]) < sum(cells.cmap(1.0)[:3])


def test_a_long_name_among_many_stands_upright_and_covers_no_other(ax):
    names = [f"level{i}" for i in range(9)] + [
        "my_company.research.blocks.squeeze:LongNamedExcitation"
    ]
    cells = pd.DataFrame({"gate": "a", "head": names, "mean": 0.1, "low": 0.0, "high": 0.2, "n": 5})
    plot_cells(cells, ax, rows="gate", columns="head")
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {90.0}
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(one.x1 <= other.x0 for one, other in pairwise(boxes))


def test_many_cells_have_smaller_numbers_and_turned_names_until_there_is_no_room(ax, texts):
    def cells(count):
        return pd.DataFrame(
            {"gate": "a", "rate": [1 + i / 1000 for i in range(count)], "mean": 0.1}
        )

    plot_cells(cells(10), ax, rows="gate", columns="rate")
    assert len(texts(ax)) == 10
    assert ax.texts[0].get_size() < 8
    assert ax.get_xticklabels()[0].get_rotation() == 40
    other = ax.figure.add_subplot()
    plot_cells(cells(40), other, rows="gate", columns="rate")
    assert texts(other) == []


def test_profiles_draw_one_line_per_level(ax):
    plot_profiles(CELLS, ax, rows="gate", columns="ratio")
    assert labels(ax) == ["gate=a", "gate=b"]
    heights = [line.get_ydata().tolist() for line in ax.lines if line.get_marker() in "os"]
    assert heights == [[0.1, 0.2], [0.3, 0.5]]


def test_importance_has_a_bar_per_factor_and_question_and_the_level_of_chance(ax):
    shares = pd.DataFrame(
        {
            "factor": ["a.x", "a.y"] * 2, "question": ["variance"] * 2 + ["near the best"] * 2,
            "share": [0.7, 0.2, 0.4, 0.5], "low": [0.6, 0.1, np.nan, np.nan],
            "high": [0.8, 0.3, np.nan, np.nan], "chance": [0.05, 0.05, np.nan, np.nan],
        }
    )  # fmt: skip
    plot_importance(shares, ax)
    assert [bar.get_width() for bar in ax.patches] == [0.7, 0.2, 0.4, 0.5]
    assert set(labels(ax)) == {"variance", "near the best", "what chance reaches"}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "y"]


def test_selection_draws_the_diagonal_and_names_each_arm(ax):
    arms = pd.DataFrame(
        {"label": ["a", "b"], "searched": [0.08, 0.09], "mean": [0.1, 0.11],
         "low": [0.09, np.nan], "high": [0.11, np.nan], "n": [5, 1]}
    )  # fmt: skip
    plot_selection(arms, ax)
    assert set(labels(ax)) == {"a (n=5)", "b (n=1)", "equal: no optimism"}
    diagonal = next(line for line in ax.lines if line.get_label() == "equal: no optimism")
    assert diagonal.get_xdata().tolist() == diagonal.get_ydata().tolist() == [0.08, 0.11]


def test_an_unbounded_ratio_is_drawn_as_an_arrow(ax):
    widths = pd.DataFrame(
        {"channels": [64.0, 128.0, 256.0], "r_star": [4.0, 6.3, np.inf],
         "low": [3.5, 5.5, 8.0], "high": [4.5, 7.5, np.inf]}
    )  # fmt: skip
    plot_width(widths, ax, slope=0.66, slope_ci=(0.5, 0.8), names=["8", "16", "32"])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["8", "16", "32"]
    assert drawn_points(ax, "^")[:, 0].tolist() == [256.0]
    bar = next(
        line for line in ax.lines if line.get_xdata()[0] == 256.0 and len(line.get_xdata()) == 2
    )
    assert bar.get_ydata()[0] == 8.0
    assert bar.get_ydata()[1] > 8.0
    assert "fitted slope 0.66 [0.50, 0.80]" in labels(ax)


def test_the_guides_of_the_width_have_the_slopes_that_they_name(ax):
    widths = pd.DataFrame(
        {"channels": [64.0, 128.0], "r_star": [4.0, 6.0], "low": [3.0, 5.0], "high": [5.0, 7.0]}
    )
    plot_width(widths, ax, slope=np.nan, slope_ci=(np.nan, np.nan), names=["8", "16"])
    for slope, name in ((2 / 3, "slope 2/3 (the theory)"), (4 / 3, "slope 4/3 (its rival)")):
        guide = next(line for line in ax.lines if line.get_label() == name)
        x, y = np.log(guide.get_xdata()), np.log(guide.get_ydata())
        assert np.polyfit(x, y, 1)[0] == pytest.approx(slope)


def test_gate_histograms_show_all_classes_and_each(ax):
    bins = pd.DataFrame(
        {"group": ["all"] * 2 + ["3"] * 2, "low": [0.0, 0.5] * 2, "high": [0.5, 1.0] * 2,
         "share": [0.25, 0.75, 0.5, 0.5]}
    )  # fmt: skip
    plot_gate_histogram(bins, ax, summary=pd.Series({"mean": 0.61, "saturated": 0.125}))
    assert labels(ax) == ["all classes", "class 3", "mean"]
    assert ax.get_xlabel() == "gate: mean 0.61, 12.5 % saturated"


def test_classes_without_a_name_are_grey_and_counted(ax):
    groups = ["all", "0", "1", "2"]
    bins = pd.DataFrame({"group": groups, "low": 0.0, "high": 1.0, "share": 1.0})
    summary = pd.Series({"mean": 0.5, "saturated": 0.0})
    plot_gate_histogram(bins, ax, summary=summary, named=["2"])
    assert labels(ax) == ["all classes", "2 other classes", "class 2", "mean"]
    colours = [patch.get_edgecolor()[:3] for patch in ax.patches[1:4]]
    assert colours[0] == colours[1] == to_rgb(MUTED)
    assert colours[2] != colours[0]


BLOCKS = pd.DataFrame(
    {"block": ["1.0", "2.0"], "between": [0.03, 0.01], "within": [0.01, 0.03],
     "saturated_low": [0.1, 0.0], "saturated_high": [0.0, 0.2], "above_one": [np.nan, np.nan]}
)  # fmt: skip


def test_gate_variance_is_the_share_between_the_classes(ax):
    plot_gate_variance(BLOCKS, ax)
    assert [bar.get_height() for bar in ax.patches] == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["1.0", "2.0"], ["1.0", "2.0"]),
        (["net.layer1.0.bn2", "net.layer2.0.bn2"], ["layer1", "layer2"]),
        (["net.layer1.0.bn2", "net.layer1.1.bn2", "net.layer2.0.bn2"], ["layer1.0", "layer1.1", "layer2.0"]),
        (["encoder.block", "encoder.block.block"], ["block", "block.block"]),
        (["a_block_of_a_long_name", "a_block_of_a_long_name"], ["a_block_of_a_long_name"] * 2),
    ],
)  # fmt: skip
def test_names_of_blocks_leave_out_what_all_share_where_they_are_long(names, expected):
    assert short(names) == expected


@pytest.mark.parametrize(("above", "expected"), [(np.nan, 2), (0.5, 3)])
def test_gates_that_amplify_are_shown_only_where_a_gate_can(ax, above, expected):
    plot_gate_saturation(BLOCKS.assign(above_one=above), ax)
    assert len(labels(ax)) == expected


def test_gate_gradients_are_drawn_per_block_over_the_epochs(ax):
    gradients = pd.DataFrame(
        {
            "block": ["1.0"] * 2 + ["2.0"] * 2,
            "epoch": [1, 2] * 2,
            "gradient_norm": [1.0, 0.1, 2.0, 0.2],
        }
    )
    plot_gate_gradients(gradients, ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1.0, 0.1], [2.0, 0.2]]
    assert ax.get_yscale() == "log"
    ax.figure.canvas.draw()
    shown = [text.get_text() for text in ax.get_yticklabels(which="both")]
    assert {"0.1", "1"} <= set(shown)
    assert not any("$" in text for text in shown)
