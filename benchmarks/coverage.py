"""Measures what the fit of the reduction ratio promises: coverage of its intervals, error rates of its tests.

    python benchmarks/coverage.py            all tables, a few minutes
    python benchmarks/coverage.py --quick    a tenth of the repetitions

The verdicts on effects have a command of their own, `benchmarks/verdict_errors.py`. All draws are seeded.
"""

import argparse
import itertools
import time

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts.cr2 import cr2
from analysis.tradeoff.curves.average_interval import average_interval
from analysis.tradeoff.curves.families import fit_families
from analysis.tradeoff.curves.lack_of_fit import lof_ratio
from analysis.tradeoff.curves.reduced import reduce_grid

DESIGNS = {
    "2..64": [2, 4, 8, 16, 32, 64],
    "2..32": [2, 4, 8, 16, 32],
    "4..32": [4, 8, 16, 32],
    "2,2,8,16,32,32": [2, 2, 8, 16, 32, 32],
}
SEEDS = (3, 4, 5, 10)
NOISES = ("iid", "skewed", "heteroscedastic", "5% outliers", "AR along r")


def noise(random, kind, shape, r):
    """Noise of mean zero, shape (repetitions, seeds, runs per seed)."""
    z = random.standard_normal(shape)
    match kind:
        case "iid":
            return z
        case "skewed":
            return random.exponential(size=shape) - 1
        case "heteroscedastic":
            return z * np.asarray(r, dtype=float) ** 0.35
        case "5% outliers":
            return np.where(random.random(shape) < 0.05, 4 * z, z)
        case "AR along r":
            for k in range(1, shape[2]):
                z[:, :, k] = 0.6 * z[:, :, k - 1] + 0.8 * z[:, :, k]
            return z
        case "t3":
            return random.standard_t(3, size=shape)
    raise ValueError(kind)


