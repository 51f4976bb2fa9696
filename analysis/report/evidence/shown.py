"""Which part of the evidence each figure shows; a figure of everything could not be read."""

import numpy as np
import pandas as pd

from analysis.plots.curves import MOST_NAMED
from analysis.plots.price import MOST_PRICES
from analysis.report.evidence.arms import cell_means, crossed
from analysis.report.evidence.evidence import Evidence, named
from analysis.report.evidence.gates import Gates
from analysis.report.page.numbers import interval, number
from analysis.sequential.stopped import Stopped
from analysis.tables.levels import NONE, plain_level
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.status_words import STATUS_WORDS
from plain_files.numbers import as_given, in_table

MOST_PAIRS = 3
MOST_ARMS = 40
MOST_EFFECTS = 40
MOST_CURVES = 400
MOST_LOOKS = 12
MOST_OVER_TIME = 6
SWEEPS = 30
"""Of the two-way fit; with every arm at every seed the first is exact."""
MOST_DROPS = 3
MOST_CLASSES = 6
"""With a colour of their own; more cannot be told apart."""


def metric_name(evidence: Evidence) -> str:
    """The metric in words, without its unit: `validation loss`."""
    words = {
        "val_loss": "validation loss",
        "val_accuracy": "validation accuracy",
        "train_loss": "training loss",
    }
    return words.get(evidence.table.metric, evidence.table.metric)


def seed_runs(evidence: Evidence) -> pd.DataFrame:
    """The runs of the figure of seeds: `label, seed, run, value`, and `paired`, the value less its seed's own level.

    A seed's own level is what it adds to every arm by least squares, so that an arm that lacks a seed is treated
    fairly.
    """
    runs = evidence.runs.rename(columns={evidence.table.metric: "value"})
    runs = runs[runs["label"].isin(arms(evidence))][["label", "seed", "run", "value"]]
    own = pd.Series(0.0, index=runs.index)
    for _ in range(SWEEPS):
        arm = (runs["value"] - own).groupby(runs["label"]).transform("mean")
        level = (runs["value"] - arm).groupby(runs["seed"]).transform("mean")
        own = (level - level.mean()).fillna(0.0)
    return runs.assign(paired=runs["value"] - own)


def over_time(evidence: Evidence) -> list[str]:
    """Labels of the comparisons with a colour in the figure against training time: the largest at the end."""
    assert evidence.components is not None
    frame = evidence.components.by_epoch
    last = frame[frame["epoch"] == frame["epoch"].max()]
    largest = last.loc[last["estimate"].abs().sort_values(ascending=False).index, "label"]
    return [str(label) for label in largest[:MOST_OVER_TIME]]


def width_names(evidence: Evidence) -> tuple[list[str], str]:
    """What the widths are called on an axis and what the axis is called: as the study's user named them, if so."""
    assert evidence.width is not None
    widths, runs = evidence.width.widths, evidence.runs
    named = [f for f in evidence.table.factors if f.endswith(".width") and f in runs]
    if named:
        of = runs.dropna(subset=[named[0], "c2_eff"]).groupby("c2_eff")[named[0]].agg(set)
        found = [of.get(c2, set()) for c2 in widths["c2_eff"]]
        if all(len(levels) == 1 for levels in found):
            return [as_given(next(iter(levels))) for levels in found], named[0].rpartition(".")[2]
    return [in_table(c) for c in widths["channels"]], "channels C (root mean square over blocks)"


def arms(evidence: Evidence) -> list[str]:
    """Labels of the arms in the figure of seeds: all in the order of the plan, or the best ones."""
    labels = list(dict.fromkeys(evidence.arms["label"]))
    if len(labels) <= MOST_ARMS:
        return labels
    return _named(evidence, [evidence.baseline], MOST_ARMS)


def curves_named(evidence: Evidence) -> list[str]:
    """Labels of the arms with a colour of their own: the baseline, controls, then the best."""
    bare = evidence.arms[evidence.arms["attention_params"] == 0]["label"]
    return _named(evidence, [evidence.baseline, *list(bare)[:1]], MOST_NAMED)


