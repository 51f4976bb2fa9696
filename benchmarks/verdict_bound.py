"""The most power that any rule could have that keeps 5 % however noisy the baseline is.

    python benchmarks/verdict_bound.py

Arms with equal noise against one baseline, shared seeds. What a rule can see is the largest difference over the pooled
error, and F, how noisy the baseline looks beside the arms. A rule is then a critical value for each F; the best one,
found by linear programming, has the most power for one real effect of 2 sd where the baseline is as noisy as the arms,
among those whose false verdicts stay at 5 % for every true ratio of the variances from 1 to 16. All draws are seeded.
"""

import argparse

import numpy as np
from scipy import optimize, sparse

RATIOS = (1, 1.5, 2, 3, 4, 6, 9, 16)
TABLES = 100_000
CRITICAL = np.concatenate([[0.0], np.linspace(1, 4, 61), np.linspace(4.2, 12, 25), [np.inf]])


def drawn(random: np.random.Generator, seeds: int, arms: int, *, ratio: float, effect: float = 0.0):
    """F, the largest |t| of the null arms, and |t| of the first arm, in many tables."""
    y = random.standard_normal((TABLES, seeds, arms + 1))
    y[:, :, 0] *= np.sqrt(ratio)
    y[:, :, 1] += effect
    others = y[:, :, 1:]
    mean = others.mean(axis=2)
    rest = others - others.mean(axis=1, keepdims=True) - mean[:, :, None]
    rest += others.mean(axis=(1, 2), keepdims=True)
    noise = np.sum(rest**2, axis=(1, 2)) / ((seeds - 1) * (arms - 1))
    side = (y[:, :, 0] - mean).var(axis=1, ddof=1) / (1 + 1 / arms)
    pooled = (noise * (arms - 1) + side) / arms
    t = (
        np.abs(others.mean(axis=1) - y[:, :, :1].mean(axis=1))
        / np.sqrt(2 * pooled / seeds)[:, None]
    )
    return side / noise, t.max(axis=1), t[:, 0]


def passing(f: np.ndarray, t: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the tables in each bin of F whose t is above each critical value, flattened."""
    count, _, _ = np.histogram2d(f, t, bins=[edges, CRITICAL])
    return np.asarray((count[:, ::-1].cumsum(axis=1)[:, ::-1] / TABLES).ravel())


def bound(seeds: int, arms: int, *, alpha: float = 0.05) -> tuple[float, float]:
    """The power of the best valid rule, and of Dunnett's test on pooled errors, valid only where noise is equal."""
    random = np.random.default_rng([seeds, arms])
    f, largest, _ = drawn(random, seeds, arms, ratio=1)
    inner = np.quantile(f, [*np.linspace(0.04, 0.96, 24), 0.98, 0.99, 0.999])
    edges = np.concatenate([[0.0], inner, inner[-1] * np.array([2.0, 4.0]), [np.inf]])
    null = [passing(f, largest, edges)]
    for ratio in RATIOS[1:]:
        far, t, _ = drawn(random, seeds, arms, ratio=ratio)
        null.append(passing(far, t, edges))
    seen, _, first = drawn(random, seeds, arms, ratio=1, effect=2.0)
    each = sparse.kron(sparse.eye(len(edges) - 1), np.ones((1, len(CRITICAL) - 1)))
    best = optimize.linprog(
        -passing(seen, first, edges), A_ub=np.array(null), b_ub=np.full(len(RATIOS), alpha), A_eq=each,
        b_eq=np.ones(len(edges) - 1), bounds=(0, None), method="highs",
    )  # fmt: skip
    return -100 * best.fun, 100 * float(np.mean(first > np.quantile(largest, 1 - alpha)))


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(
        f"Power at 2 sd, percent; {TABLES} tables\n\n seeds  arms  best valid rule  pooled Dunnett"
    )
    for seeds in (3, 5, 10):
        for arms in (2, 5, 8):
            valid, pooled = bound(seeds, arms)
            print(f"{seeds:6d} {arms:5d} {valid:16.1f} {pooled:15.1f}", flush=True)
