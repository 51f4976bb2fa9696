"""What is left of the accuracy when the most, and when the least opened channels of every block are dropped."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import COLOURS, MARKERS
from plain_files.numbers import as_given

ORDERS = {"most": ("most opened", "-"), "least": ("least opened", (0, (4, 2)))}


def plot_drops(drops: pd.DataFrame, ax: Axes) -> Axes:
    """Draw accuracy against the share of channels dropped, with 95 % intervals over seeds.

    Args:
        drops: Per arm and share `label, share, n, intact` and `most, least` with `_low, _high`, as shares of 1.
    """
    shares = sorted(drops["share"].unique())
    arms = list(dict.fromkeys(drops["label"]))
    for i, (label, colour, sign) in enumerate(zip(arms, COLOURS, MARKERS, strict=False)):
        mine = drops[drops["label"] == label].sort_values("share")
        at = np.array([shares.index(share) for share in mine["share"]]) + 1
        for order, (words, dash) in ORDERS.items():
            # Beside each other, so that intervals of one share do not hide each other.
            x = at + 0.06 * (i - (len(arms) - 1) / 2)
            y = 100 * mine[order].to_numpy(float)
            low, high = (100 * mine[f"{order}_{end}"].to_numpy(float) for end in ("low", "high"))
            known = ~np.isnan(low)
            ax.vlines(
                x[known],
                np.clip(low[known], 0, None),
                np.clip(high[known], None, 100),
                color=colour,
                linewidth=0.9,
            )
            whole = [100 * float(mine["intact"].iloc[0]), *y]
            ax.plot([x[0] - at[0], *x], whole, color=colour, linestyle=dash)
            name = f"{label}: {words} dropped (n={mine['n'].iloc[0]})"
            (points,) = ax.plot(
                x, y, sign, color=colour, linestyle=dash, label=name,
                markerfacecolor=colour if order == "most" else "white",
            )  # fmt: skip
            tips = [
                f"{label}, {words} {share:.0%} dropped: {value:.1f} %"
                for share, value in zip(mine["share"], y, strict=True)
            ]
            mark(points, [Mark(tip=tip, arm=label) for tip in tips])
    ax.set_xticks(range(len(shares) + 1), ["none", *(as_given(100 * share) for share in shares)])
    ax.set_xlabel("channels dropped in every block (%)")
    ax.set_ylabel("accuracy (%)")
    return ax