def ratio_coverage(repetitions=40_000, seed=0):
    """Coverage of the 95 % interval of kappa, so of r*, on complete grids; percent."""
    random = np.random.default_rng(seed)
    rows = []
    for (name, r), s in itertools.product(DESIGNS.items(), SEEDS):
        x = np.tile(np.asarray(r, dtype=float) ** 2 / 2, s)
        groups = np.repeat(np.arange(s), len(r))
        kappa = 4.0 / (max(r) ** 2 / 2)
        for kind in NOISES:
            covered = 0
            for part in np.array_split(np.arange(repetitions), max(repetitions // 5000, 1)):
                e = noise(random, kind, (len(part), s, len(r)), r)
                e += random.standard_normal((len(part), s, 1))
                y = (e + kappa * np.asarray(r, dtype=float) ** 2 / 2).reshape(len(part), -1)
                low, high = cr2(x, y, groups).interval(0.95)
                covered += int(np.sum((low <= kappa) & (kappa <= high)))
            rows.append((name, s, kind, 100 * covered / repetitions))
    frame = pd.DataFrame(rows, columns=["ratios", "seeds", "noise", "coverage"])
    return frame.pivot_table(
        index=["ratios", "seeds"], columns="noise", values="coverage", sort=False
    )


def missing_coverage(repetitions=4000, share=0.15, seed=1):
    """The same with 15 % of the runs missing at random, by the general formula; percent."""
    random = np.random.default_rng(seed)
    rows = []
    for (name, r), s in itertools.product(DESIGNS.items(), SEEDS):
        x = np.tile(np.asarray(r, dtype=float) ** 2 / 2, s)
        groups = np.repeat(np.arange(s), len(r))
        kappa = 4.0 / (max(r) ** 2 / 2)
        for kind in ("iid", "heteroscedastic"):
            covered = fits = 0
            for _ in range(repetitions):
                y = noise(random, kind, (1, s, len(r)), r).ravel() + kappa * x
                keep = random.random(len(x)) >= share
                codes = np.unique(groups[keep], return_inverse=True)[1]
                if keep.sum() < 4 or codes.max() < 2:
                    continue
                found = cr2(x[keep], y[keep], codes)
                if not np.isfinite(found.df):
                    continue
                low, high = found.interval(0.95)
                covered += bool(low <= kappa <= high)
                fits += 1
            rows.append((name, s, kind, 100 * covered / fits))
    frame = pd.DataFrame(rows, columns=["ratios", "seeds", "noise", "coverage"])
    return frame.pivot_table(
        index=["ratios", "seeds"], columns="noise", values="coverage", sort=False
    )


def lack_of_fit_size(repetitions=20_000, seed=4):
    """How often a true quadratic is rejected at 5 %; percent."""
    random = np.random.default_rng(seed)
    rows = []
    for (name, r), s in itertools.product(list(DESIGNS.items())[:3], (3, 5, 10)):
        groups = np.repeat(np.arange(s), len(r))
        grid = reduce_grid(np.tile(r, s).astype(float), np.zeros(s * len(r)), groups, blocked=True)
        critical = stats.f.ppf(0.95, len(r) - 2, grid.df)
        row = [name, s]
        for kind in ("iid", "heteroscedastic", "t3"):
            y = noise(random, kind, (repetitions, s, len(r)), r)
            mean = y.mean(axis=1)
            rest = (
                y - mean[:, None] - y.mean(axis=2, keepdims=True) + mean.mean(axis=1)[:, None, None]
            )
            ratio = lof_ratio(grid, mean @ grid.root.T, np.sum(rest**2, axis=(1, 2)))
            row.append(100 * float(np.mean(ratio > critical)))
        rows.append(row)
    return pd.DataFrame(rows, columns=["ratios", "seeds", "iid", "heteroscedastic", "t3"])


TRUTHS = {
    "quadratic": lambda r: r**2,
    "linear": lambda r: r,
    "r^1.5": lambda r: r**1.5,
    "r^3": lambda r: r**3,
    "log": np.log,
    "hill": lambda r: (r / 20) ** 2 / (1 + (r / 20) ** 2),
}


def average_coverage(repetitions=1000, seed=6):
    """Coverage of the model-averaged r*'s interval, ratios 2..64, by the true curve and its r*; percent."""
    random = np.random.default_rng(seed)
    r = np.array(DESIGNS["2..64"], dtype=float)
    fine = np.geomspace(1, 64, 4000)
    rows = []
    for (name, truth), target in itertools.product(TRUTHS.items(), (6, 12, 20)):
        rise = 8.0 / (truth(64.0) - truth(2.0))
        at = np.argmin(np.abs(fine - target))
        lam_c2 = target**2 * rise * np.gradient(truth(fine), fine)[at]
        best = fine[np.argmin(rise * truth(fine) + lam_c2 / fine)]
        row = [name, round(float(best), 1)]
        for s in (3, 5, 10):
            groups, x = np.repeat(np.arange(s), len(r)), np.tile(r, s)
            covered = 0
            for _ in range(repetitions):
                y = rise * truth(x) + random.standard_normal(len(x))
                grid = reduce_grid(x, y, groups, blocked=True)
                fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
                low, high = average_interval(grid, fits, lam_c2=lam_c2, confidence=0.95)
                covered += bool(low <= best * 1.001 and best <= high * 1.001)
            row.append(100 * covered / repetitions)
        rows.append(row)
    return pd.DataFrame(rows, columns=["truth", "r*", "3 seeds", "5 seeds", "10 seeds"])


def main():
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    scale = 10 if parser.parse_args().quick else 1
    tables = (
        (ratio_coverage, 40_000), (missing_coverage, 2000), (lack_of_fit_size, 20_000), (average_coverage, 1000),
    )  # fmt: skip
    for measure, repetitions in tables:
        start = time.perf_counter()
        table = measure(repetitions=repetitions // scale)
        seconds = time.perf_counter() - start
        print(
            f"{measure.__doc__.splitlines()[0]}\n{repetitions // scale} repetitions, {seconds:.0f} s\n"
        )
        print(table.round(1).to_string(index=table.index.nlevels > 1), "\n", flush=True)


if __name__ == "__main__":
    main()
