"""Components that could go: negligible by their verdict, and paid for."""

import pandas as pd

from analysis.effects.effects import Effects

COLUMNS = [
    "label",
    "estimate",
    "ci95_low",
    "ci95_high",
    "saved_params",
    "saved_macs",
    "saved_seconds",
]


def dead_weight(result: Effects) -> pd.DataFrame:
    """The changes that are negligible and make the network cheaper, the largest saving first.

    A row is a change from the baseline: making it saves `saved_params` weights and `saved_macs`
    multiply-adds, and changes the metric by less than the margin. Empty without a margin.
    """
    there = [name for name in COLUMNS if name in result.frame]
    rows = result.family[result.family["verdict"] == "negligible"]
    # A simple effect is negligible at one setting alone: the change is not free everywhere.
    rows = rows[rows["role"] != "simple"]
    cheaper = pd.Series(False, index=rows.index)
    for name in ("saved_params", "saved_macs"):
        if name in rows:
            cheaper |= rows[name] > 0
    order = next((n for n in ("saved_params", "saved_macs") if n in rows), "estimate")
    return rows.loc[cheaper, there].sort_values(order, ascending=False).reset_index(drop=True)
