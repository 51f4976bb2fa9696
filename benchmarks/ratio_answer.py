"""Measures whether the answer of a reduction-ratio fit holds, whatever the true curve is.

    python benchmarks/ratio_answer.py                      all tables, about ten minutes of a core
    python benchmarks/ratio_answer.py --repetitions 1000   with a Monte-Carlo error of 0.7 points
    python benchmarks/ratio_answer.py --curve exponential --noise "grows with r" --seed 1    one curve, other tables

The numbers are those that `fit_reduction` gives (a test holds the two together). Columns end in the number of seeds.
`answer`: share of tables whose first sentence holds, in percent: the interval of r*, the limit, or nothing claimed.
`theory`: the same of the quadratic's own interval. `rejected`: how often lack of fit rejects the quadratic. `width`:
median width of the answer's interval in octaves, as far as ratios were tested. All draws are seeded.
"""

import argparse
import math

import numpy as np
import pandas as pd
from scipy import stats

from analysis.tradeoff.answer import Answers, status_of
from analysis.tradeoff.curves.average_interval import averaged_ratio
from analysis.tradeoff.curves.families import fit_families
from analysis.tradeoff.curves.lack_of_fit import lof_ratio
from analysis.tradeoff.curves.reduced import reduce_grid
from analysis.tradeoff.kappa import estimate_kappa
from analysis.tradeoff.priced import price_kappa
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.ratios import RatioRuns
from analysis.tradeoff.tested import pair_ratios

RATIOS = np.array([2.0, 4, 8, 16, 32, 64])
SEEDS = (3, 5, 10)
RISE = 8.0
"""Of the loss over the tested ratios, in standard deviations of a run."""
CURVES = {
    "quadratic": lambda r: (r / 64) ** 2,
    "saturating": lambda r: (r / 20) ** 2 / (1 + (r / 20) ** 2),
    "exponential": lambda r: 1 - np.exp(-r / 12),
    "U-shaped": lambda r: np.log2(r / 8) ** 2 / 9,
    "step": lambda r: np.asarray(r > 22.6, dtype=float),
    "flat": lambda r: 0.0 * r,
}
"""True curves, rising by about 1."""
NOISES = ("normal", "t3", "log-normal", "grows with r")


def noise(random, kind, seeds):
    """Noise of mean 0 and standard deviation 1 (on average over the ratios), shape (seeds, ratios)."""
    shape = (seeds, len(RATIOS))
    match kind:
        case "t3":
            return random.standard_t(3, shape) / math.sqrt(3)
        case "log-normal":
            spread = math.sqrt((math.e - 1) * math.e)
            return (np.exp(random.standard_normal(shape)) - math.exp(0.5)) / spread
        case "grows with r":
            sd = RATIOS**0.35
            return random.standard_normal(shape) * sd / math.sqrt(np.mean(sd**2))
    return random.standard_normal(shape)


def runs_of(y):
    """Losses of shape (seeds, ratios) as the runs of a fit."""
    seeds = len(y)
    r, blocks = np.tile(RATIOS, seeds), np.repeat(np.arange(seeds), len(RATIOS))
    return RatioRuns(
        r=r, nominal=r, loss=y.ravel(), seeds=blocks, seed_labels=blocks.astype(float),
        ids=np.arange(len(r)).astype(object),
        metric="val_loss", blocked=True, cost=None, c2_eff=1.0, control=pd.DataFrame(), excluded={}, flags=(),
    )  # fmt: skip


def answered(runs, lam_c2):
    """The answer of `fit_reduction` and its status, without the rest of what it computes."""
    grid = reduce_grid(runs.r, runs.loss, runs.seeds, blocked=True)
    fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
    kappa = estimate_kappa(runs, cluster="auto", confidence=0.95)
    pairs = pair_ratios(runs.r, runs.loss, runs.seeds, mean=grid.mean, paired=True)
    p = float(stats.f.sf(lof_ratio(grid, grid.z, np.array(grid.rss)), len(grid.r) - 2, grid.df))
    averaged = averaged_ratio(grid, fits, confidence=0.95)
    status = status_of(kappa, quadratic_p=p, curves_p=averaged.p)
    theory = price_kappa(Price.per_param(lam_c2 / 2), kappa.value, kappa.ci, c2=1.0)
    answer = Answers(status, averaged, pairs, 0.95).at(lam_c2, theory)
    best = pairs.at(lam_c2=lam_c2, confidence=0.95).argmin_set
    return answer, theory, status, best == [RATIOS[-1]]


