import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from analysis.plots.drawing.style import lay_out, legend_below, look, new_figure
from analysis.plots.pareto import name_arms, plot_pareto


def draw(arms, ax):
    """As the report does it; drawn, so that every name is where it will be."""
    plot_pareto(arms, ax, switches=pd.DataFrame())
    ax.set_xlabel("parameters of the network")
    ax.set_ylabel("validation loss (nats)")
    legend_below(ax)
    lay_out(ax.figure)
    name_arms(arms, ax)
    FigureCanvasAgg(ax.figure).draw()


def random_arms(seed):
    """Two to eight arms with names of any length, spread out or close together."""
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 9))
    names = ["none", "r=2", "W {}", "arm number {}", "squeeze=max, gate=tanh {}"]
    close = 0.01 if random.random() < 0.4 else 1.0
    mean = 0.1 + close * random.uniform(0, 0.05, count)
    half = random.uniform(0.0005, 0.01, count)
    return pd.DataFrame(
        {
            "label": [str(name).format(i) for i, name in enumerate(random.choice(names, count))],
            "cost": 1e5 * (1 + close * random.uniform(0, 9, count)),
            "mean": mean, "low": mean - half, "high": mean + half, "n": 5,
            "standing": random.choice(["front", "dominated", "unclear"], count),
        }
    )  # fmt: skip


def covers(box, other):
    wide = min(box.x1, other.x1) - max(box.x0, other.x0)
    high = min(box.y1, other.y1) - max(box.y0, other.y0)
    return wide > 0 and high > 0


def boxes(ax):
    """What the names alone cover, without their lines."""
    return [Text.get_window_extent(text) for text in ax.texts]


@pytest.mark.parametrize("style", ["screen", "paper"])
# Names whose width was a guess and whose layout came later covered each other in figure 187.
@pytest.mark.parametrize("first", [0, 180])
def test_no_name_covers_another_or_a_point(style, first):
    for seed in range(first, first + 8):
        arms = random_arms(seed)
        with look(style):
            ax = new_figure(style).subplots()
            draw(arms, ax)
        found = boxes(ax)
        assert len(found) == len(arms)
        assert not any(itertools.starmap(covers, itertools.combinations(found, 2))), seed
        points = ax.transData.transform(arms[["cost", "mean"]])
        assert not any(box.contains(*point) for box in found for point in points), seed


def test_names_of_arms_that_nearly_coincide_have_lines_in_the_order_of_the_points(ax):
    arms = pd.DataFrame(
        {"label": ["arm number 0", "arm number 1", "arm number 2", "far"],
         "cost": [1000.0, 1000.0, 1000.0, 2000.0], "mean": [0.1, 0.1003, 0.1006, 0.12]}
    )  # fmt: skip
    draw(arms.assign(low=arms["mean"] - 0.01, high=arms["mean"] + 0.01, standing="front", n=5), ax)
    lowest, middle, highest = boxes(ax)[:3]
    assert lowest.y1 <= middle.y0 < middle.y1 <= highest.y0
    lines = [text.arrow_patch is not None for text in ax.texts]
    assert lines[:2] == [True, True]
    assert not lines[3]


def test_a_name_that_has_no_room_beside_its_point_is_cut(ax, texts):
    arms = pd.DataFrame(
        {"label": ["short", "a=1, " * 40], "cost": [100.0, 200.0], "mean": [0.5, 0.4], "low": [0.45, 0.35],
         "high": [0.55, 0.45], "n": 5, "standing": "front"}
    )  # fmt: skip
    draw(arms, ax)
    named = [text for text in texts(ax) if text]
    assert "short" in named
    assert any(text.endswith("…") for text in named)
    FigureCanvasAgg(ax.figure).draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1


def test_a_name_stands_by_its_own_point_or_has_a_line_to_it(ax):
    arms = pd.DataFrame(
        {"label": ["r=2", "r=4", "r=8", "r=16", "r=32", "bare", "constant", "matched"],
         "cost": [200.0, 180.0, 120.0, 100.0, 95.0, 60.0, 61.0, 105.0],
         "mean": [0.1, 0.1012, 0.1025, 0.103, 0.1034, 0.12, 0.1205, 0.1022]}
    )  # fmt: skip
    arms = arms.assign(low=arms["mean"] - 0.002, high=arms["mean"] + 0.002, standing="front", n=5)
    draw(arms, ax)
    FigureCanvasAgg(ax.figure).draw()
    points = ax.transData.transform(arms[["cost", "mean"]])
    for own, text in enumerate(ax.texts):
        box = Text.get_window_extent(text)
        nearest = np.clip(points, (box.x0, box.y0), (box.x1, box.y1))
        away = np.hypot(*(points - nearest).T)
        assert text.get_text() == arms["label"][own]
        assert away.argmin() == own or (text.arrow_patch is not None and away.min() > 5)


def test_a_name_is_not_struck_through_by_an_interval(ax):
    # The interval of the second arm runs where the first one's name would stand.
    arms = pd.DataFrame(
        {"label": ["reduction=16", "other", "far"], "cost": [100.0, 104.0, 200.0], "mean": [0.5, 0.55, 0.9],
         "low": [0.3, 0.4, 0.85], "high": [0.6, 0.7, 0.95], "n": 5, "standing": "front"}
    )  # fmt: skip
    draw(arms, ax)
    x, low, high = ax.transData.transform([(104.0, 0.4), (104.0, 0.7)])[[0, 0, 1], [0, 1, 1]]
    for box in boxes(ax):
        assert not (box.x0 < x < box.x1 and low < box.y1 and box.y0 < high)


def test_a_name_is_not_struck_through_by_the_steps_of_the_front(ax):
    arms = pd.DataFrame(
        {"label": ["reduction=16", "reduction=8", "far"], "cost": [100.0, 180.0, 400.0], "mean": [0.9, 0.6, 0.2],
         "low": np.nan, "high": np.nan, "n": 5, "standing": "front"}
    )  # fmt: skip
    draw(arms, ax)
    corners = ax.transData.transform([(100, 0.9), (180, 0.9), (180, 0.6), (400, 0.6), (400, 0.2)])
    for start, end in itertools.pairwise(corners):
        (left, low), (right, high) = np.minimum(start, end), np.maximum(start, end)
        for box in boxes(ax):
            assert not (box.x0 < right and left < box.x1 and box.y0 < high and low < box.y1)
