"""The most power that any rule could have that keeps 5 % however noisy the baseline is.

    python benchmarks/verdict_bound.py                   the bound, the rules beside it, and equivalence
    python benchmarks/verdict_bound.py --only rules      one of: bound, rules, equivalence

Arms with equal noise against one baseline, shared seeds. What a rule can see is the largest difference over the pooled
error, and F, how noisy the baseline looks beside the arms. A rule is then a critical value for each F; the best one,
found by linear programming, has the most power for one real effect of 2 sd where the baseline is as noisy as the arms,
among those whose false verdicts stay at 5 % for every true ratio of the variances from 1 to 16.

*Rules* are those that average the law of the largest |t| over the ratios that F leaves likely
(`analysis.contrasts.level_noise`), by what is taken to be likely before: every ratio alike, with 5 % on equal noise (so
does the default, but for arms that look noisier), with 50 %, or near equal noise (log-normal; a moderated variance).
*Equivalence*: by how much a joint law would raise Bonferroni's level where effects lie on one margin, or on both.
All draws are seeded.
"""

import argparse
import itertools

import numpy as np
from scipy import optimize, sparse, stats

from analysis.contrasts.level_noise import EQUAL
from analysis.contrasts.level_noise import RATIOS as GRID

RATIOS = (1, 1.5, 2, 3, 4, 6, 9, 16)
TABLES = 100_000
CRITICAL = np.concatenate([[0.0], np.linspace(1, 4, 61), np.linspace(4.2, 12, 25), [np.inf]])


def drawn(
    random: np.random.Generator,
    seeds: int,
    arms: int,
    *,
    ratio: float,
    effect: float = 0.0,
    tables: int = TABLES,
):
    """F, the largest |t| of the null arms, and |t| of the first arm, in many tables."""
    y = random.standard_normal((tables, seeds, arms + 1))
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


PRIORS = {
    "evenly": lambda x: np.ones_like(x),
    f"{EQUAL:.0%} equal": lambda x: (1 - EQUAL) / len(x) + EQUAL * (x == 0),
    "50% equal": lambda x: 0.5 / len(x) + 0.5 * (x == 0),
    "log-normal 2": lambda x: np.exp(-0.5 * (x / 2) ** 2),
    "log-normal 1": lambda x: np.exp(-0.5 * x**2),
}
"""Of the logarithm of the ratio."""
FEWER = 10_000


def averaged(f: np.ndarray, t: np.ndarray, seeds: int, arms: int) -> np.ndarray:
    """Per table and ratio of `GRID` the chance of so large a |t|, and the likelihood of F."""
    random = np.random.default_rng([seeds, arms, 1])
    df = (seeds - 1) * arms
    z0, z = random.standard_normal((FEWER, 1)), random.standard_normal((FEWER, arms))
    s = np.sqrt(random.chisquare(df, FEWER) / df)
    part, pooled = GRID + 1 / arms, (arms - 1 + f[:, None]) / arms
    # `f` is the reference's side over the arms' noise, as for equal variances.
    side = f[:, None] * (1 + 1 / arms)
    rest = ((seeds - 1) * side / part + (seeds - 1) * (arms - 1)) / df
    each = t[:, None] * np.sqrt(2 * pooled / (1 + GRID) / rest)
    chance = np.empty_like(each)
    for k, rho in enumerate(GRID):
        law = np.sort(np.abs(np.sqrt(rho) * z0 + z).max(axis=1) / np.sqrt(1 + rho) / s)
        chance[:, k] = 1 - np.searchsorted(law, each[:, k]) / FEWER
    return chance, -0.5 * ((seeds - 1) * np.log(part) + df * np.log(rest))


def rules(seeds: int, arms: int) -> list[tuple[str, float, float, float]]:
    """Per rule its power and its largest false rate over the ratios, with that ratio."""
    random = np.random.default_rng([seeds, arms, 2])
    cases = [(ratio, 0.0) for ratio in RATIOS] + [(1, 2.0)]
    made = []
    for ratio, effect in cases:
        f, largest, first = drawn(random, seeds, arms, ratio=ratio, effect=effect, tables=FEWER)
        made.append(averaged(f, first if effect else largest, seeds, arms))
    found = []
    for name, prior in PRIORS.items():
        rates = []
        for chance, likely in made:
            weight = prior(np.log(GRID)) * np.exp(likely - likely.max(axis=1, keepdims=True))
            p = np.sum(chance * weight, axis=1) / weight.sum(axis=1)
            rates.append(100 * float(np.mean(p < 0.05)))
        worst = int(np.argmax(rates[:-1]))
        found.append((name, rates[-1], rates[worst], RATIOS[worst]))
    return found


def equivalence(arms: int) -> tuple[float, float]:
    """The joint level per test over Bonferroni's: all effects on one margin, and half of them on each."""
    random = np.random.default_rng(arms)
    z = random.standard_normal((TABLES * 5, arms)) + random.standard_normal((TABLES * 5, 1))
    sign = np.where(np.arange(arms) % 2, -1, 1)
    levels = [stats.norm.sf(np.quantile((z * s).max(axis=1) / np.sqrt(2), 0.95)) for s in (1, sign)]
    return levels[0] * arms / 0.05, levels[1] * arms / 0.05


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["bound", "rules", "equivalence"])
    only = parser.parse_args().only
    if only in (None, "bound"):
        print(
            f"Power at 2 sd, percent; {TABLES} tables\n\n seeds  arms  best valid rule  pooled Dunnett"
        )
        for seeds, arms in itertools.product((3, 5, 10), (2, 5, 8)):
            valid, pooled = bound(seeds, arms)
            print(f"{seeds:6d} {arms:5d} {valid:16.1f} {pooled:15.1f}", flush=True)
    if only in (None, "rules"):
        print(f"\nPower at 2 sd, and the largest false rate over the ratios; {FEWER} tables\n\n"
              " seeds  arms           before  power  false  at ratio")  # fmt: skip
        for seeds, arms in itertools.product((3, 5, 10), (2, 8)):
            for name, power, false, ratio in rules(seeds, arms):
                print(
                    f"{seeds:6d} {arms:5d} {name:>16} {power:6.1f} {false:6.1f} {ratio:9g}",
                    flush=True,
                )
    if only in (None, "equivalence"):
        print(
            "\nLevel of an equivalence test by a joint law over Bonferroni's\n\n  arms  one margin  both"
        )
        for arms in (2, 5, 8):
            print("{:6d} {:11.2f} {:5.2f}".format(arms, *equivalence(arms)), flush=True)


if __name__ == "__main__":
    main()