def truth(curve, target):
    """The price times C² at which the curve's best ratio is near the target, and that ratio."""
    fine = np.geomspace(1, RATIOS[-1], 4000)
    loss = RISE * curve(fine)
    slope = float(np.interp(target, fine, np.gradient(loss, fine)))
    lam_c2 = target**2 * slope if slope > 0 else 0.05 * RISE * target
    best = float(fine[np.argmin(loss + lam_c2 / fine)])
    return lam_c2, best


def holds(interval, best):
    """Whether the best ratio lies in an interval; none claims nothing."""
    if interval is None or math.isnan(interval[0]):
        return True
    near = 1.004
    return interval[0] <= best * near and best <= interval[1] * near


def claimed(answer, status, largest_is_best):
    """What the first sentence says of r*."""
    if status == "decreasing":
        return (float(RATIOS[-1]), math.inf) if largest_is_best else None
    return answer.ci if status != "not_identified" else None


def width(interval):
    """In octaves, within 1 and the largest tested ratio."""
    if interval is None or math.isnan(interval[0]):
        return math.log2(RATIOS[-1])
    return math.log2(min(interval[1], RATIOS[-1]) / min(interval[0], RATIOS[-1]))


def answers(repetitions=200, seed=0, kind="normal", rise=RISE, only=None):
    """Whether the answer holds, by the true curve and its r*; percent, and octaves."""
    rows = []
    for number, (name, curve) in enumerate(CURVES.items()):
        if only not in (None, name):
            continue
        for target in (8, 16):
            random = np.random.default_rng([seed, target, number])
            lam_c2, best = truth(curve, target)
            row = [name, round(best, 1)]
            for seeds in SEEDS:
                row += cell(random, kind, curve, lam_c2, best, seeds, repetitions, rise)
            rows.append(row)
    measured = [f"{what} {s}" for s in SEEDS for what in ("answer", "theory", "rejected", "width")]
    return pd.DataFrame(rows, columns=["curve", "r*", *measured])


def cell(random, kind, curve, lam_c2, best, seeds, repetitions, rise):
    """One true curve and number of seeds: answer, theory, quadratic rejected (all percent), width."""
    held = theory = rejected = 0
    widths = []
    for _ in range(repetitions):
        y = rise * curve(RATIOS) + noise(random, kind, seeds)
        answer, quadratic, status, largest = answered(runs_of(y), lam_c2 * rise / RISE)
        said = claimed(answer, status, largest)
        held += holds(said, best)
        theory += holds(quadratic.r_star_ci, best)
        rejected += status in ("quadratic_rejected", "curves_rejected")
        widths.append(width(said))
    share = 100 / repetitions
    return [held * share, theory * share, rejected * share, float(np.median(widths))]


def main():
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--curve", choices=list(CURVES))
    parser.add_argument("--noise", choices=NOISES)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    repetitions = args.repetitions
    error = 100 * math.sqrt(0.95 * 0.05 / repetitions)
    print(f"{repetitions} tables a cell; Monte-Carlo error of 95 %: {error:.1f} points.\n")
    for kind, rise in (("normal", RISE), ("normal", 3.0), *((kind, RISE) for kind in NOISES[1:])):
        if args.noise not in (None, kind):
            continue
        print(f"Noise {kind}; the loss rises by {rise:g} standard deviations of a run.\n")
        table = answers(repetitions, seed=args.seed, kind=kind, rise=rise, only=args.curve)
        print(table.round(1).to_string(index=False), "\n", flush=True)


if __name__ == "__main__":
    main()
