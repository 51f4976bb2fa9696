"""One block channel by channel: the mean gate of each class, and what the loss does without the channel."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import BLUE, FAINT, MUTED, RED
from plain_files.numbers import number, signed

MOST_WITH_BARS = 64
"""More channels than this have no room for an error bar each."""
KINDS = (
    ("clear, and the gradient agrees", BLUE, "o"),
    ("clear, and the gradient has the other sign", RED, "s"),
    ("not clear of zero", MUTED, "."),
)


def plot_channel_gates(gates: pd.DataFrame, ax: Axes, *, order: np.ndarray) -> Axes:
    """Draw the mean gate of every class and channel as a shade.

    Args:
        gates: Class x channel; the row `all` comes first.
        order: The channels from left to right.
    """
    ordered = gates.to_numpy(dtype=float)[:, order]
    shades = ax.imshow(ordered, aspect="auto", cmap="cividis", interpolation="nearest")
    names = ["all classes", *map(str, gates.index[1:])]
    step = max(1, -(-len(names) // 24))
    ax.set_yticks(range(0, len(names), step), names[::step])
    ax.tick_params(axis="both", length=0)
    ax.grid(visible=False)
    if len(names) > 1:
        ax.axhline(0.5, color="white", linewidth=2)
    ax.set_xticks([])
    ax.set_ylabel("class")
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.colorbar(shades, ax=ax, label="mean gate", pad=0.01, fraction=0.03)
    return ax


def plot_channel_usefulness(single: pd.DataFrame, ax: Axes, *, order: np.ndarray) -> Axes:
    """Draw the rise of the loss without each channel, told apart by whether the gradient has its sign.

    Args:
        single: Per channel `gate, usefulness, error, told, agrees`.
        order: The channels from left to right.
    """
    ordered = single.iloc[order]
    told, agrees = ordered["told"].to_numpy(bool), ordered["agrees"].to_numpy(float) == 1
    useful = ordered["usefulness"].to_numpy(float)
    parts = (told & agrees, told & ~agrees, ~told & ~np.isnan(useful))
    few = len(single) <= MOST_WITH_BARS
    ax.axhline(0, color=FAINT, linewidth=0.8)
    for mine, (name, colour, sign) in zip(parts, KINDS, strict=True):
        at = np.flatnonzero(mine)
        if not len(at):
            continue
        if few:
            bars = 2 * ordered["error"].to_numpy(float)[at]
            ax.errorbar(at, useful[at], yerr=bars, fmt="none", ecolor=colour, elinewidth=0.7)
        size = mpl.rcParams["lines.markersize"] * (1.0 if few else 0.6)
        (drawn,) = ax.plot(
            at, useful[at], sign, color=colour, markersize=size, label=f"{name} ({len(at)})"
        )
        tips = [
            f"channel {order[i]}: gate {number(ordered['gate'].iloc[i])}, loss {signed(useful[i])} without it"
            for i in at
        ]
        mark(drawn, [Mark(tip=tip) for tip in tips])
    ax.set_xlim(-0.5, len(single) - 0.5)
    ax.set_xticks([])
    ax.set_xlabel(f"{len(single)} channels, by mean gate: least opened to most opened")
    ax.set_ylabel("rise of the loss without it (nats)")
    return ax
