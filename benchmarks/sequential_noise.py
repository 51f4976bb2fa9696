"""Whether the error of one look (`analysis.contrasts.level_noise`) could be that of looks after every seed.

    python benchmarks/sequential_noise.py                 # 1000 studies a cell; some minutes on one core
    python benchmarks/sequential_noise.py --studies 250

The looks of `analysis.sequential.looks` as they are, and with the mixture of laws, on the same differences: any false
*matters* with all effects null, any false *negligible* with all at the margin. Normal noise; all draws are seeded.
"""

import argparse
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from sequential_errors import UNEQUAL, differences

from analysis.contrasts.level_noise import level_noise
from analysis.sequential.boundaries import boundaries_of
from analysis.sequential.looks import replay
from analysis.sequential.noise import Errors, paired_errors

Floats = NDArray[np.float64]
CELLS = [("baseline 2x", 5, 10), ("baseline 2x", 12, 10), ("equal", 5, 10)]
ENDS = ["matters", "differs", "negligible"]


def main() -> None:
    """Print a line for each cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    studies = parser.parse_args().studies
    error = 100 * (0.05 * 0.95 / studies) ** 0.5
    print(f"False matters / negligible, %; {studies} studies, Monte-Carlo error {error:.1f} at 5 %")
    print("noise        arms  most  as it is     the mixture of one look")
    for unequal, k, most in CELLS:
        x = differences(studies, most, k, noise="normal", scales=UNEQUAL[unequal], rho=0.0, seed=99)
        said = []
        for errors in (paired_errors, mixture):
            with mock.patch("analysis.sequential.looks.paired_errors", errors):
                real, small = _share(x, ENDS[:2]), _share(x + 1.0, ENDS[2:])
            said.append(f"{100 * real:4.1f} / {100 * small:4.1f}")
        print(f"{unequal:12}{k:5}{most:6}  {'  '.join(said)}", flush=True)


def mixture(apart: Floats) -> Errors:
    """The comparisons of one study as verdicts of one look have them; every pair is there."""
    n, k = apart.shape
    variance, df = apart.var(axis=0, ddof=1), np.full(k, n - 1.0)
    if k > 1 and n > 2:
        noise = level_noise(apart)
        variance = np.where(noise.own, np.maximum(variance, noise.variance), noise.variance)
        df = np.where(noise.own, df, noise.df(n))
    return Errors(apart.mean(axis=0), np.sqrt(variance / n), df, np.full(k, n))


def _share(x: Floats, wrong: list[str]) -> float:
    """Of the studies in which any comparison is settled so."""
    most, k = x.shape[1:]
    arms = [f"a{i}" for i in range(k)]
    rule = {
        "baseline": "base", "first_look": 3, "max_seeds": most, "ends": ENDS,
        "boundaries": boundaries_of(k, alpha=0.05, first=3, last=most),
        "comparisons": [{"arm": arm, "label": arm, "margin": 1.0} for arm in arms],
    }  # fmt: skip
    count = 0
    for study in x:
        values = {"base": [0.0] * most, **dict(zip(arms, study.T.tolist(), strict=True))}
        *_, last = replay(rule, values)
        count += any(one["verdict"] in wrong for one in last.settled.values())
    return count / len(x)


if __name__ == "__main__":
    main()
