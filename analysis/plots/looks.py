"""Evidence against seeds: how far each statistic of a comparison was from its boundary, look by look."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.plots.drawing.style import BLUE, GOLD, INK, MUTED

MOST = 1.5
"""Of the axis, in boundaries: what is further out is a triangle at its end."""


def plot_looks(looks: pd.DataFrame, ax: Axes, *, title: str, most_seeds: int) -> Axes:
    """Draw both statistics of one comparison as shares of their boundaries; the one that crosses 1 settles it.

    Args:
        looks: A row per look: `seeds, t, bound, room, bound_small`.
        ax: Where to.
        title: The comparison and its verdict.
        most_seeds: Where the axis of seeds ends.
    """
    seeds = looks["seeds"].to_numpy(float)
    lines = (
        ("t", "bound", BLUE, "o", "-", "different from zero"),
        ("room", "bound_small", GOLD, "s", (0, (4, 2)), "within the margin"),
    )
    for name, bound, colour, marker, dash, said in lines:
        share = looks[name].to_numpy(float) / looks[bound].to_numpy(float)
        drawn = np.clip(share, 0.0, MOST)
        ax.plot(
            seeds, drawn, marker=marker, color=colour, linestyle=dash, markersize=4, label=said,
            clip_on=False,
        )  # fmt: skip
        beyond = share > MOST
        if beyond.any():  # an empty line without clipping would have no end for the layout
            ax.plot(seeds[beyond], drawn[beyond], "^", color=colour, markersize=8, clip_on=False)
    ax.axhline(1.0, color=INK, linewidth=1.0, label="boundary")
    ax.set_xlim(min(seeds.min(), 2) if len(seeds) else 2, most_seeds)
    ax.set_ylim(0.0, MOST + 0.1)
    ax.set_yticks([0.0, 0.5, 1.0, 1.5])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(title, fontweight="normal", fontsize="medium", color=INK)
    ax.tick_params(colors=MUTED)
    return ax
