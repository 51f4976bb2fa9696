"""What a search found against what fresh seeds say: the optimism of a maximum over noise."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.plots.drawing.frames import rows
from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import COLOURS, MARKERS, MUTED
from plain_files.numbers import LOSS, interval, loss


def plot_selection(arms: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the confirmed mean of each chosen arm against the value that the search had seen.

    Points above the diagonal were luckier in the search than they are.

    Args:
        arms: Columns `label`, `searched`, `mean`, `low`, `high` (of the fresh seeds), `n`.
    """
    for i, arm in enumerate(rows(arms)):
        ends = [[max(arm.mean - arm.low, 0)], [max(arm.high - arm.mean, 0)]]
        drawn = ax.errorbar(
            [arm.searched],
            [arm.mean],
            yerr=None if np.isnan(arm.low) else ends,
            fmt=MARKERS[i % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            label=f"{arm.label} (n={arm.n})",
        )
        tip = f"{arm.label}: searched {loss(arm.searched)}, fresh {loss(arm.mean)} {interval(arm.low, arm.high, LOSS)}"
        mark(drawn[0], [Mark(tip=f"{tip}, n={arm.n}", arm=str(arm.label))])
    both = np.concatenate(
        [arms["searched"], arms["mean"], arms[["low", "high"]].to_numpy().ravel()]
    )
    both = both[np.isfinite(both)]
    ends = [both.min(), both.max()]
    ax.plot(ends, ends, color=MUTED, linestyle=(0, (5, 2)), label="equal: no optimism")
    ax.grid(visible=True, axis="both")
    return ax
