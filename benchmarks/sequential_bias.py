"""Other estimates after stopping that were tried, beside the one that is reported (`analysis.sequential.estimates`).

    python benchmarks/sequential_bias.py                   # 6000 studies a cell; three minutes on one core
    python benchmarks/sequential_bias.py --studies 500

The bias of the first comparison's mean where it stopped, at most 24 seeds, margin 1. `raw`: the mean. `reported`: the
mean over the orders of the seeds in which no look before would have stopped, with the standard errors that the looks
had. `errors anew`: so, with the error of the comparison's own differences in each order: exact where a comparison is
alone; where noise is pooled it takes another boundary than the rule had. `normal`: orders drawn from the sphere
on which normal differences of this mean and spread lie (Emerson and Fleming 1990), which assumes their law. Biases are
regressed on two means that are known (`sequential_errors.controlled`). All draws are seeded.
"""

import argparse
import itertools
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sequential_errors import controlled, differences

from analysis.sequential.boundaries import boundaries_of
from analysis.sequential.estimates import Passed, adjusted
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
    print("| arms, noise, effect | raw | reported | errors anew | normal |\n|---|---|---|---|---|")
    for k, noise, effect in itertools.product((1, 5), ("normal", "log-normal"), (1.0, 1.5, 2.0)):
        x = differences(studies, MOST, k, noise=noise, scales=(1.0, 1.0), rho=0.0, seed=11)
        x[:, :, 0] += effect
        found = [controlled(bias - effect, x[:, :, 0] - effect) for bias in estimates(x)]
        said = " | ".join(f"{bias:+.3f} ({error:.3f})" for bias, error in found)
        print(f"| {k}, {noise}, {effect:g} | {said} |", flush=True)


def estimates(x: Floats) -> list[Floats]:
    """What each says of the first comparison of each study: raw, reported, errors anew, normal."""
    ran = sequential(x, margin=1.0, passed=True)
    made = boundaries_of(x.shape[2], alpha=0.05, first=FIRST_LOOK, last=MOST)
    found = np.empty((3, len(x)))
    for s, study in enumerate(x[:, :, 0]):
        n = int(ran.seeds[s, 0])
        seen = study[:n]
        passed = [Passed(j, *ran.thresholds[s, 0, j - 1]) for j in range(FIRST_LOOK, n)]
        found[0, s] = adjusted(seen, passed)
        found[1, s] = errors_anew(seen, made["differs"][0], made["small"][0])
        found[2, s] = as_normal(seen, passed)
    return [ran.estimate[:, 0], *found]


def errors_anew(seen: Floats, differs: list[float], small: list[float]) -> float:
    """Of the comparison's own differences."""
    orders = _orders(len(seen))
    mean, se = _so_far(seen[orders])
    goes_on = np.ones(len(orders), dtype=bool)
    for j in range(FIRST_LOOK, len(seen)):
        size, error, k = np.abs(mean[:, j - 1]), se[:, j - 1], j - FIRST_LOOK
        goes_on &= ~((size > differs[k] * error) | (1 - size > small[k] * error))
    goes_on[0] = True
    return float(mean[goes_on, FIRST_LOOK - 1].mean())


def as_normal(seen: Floats, passed: list[Passed]) -> float:
    """The plain mean where no draw goes on."""
    mean, _ = _so_far(seen.mean() + seen.std() * _sphere(len(seen)))
    goes_on = np.ones(DRAWS, dtype=bool)
    for look in passed:
        size = np.abs(mean[:, look.pairs - 1])
        goes_on &= ~((size > look.high) | (size < look.low))
    return float(mean[goes_on, FIRST_LOOK - 1].mean() if goes_on.any() else seen.mean())


def _so_far(x: Floats) -> tuple[Floats, Floats]:
    n = np.arange(1, x.shape[1] + 1)
    mean = x.cumsum(axis=1) / n
    square = np.maximum((x**2).cumsum(axis=1) - n * mean**2, 0.0)
    return mean, np.sqrt(square / np.maximum(n - 1, 1) / n)


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
