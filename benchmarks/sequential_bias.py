"""Other estimates after stopping that were tried, beside the one that is reported (`analysis.sequential.estimates`).

    python benchmarks/sequential_bias.py                   # 6000 studies a cell; half an hour on one core
    python benchmarks/sequential_bias.py --studies 500

The bias of the first comparison's mean where it stopped, at most 24 seeds, margin 1. `raw`: the mean. `reported`: the
mean over the orders of the seeds in which no look before would have stopped, each look made anew in each order. `errors
kept`: so, with the standard errors that the looks had, whatever the order. `own errors`: anew, but with the error of
the comparison's own differences: the same where a comparison is alone; where noise is pooled another boundary
than the rule had. `normal`: orders drawn from the sphere on which normal differences of this mean and spread lie
(Emerson and Fleming 1990), which assumes their law. Biases are regressed on two means that are known
(`sequential_errors.controlled`). All draws are seeded.
"""

import argparse
import itertools
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sequential_errors import controlled, differences

from analysis.sequential.estimates import Passed, adjusted
from analysis.sequential.noise import level_noises
from analysis.sequential.rule import FIRST_LOOK
from analysis.sequential.simulated import sequential

Floats = NDArray[np.float64]
MOST = 24
DRAWS = 2000


def main() -> None:
    """Print a row for each cell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=6000)
    studies = parser.parse_args().studies
    print(
        "| arms, noise, effect | raw | reported | errors kept | own errors | normal |\n|---|---|---|---|---|---|"
    )
    for k, noise, effect in itertools.product((1, 5), ("normal", "log-normal"), (1.0, 1.5, 2.0)):
        x = differences(studies, MOST, k, noise=noise, scales=(1.0, 1.0), rho=0.0, seed=11)
        x[:, :, 0] += effect
        found = [controlled(bias - effect, x[:, :, 0] - effect) for bias in estimates(x)]
        said = " | ".join(f"{bias:+.3f} ({error:.3f})" for bias, error in found)
        print(f"| {k}, {noise}, {effect:g} | {said} |", flush=True)


def estimates(x: Floats) -> list[Floats]:
    """What each says of the first comparison of each study: raw, reported, errors kept, own errors, normal."""
    ran = sequential(x, margin=1.0)
    found = np.empty((4, len(x)))
    for s, study in enumerate(x):
        n = int(ran.seeds[s, 0])
        passed = [Passed(j, *ran.levels[s, j - 1], 1.0) for j in range(FIRST_LOOK, n)]
        kept = [thresholds(study[: one.pairs], ran.seeds[s] >= one.pairs, one) for one in passed]
        seen = study[:n, 0]
        found[0, s] = adjusted(study[:n, ran.seeds[s] >= n], [passed])[0]
        found[1, s] = errors_kept(_so_far(seen[_orders(n)]), kept)
        found[2, s] = adjusted(seen[:, None], [passed])[0]
        found[3, s] = errors_kept(_so_far(seen.mean() + seen.std() * _sphere(n)), kept)
    return [ran.estimate[:, 0], *found]


def thresholds(study: Floats, is_open: NDArray[np.bool_], look: Passed) -> tuple[float, float]:
    """The mean beyond which the look would have stopped the first comparison, and below which."""
    away = study - study.mean(axis=0)
    variance, df, _ = level_noises((away.T @ away)[None], look.pairs, is_open[None])
    se, freedom = np.sqrt(variance[0, 0] / look.pairs), df[0, 0]
    high = -se * special.stdtrit(freedom, look.differs)
    return float(high), float(look.margin + se * special.stdtrit(freedom, look.small))


def errors_kept(mean: Floats, kept: list[tuple[float, float]]) -> float:
    """The first look's mean where none would have stopped; the plain mean where no draw goes on."""
    goes_on = np.ones(len(mean), dtype=bool)
    for j, (high, low) in enumerate(kept, start=FIRST_LOOK - 1):
        size = np.abs(mean[:, j])
        goes_on &= ~((size > high) | (size < low))
    last = float(mean[0, -1])
    return float(mean[goes_on, FIRST_LOOK - 1].mean()) if goes_on.any() else last


def _so_far(x: Floats) -> Floats:
    return np.asarray(x.cumsum(axis=1) / np.arange(1, x.shape[1] + 1))


@lru_cache(maxsize=MOST)
def _orders(count: int) -> NDArray[np.intp]:
    found = np.random.default_rng(1).random((DRAWS, count)).argsort(axis=1)
    found[0] = np.arange(count)
    return np.asarray(found)


@lru_cache(maxsize=MOST)
def _sphere(count: int) -> Floats:
    z = np.random.default_rng(1).standard_normal((DRAWS, count))
    z = z - z.mean(axis=1, keepdims=True)
    return np.asarray(z / z.std(axis=1, keepdims=True))


if __name__ == "__main__":
    main()
