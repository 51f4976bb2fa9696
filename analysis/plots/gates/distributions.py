"""What the gates do: their distribution by stage and class, their variance, saturation and gradients."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.logarithmic_axis import plain_powers
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import (
    BLUE,
    COLOURS,
    DASHES,
    FAINT,
    GOLD,
    MUTED,
    RED,
    ordered_colours,
)

MOST_NAMED = 6
"""More lines than this are a scale of colours, whose ends are named."""
MOST_CHARACTERS = 14
"""Names of blocks are shortened, and then stand upright, where they are longer than this together."""


def plot_gate_histogram(
    bins: pd.DataFrame, ax: Axes, *, summary: pd.Series, named: list[str] | None = None
) -> Axes:
    """Draw the distribution of the gates of one stage: all classes filled, each class as a line.

    Args:
        bins: Columns `group` (a class, or `all`), `low`, `high`, `share`; shares of a group sum to 1.
        named: Classes with a colour, a dash and a name of their own; the others are grey. All classes without
            it, which more than six make hard to tell apart.
        summary: `mean` and `saturated` (share of gates within 5 % of the range's ends), of `all`.
    """
    everything = bins[bins["group"] == "all"]
    edges = np.append(everything["low"], everything["high"].iloc[-1])
    ax.stairs(everything["share"], edges, fill=True, color=FAINT, label="all classes")
    groups = [group for group in dict.fromkeys(bins["group"]) if group != "all"]
    chosen = groups if named is None else named
    others = [group for group in groups if group not in chosen]
    for i, group in enumerate(others):
        said = f"{len(others)} other classes" if i == 0 else None
        mine = bins[bins["group"] == group]
        ax.stairs(mine["share"], edges, color=MUTED, alpha=0.5, linewidth=0.4, label=said)
    thick = 1.2 if others else 0.8
    for i, group in enumerate(chosen):
        mine = bins[bins["group"] == group]
        look: dict[str, Any] = {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": DASHES[i % len(DASHES)],
        }
        drawn = ax.stairs(mine["share"], edges, linewidth=thick, label=f"class {group}", **look)
        mark(drawn, [Mark(tip=f"class {group}")])
    ax.axvline(float(summary["mean"]), color=RED, linestyle=(0, (5, 2)), label="mean")
    width = edges[-1] - edges[0]
    for low, high in ((edges[0], edges[0] + 0.05 * width), (edges[-1] - 0.05 * width, edges[-1])):
        ax.axvspan(low, high, color=GOLD, alpha=0.2, linewidth=0)
    ax.set_xlim(edges[0], edges[-1])
    saturated = 100 * summary["saturated"]
    ax.set_xlabel(f"gate: mean {summary['mean']:.2f}, {saturated:.1f} % saturated")
    ax.set_ylabel("share of gates")
    return ax


def plot_gate_variance(blocks: pd.DataFrame, ax: Axes) -> Axes:
    """Draw, by block, the share of the gates' variance that lies between the classes.

    Args:
        blocks: Columns `block`, `between`, `within` (variances over inputs, mean over channels).
    """
    share = blocks["between"] / (blocks["between"] + blocks["within"])
    ax.bar(range(len(blocks)), share, color=BLUE)
    ax.set_ylim(0, 1)
    ax.set_title("variance between classes / all", fontweight="normal")
    return _by_block(blocks, ax)


def plot_gate_saturation(blocks: pd.DataFrame, ax: Axes) -> Axes:
    """Draw, by block, the share of gates that are nearly closed and nearly open.

    Args:
        blocks: Columns `block`, `saturated_low`, `saturated_high` (shares), `above_one` (share of
            gates that amplify; NaN for gates that cannot).
    """
    at = np.arange(len(blocks))
    ax.bar(at - 0.2, blocks["saturated_low"], width=0.38, color=BLUE, label="nearly closed")
    ax.bar(
        at + 0.2, blocks["saturated_high"], width=0.38, color=GOLD, hatch="///", label="nearly open"
    )
    if blocks["above_one"].notna().any():
        ax.plot(at, blocks["above_one"], "D", color=RED, label="above one")
    ax.set_title("share of gates at an end", fontweight="normal")
    return _by_block(blocks, ax)


def plot_gate_gradients(gradients: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the norm of the loss's gradient that reaches each block's gate, over the epochs, or at the only one.

    Args:
        gradients: Columns `block`, `epoch`, `gradient_norm`.
    """
    blocks = list(dict.fromkeys(gradients["block"]))
    ax.set_title("gradient norm at the gate", fontweight="normal")
    if len(set(gradients["epoch"])) == 1:  # dots at one epoch show nothing over epochs
        ax.bar(range(len(blocks)), gradients["gradient_norm"], color=BLUE)
        return _by_block(gradients, ax)
    names = short(list(map(str, blocks)))
    for i, (block, colour) in enumerate(zip(blocks, ordered_colours(len(blocks)), strict=True)):
        mine = gradients[gradients["block"] == block]
        is_named = len(blocks) <= MOST_NAMED or i in (0, len(blocks) - 1)
        ax.plot(
            mine["epoch"],
            mine["gradient_norm"],
            "o-",
            color=colour,
            label=names[i] if is_named else None,
        )
    if (gradients["gradient_norm"] > 0).all():
        ax.set_yscale("log")
        plain_powers(ax.yaxis)
    at = sorted(set(gradients["epoch"]))
    ax.set_xticks(at[:: -(-len(at) // 6)])
    ax.set_xlabel("epoch")
    return ax


def _by_block(blocks: pd.DataFrame, ax: Axes) -> Axes:
    names = short([str(block) for block in blocks["block"]])
    ax.set_xticks(range(len(blocks)), names)
    if sum(map(len, names)) > MOST_CHARACTERS:
        ax.tick_params(axis="x", rotation=90)
    ax.tick_params(axis="x", color=MUTED, length=0)
    ax.set_xlabel("block (input to output)")
    return ax


def short(names: list[str]) -> list[str]:
    """Dotted names as they are where they fit beside each other; else without the parts that all begin and end with.

    `net.layer1.0.bn2` is `layer1` beside `net.layer2.0.bn2`.
    """
    if sum(map(len, names)) <= MOST_CHARACTERS or len(set(names)) < 2:
        return names
    parts = [name.split(".") for name in names]
    shortest = min(map(len, parts))
    same = [len({one[i] for one in parts}) == 1 for i in range(shortest)]
    front = min([*same, False].index(False), shortest - 1)
    ending = [len({one[-1 - i] for one in parts}) == 1 for i in range(shortest)]
    back = min([*ending, False].index(False), shortest - front - 1)
    return [".".join(one[front : len(one) - back]) for one in parts]
