"""The arms of a study: their means with intervals, their cost, and which are worth their cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.tradeoff.prices.price import switch_prices

Floats = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True)
class Front:
    """Loss against cost."""

    arms: pd.DataFrame
    """Per arm `label, cost, mean, low, high, n, standing` (`front`, `unclear`, `dominated`)."""
    switches: pd.DataFrame
    """Edges of the lower convex hull, from dear to cheap arms: `best_below, best_above, price`, and
    `cost_from, cost_to, mean_from, mean_to`."""


def summarise(
    runs: pd.DataFrame, *, metric: str, beside: Sequence[str] = ("val_accuracy",)
) -> pd.DataFrame:
    """Mean of the metric per arm with its marginal 95 % t interval over the seeds.

    Args:
        runs: Rows that may enter an estimate.
        metric: What is summarised.
        beside: Other metrics, of which the mean is given alone.

    Returns:
        One row per arm in order of first appearance: `arm, label, n, mean, sd, low, high`, the other metrics,
        `params, attention_params, macs, seconds`.
    """
    by_arm = runs.groupby("arm", sort=False)
    table = by_arm.agg(
        label=("label", "first"),
        stage=("stage", "first"),
        n=(metric, "size"),
        mean=(metric, "mean"),
        sd=(metric, "std"),
        **{name: (name, "mean") for name in beside},
        params=("params", "first"),
        attention_params=("attention_params", "first"),
        macs=("macs", "first"),
        seconds=("seconds", "mean"),
    ).reset_index()
    half = stats.t.ppf((1 + LEVEL) / 2, (table["n"] - 1).clip(lower=1)) * table["sd"]
    half = half / np.sqrt(table["n"])
    table["low"], table["high"] = table["mean"] - half, table["mean"] + half
    return table


def front(runs: pd.DataFrame, *, metric: str, cost: str, highest_is_best: bool = False) -> Front:
    """Which arms no other arm beats at the same cost or less.

    An arm is `dominated` only if an arm on the front that costs no more beats it by a one-sided
    paired t test over shared seeds (5 %, Bonferroni over the arms of the front); where only the
    means say so it is `unclear`. Of a metric whose highest value is best, that is what beats.
    """
    arms = summarise(runs, metric=metric).rename(columns={cost: "cost"})
    sign = -1.0 if highest_is_best else 1.0
    arms["loss"] = sign * arms["mean"]
    arms = arms.dropna(subset=["cost", "mean"]).sort_values(["cost", "loss"], kind="stable")
    best_so_far = arms["loss"].cummin().shift(fill_value=np.inf)
    on_front = (arms["loss"] < best_so_far).to_numpy()
    by_seed = runs.pivot_table(index="seed", columns="arm", values=metric, aggfunc="mean")
    values = {str(arm): sign * column.to_numpy(dtype=float) for arm, column in by_seed.items()}
    leaders = arms.loc[on_front, ["arm", "cost"]].to_numpy()
    arms["standing"] = [
        "front"
        if leading
        else _standing(values[arm], [values[rival] for rival, price in leaders if price <= cost])
        for arm, cost, leading in zip(arms["arm"], arms["cost"], on_front, strict=True)
    ]
    kept = ["arm", "label", "cost", "mean", "low", "high", "n", "standing"]
    return Front(arms=arms[kept].reset_index(drop=True), switches=_switches(arms))


def _standing(mine: Floats, rivals: list[Floats]) -> str:
    """By losses per seed (NaN where a seed lacks the arm), against the leaders that cost no more."""
    for rival in rivals:
        gap = (mine - rival)[~np.isnan(mine - rival)]
        if len(gap) < 2:
            continue
        middle, spread = gap.mean(), gap.std(ddof=1) / np.sqrt(len(gap))
        t = middle / spread if spread > 0 else np.inf * np.sign(middle)
        if stats.t.sf(t, len(gap) - 1) < (1 - LEVEL) / len(rivals):
            return "dominated"
    return "unclear"


def _switches(arms: pd.DataFrame) -> pd.DataFrame:
    edges = switch_prices(
        list(arms["label"]),
        arms["cost"].to_numpy(dtype=float),
        arms["loss"].to_numpy(dtype=float),
    )
    at = arms.drop_duplicates("label").set_index("label")
    for side, name in (("from", "best_below"), ("to", "best_above")):
        edges[f"cost_{side}"] = at["cost"].reindex(edges[name]).to_numpy(dtype=float)
        edges[f"mean_{side}"] = at["mean"].reindex(edges[name]).to_numpy(dtype=float)
    return edges


def crossed(runs: pd.DataFrame, factors: list[str]) -> list[tuple[str, str]]:
    """Pairs of factors of which every combination of levels was run."""
    there = [f for f in factors if f in runs and 1 < runs[f].nunique() <= 12]
    pairs = []
    for i, a in enumerate(there):
        for b in there[i + 1 :]:
            met = runs.dropna(subset=[a, b])
            if len(met.groupby([a, b])) == met[a].nunique() * met[b].nunique() > 3:
                pairs.append((a, b))
    return pairs


def cell_means(runs: pd.DataFrame, *, rows: str, columns: str, metric: str) -> pd.DataFrame:
    """Mean of every combination of two factors, averaged over all others, with its interval.

    The interval is a t interval over seeds with each seed's own level taken out.

    Returns:
        `rows, columns, mean, low, high, n`, levels in ascending order where they are numbers.
    """
    met = runs.dropna(subset=[rows, columns])
    by_seed = met.groupby([rows, columns, "seed"])[metric].mean().reset_index()
    own = by_seed.groupby("seed")[metric].transform("mean")
    by_seed["value"] = by_seed[metric] - own + own.mean()
    cells = by_seed.groupby([rows, columns])["value"].agg(["mean", "std", "size"]).reset_index()
    half = stats.t.ppf((1 + LEVEL) / 2, (cells["size"] - 1).clip(lower=1)) * cells["std"]
    half = half / np.sqrt(cells["size"])
    cells["low"], cells["high"] = cells["mean"] - half, cells["mean"] + half
    return cells.rename(columns={"size": "n"}).drop(columns="std")