def curves(evidence: Evidence) -> pd.DataFrame:
    """The epochs of the named arms, and of as many other runs as can be told apart."""
    mine = evidence.epochs["label"].isin(curves_named(evidence))
    others = list(dict.fromkeys(evidence.epochs.loc[~mine, "run"]))
    step = max(1, -(-len(others) // MOST_CURVES))
    return evidence.epochs[mine | evidence.epochs["run"].isin(others[::step])]


def gate_classes(gates: Gates) -> list[str]:
    """Classes with a colour of their own, those with the lowest gates first: all, or those that differ most."""
    shares = gates.bins.pivot_table(
        index=["stage", "low"], columns="group", values="share", sort=False
    )
    classes = shares.drop(columns="all")
    if classes.shape[1] <= MOST_CLASSES:
        return [str(name) for name in classes]
    away = classes.sub(shares["all"], axis=0).abs().sum()
    farthest = classes[away.nlargest(MOST_CLASSES).index]
    means = farthest.mul(farthest.index.get_level_values("low"), axis=0).sum()
    return [str(name) for name in means.sort_values(kind="stable").index]


def gate_parts(gates: Gates) -> list[str]:
    """What is drawn by block, as far as it was recorded: `variance`, `saturation`, `gradients`."""
    known = {
        "variance": gates.blocks["between"].notna().any(),
        "saturation": True,
        "gradients": gates.gradients["gradient_norm"].notna().any(),
    }
    return [part for part, there in known.items() if there]


def drops(evidence: Evidence) -> pd.DataFrame:
    """The arms of the figure of dropped channels: the one whose channels are shown, and the best others."""
    assert evidence.channels is not None
    frame = evidence.channels.drops
    there = evidence.arms[evidence.arms["label"].isin(frame["label"])]
    return frame[frame["label"].isin(named(there, [evidence.channels.label], MOST_DROPS))]


def prices(evidence: Evidence) -> list[float]:
    """Prices per weight: the one that was named, and one inside each stretch of the tested best."""
    assert evidence.ratio is not None
    fit = evidence.ratio.fit
    sweep = fit.sweep
    ends = np.flatnonzero(np.diff(sweep["best_tested"]) != 0) + 1
    middles = [part[len(part) // 2] for part in np.split(sweep["price"].to_numpy(float), ends)]
    given = [fit.price_per_param] if fit.price_per_param else []
    return sorted([*given, *middles[: MOST_PRICES - len(given)]])


def pairs(evidence: Evidence) -> list[tuple[str, str]]:
    """Pairs of crossed factors, at most `MOST_PAIRS`; the one with more levels along the bottom."""
    found = crossed(evidence.runs, evidence.table.factors)[:MOST_PAIRS]
    levels = evidence.runs[evidence.table.factors].nunique()
    return [(a, b) if levels[a] <= levels[b] else (b, a) for a, b in found]


def cells(evidence: Evidence) -> list[pd.DataFrame]:
    """The cell means of each pair."""
    metric = evidence.table.metric
    return [
        _in_the_spaces_order(
            cell_means(evidence.runs, rows=rows, columns=columns, metric=metric), evidence
        )
        for rows, columns in pairs(evidence)
    ]


def _in_the_spaces_order(found: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """The cells with each factor's levels as the space lists them, numbers from small to large."""
    space = evidence.table.info.get("space") or {}
    declared = {f["name"]: list(f.get("levels") or []) for f in space.get("factors") or []}
    for factor in reversed(found.columns[:2]):
        levels = [
            NONE if level is None else plain_level(level) for level in declared.get(factor, [])
        ]
        if any(isinstance(level, str) for level in levels):
            at = {level: i for i, level in enumerate(levels)}
            places = found[factor].map(at).fillna(len(at))
            found = found.loc[places.sort_values(kind="stable").index]
    return found.reset_index(drop=True)


def axes(evidence: Evidence) -> list[str]:
    """Factors that vary among the complete runs."""
    there = [f for f in evidence.table.factors if f in evidence.runs]
    return [f for f in there if len(evidence.runs[f].drop_duplicates()) > 1]


def effects(evidence: Evidence) -> pd.DataFrame:
    """The decided comparisons as the forest draws them: all, or those with the strongest evidence."""
    if evidence.effects is None:
        return pd.DataFrame()
    family = evidence.effects.strongest(MOST_EFFECTS)
    over = [f" (over {n} backgrounds)" if n > 1 else "" for n in family["backgrounds"]]
    of_arm = family["arm"].map(evidence.arms.set_index("arm")["label"]).fillna("")
    return family.assign(
        name=[a + b for a, b in zip(family["label"], over, strict=True)], of_arm=of_arm
    )


def fit_in_words(fit: ReductionFit) -> str:
    """What the fit came to, for the head of its figure: in words, with r* where there is one."""
    said = STATUS_WORDS[fit.status]
    if fit.r_star is not None and fit.r_star_ci is not None:
        return f"r* = {number(fit.r_star)} {interval(*fit.r_star_ci)}\n{said}"
    return said


def stopped(evidence: Evidence) -> Stopped | None:
    """What a rule settled, of a study that ran until it was decided."""
    return evidence.effects.stopped if evidence.effects else None


def looks_drawn(found: Stopped) -> pd.DataFrame:
    """The comparisons whose looks are drawn: all, or the first of very many."""
    return found.frame.head(MOST_LOOKS)


def _named(evidence: Evidence, wanted: list[str], most: int) -> list[str]:
    best = evidence.table.direction == "maximize"
    return named(evidence.arms, wanted, most, highest_is_best=best)
