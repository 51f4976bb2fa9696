"""Measures what the analysis promises: coverage of intervals, error rates of tests and verdicts.

    python benchmarks/coverage.py            all tables, a few minutes
    python benchmarks/coverage.py --quick    a tenth of the repetitions

All draws are seeded. "mc" is the Monte-Carlo standard error of the rate above it.
"""

import argparse
import itertools
import time

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts.cr2 import cr2
from analysis.contrasts.equivalence import tost
from analysis.contrasts.error_rule import errors_of
from analysis.effects.effects import effects
from analysis.tables.csv_table import from_frame
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


ARMS = {
    "iid": np.ones(9),
    "seeds correlate (.5)": np.ones(9),
    "skewed": np.ones(9),
    "sd from 1 to 1.5": np.linspace(1, 1.5, 9),
    "one arm 2 x noisier": np.r_[np.ones(8), 2.0],
    "one arm 3 x noisier": np.r_[np.ones(8), 3.0],
    "baseline 2 x noisier": np.r_[2.0, np.ones(8)],
    "baseline 3 x noisier": np.r_[3.0, np.ones(8)],
    "baseline half as noisy": np.r_[0.5, np.ones(8)],
    "heavy tails": np.ones(9),
}


def null_tables(random, kind, repetitions, s):
    """Losses of a baseline and 8 arms without effect, shape (repetitions, seeds, 9)."""
    shape = (repetitions, s, 9)
    if kind == "heavy tails":
        return random.standard_t(3, shape)
    e = noise(random, "skewed" if kind == "skewed" else "iid", shape, np.ones(9)) * ARMS[kind]
    return e + (random.standard_normal((repetitions, s, 1)) if "correlate" in kind else 0.0)


def p_values(y):
    """Of the default, of pooled and of paired errors; each of shape (tables, 8)."""
    return [errors_of(y, error=error).p() for error in ("auto", "pooled", "paired")]


def familywise_error(repetitions=20_000, seed=2):
    """Share of tables with any false 'matters' among 8 null components; percent, nominal 5."""
    random = np.random.default_rng(seed)
    rows = []
    for s in (3, 5, 10):
        for kind in ARMS:
            y = null_tables(random, kind, repetitions, s)
            rates = [np.mean(p.min(axis=1) * 8 < 0.05) for p in p_values(y)]
            rows.append((s, kind, *(100 * float(rate) for rate in rates)))
    return pd.DataFrame(rows, columns=["seeds", "noise", "auto (default)", "pooled", "paired"])


def familywise_error_whole(repetitions=1000, seed=3):
    """The same through `effects()` itself, from a table of runs to its verdicts; percent."""
    random = np.random.default_rng(seed)
    rows = []
    for s in (3, 5, 10):
        false = 0
        for _ in range(repetitions):
            y = null_tables(random, "seeds correlate (.5)", 1, s)[0]
            frame = pd.DataFrame({"seed": np.repeat(np.arange(s), 9), "val_loss": y.ravel()})
            for k in range(8):
                frame[f"part{k}"] = np.where(np.tile(np.arange(9), s) == k + 1, "off", "on")
            found = effects(from_frame(frame), calibration_draws=0)
            false += bool((found.frame["verdict"] == "matters").any())
        rate = false / repetitions
        rows.append((s, 100 * rate, 100 * np.sqrt(rate * (1 - rate) / repetitions)))
    return pd.DataFrame(rows, columns=["seeds", "false 'matters'", "mc"])


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


def equivalence_size(repetitions=40_000, seed=5):
    """False 'negligible' where effects lie exactly on the margin: one effect, and any of 8; percent."""
    random = np.random.default_rng(seed)
    rows = []
    for s, margin in itertools.product((3, 5, 10), (1.0, 2.0)):
        y = null_tables(random, "seeds correlate (.5)", repetitions, s)
        y[:, :, 1:] += margin
        d = (y[:, :, 1:] - y[:, :, :1]).mean(axis=1)
        rest = (
            y
            - y.mean(axis=1, keepdims=True)
            - y.mean(axis=2, keepdims=True)
            + y.mean(axis=(1, 2), keepdims=True)
        )
        df = 8 * (s - 1)
        se = np.sqrt(2 * np.sum(rest**2, axis=(1, 2)) / df / s)[:, None]
        p = tost(d, se, np.full_like(d, df), margin=margin)
        one, any_ = float(np.mean(p[:, 0] < 0.05)), float(np.mean(p.min(axis=1) * 8 < 0.05))
        rows.append((s, margin, 100 * one, 100 * any_))
    return pd.DataFrame(rows, columns=["seeds", "margin / sd", "one test", "any of 8 after Holm"])


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


def power(repetitions=20_000, seed=7):
    """Power to call one real effect among 8 equally noisy, by size in sd of a run and error model; percent."""
    random = np.random.default_rng(seed)
    rows = []
    for s in (3, 5, 10):
        for size in (1.0, 2.0, 3.0):
            y = null_tables(random, "iid", repetitions, s)
            y[:, :, 1] += size
            found = [np.mean(p[:, 0] * 8 < 0.05) for p in p_values(y)]
            rows.append((s, size, *(100 * float(v) for v in found)))
    return pd.DataFrame(
        rows, columns=["seeds", "effect / sd", "auto (default)", "pooled", "paired"]
    )


def main():
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    scale = 10 if parser.parse_args().quick else 1
    tables = (
        (ratio_coverage, 40_000), (missing_coverage, 2000), (familywise_error, 20_000),
        (familywise_error_whole, 1000), (lack_of_fit_size, 20_000), (equivalence_size, 40_000),
        (average_coverage, 1000), (power, 20_000),
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
