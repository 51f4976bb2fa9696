"""What was tried against false *negligible* under skewed noise, and why the rule is as it is.

    python benchmarks/sequential_tried.py                  # 3000 studies a cell; some minutes on one core
    python benchmarks/sequential_tried.py --studies 500

The rule of `analysis.sequential` with one change, in the cells of `sequential_errors.py` in which it errs most
(log-normal noise, margin 1): *negligible* not before so many pairs, whose error is spent afterwards; *negligible*
held back while the differences look skewed to the side on which it errs (skewness above 0.84 of its standard errors);
its t corrected for skewness (Johnson 1978, in the cubic form of Hall 1992), to the safe side only; so corrected, the t
of *matters* too (`both`); both only where the residuals of all arms together show that the noise is not normal
(`both, seen`: d'Agostino's test of their skewness or their kurtosis, p below 0.01 at this look), which 3 seeds of 12
arms may and 10 of one pair do not. Beside the rule's errors: in which share of its studies with a false *negligible*
the report doubts it (`analysis.sequential.skewness`). Then what each costs under normal noise, as a share of the fixed
design that decides as many comparisons rightly.
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats
from sequential_errors import COSTS, UNEQUAL, differences

from analysis.sequential.boundaries import boundaries_of
from analysis.sequential.expected import equal_fixed, paired
from analysis.sequential.noise import level_noises
from analysis.sequential.rule import FIRST_LOOK
from analysis.sequential.simulated import (
    DIFFERS,
    MATTERS,
    NEGLIGIBLE,
    OPEN,
    holm,
    right,
    sequential,
)
from analysis.sequential.skewness import said_of_skewness, skewness_p

Floats = NDArray[np.float64]
Near = Callable[[Floats, Floats, Floats], Floats]
"""Tail probability: of the differences so far (S, n, K), their standard errors, df."""
CELLS = [("baseline 2x", 1, 10), ("baseline 2x", 5, 10), ("baseline 2x", 12, 10), ("baseline 2x", 12, 20),
         ("an arm 3x", 1, 10), ("an arm 3x", 1, 20)]  # fmt: skip
SKEWED = 0.84
SEEN = 0.01
"""The p below which the noise is taken not to be normal."""


def different(x: Floats, se: Floats, df: Floats) -> Floats:
    """Of the distance to zero, as the rule has it."""
    return np.asarray(special.stdtr(df, -np.abs(x.mean(axis=1)) / se))


def plain(x: Floats, se: Floats, df: Floats) -> Floats:
    """As the rule has it."""
    return np.asarray(special.stdtr(df, (np.abs(x.mean(axis=1)) - 1) / se))


def held_back(x: Floats, se: Floats, df: Floats) -> Floats:
    """Nothing is negligible while the side of the mean has the longer tail."""
    n = x.shape[1]
    size = np.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)))
    unbiased = skewness(x) * np.sqrt(n * (n - 1)) / (n - 2)
    return np.where(np.sign(x.mean(axis=1)) * unbiased / size > SKEWED, 1.0, plain(x, se, df))


def corrected(x: Floats, se: Floats, df: Floats) -> Floats:
    """The t against either margin, with what the skewness adds to it where that makes it smaller."""
    mean = x.mean(axis=1)
    sides = [_hall(sign * mean - 1, sign * skewness(x), se, x.shape[1]) for sign in (1.0, -1.0)]
    return np.asarray(special.stdtr(df, np.maximum(*sides)))


def corrected_far(x: Floats, se: Floats, df: Floats) -> Floats:
    """The t against zero, likewise."""
    sign = np.sign(x.mean(axis=1))
    t = _hall(-sign * x.mean(axis=1), -sign * skewness(x), se, x.shape[1])
    return np.asarray(special.stdtr(df, t))


def seen(x: Floats) -> NDArray[np.bool_]:
    """Whether the residuals of all arms together are skewed or have long tails; shape (S, 1)."""
    rest = x - x.mean(axis=1, keepdims=True)
    if x.shape[2] > 1:
        rest = rest - rest.mean(axis=2, keepdims=True)
    flat = rest.reshape(len(x), -1)
    if flat.shape[1] < 8:
        return np.zeros((len(x), 1), dtype=bool)
    p = np.minimum(stats.skewtest(flat, axis=1).pvalue, stats.kurtosistest(flat, axis=1).pvalue)
    return np.asarray(p < SEEN)[:, None]


def where_seen(other: Near, usual: Near) -> Near:
    """The one where the noise is seen not to be normal."""
    return lambda x, se, df: np.where(seen(x), other(x, se, df), usual(x, se, df))


def _hall(distance: Floats, skew: Floats, se: Floats, n: int) -> Floats:
    """The t of a distance that is negative where it speaks for a verdict; nearer to 0 where its skewness says so."""
    g = np.maximum(skew, 0.0)
    w = distance / se / np.sqrt(n)
    hall = w + g * w**2 / 3 + g**2 * w**3 / 27 + g / (6 * n)
    return np.asarray(np.sqrt(n) * np.where(w < 0, np.maximum(hall, w), w))


def skewness(x: Floats) -> Floats:
    """Of the seeds of each comparison."""
    away = x - x.mean(axis=1, keepdims=True)
    square = np.maximum((away**2).mean(axis=1), 1e-300)
    return np.asarray((away**3).mean(axis=1) / square**1.5)


TRIED: dict[str, tuple[int, Near, Near]] = {
    "the rule": (FIRST_LOOK, plain, different),
    "from 5": (5, plain, different),
    "from 6": (6, plain, different),
    "from 7": (7, plain, different),
    "held back": (FIRST_LOOK, held_back, different),
    "corrected": (FIRST_LOOK, corrected, different),
    "both": (FIRST_LOOK, corrected, corrected_far),
    "both, seen": (
        FIRST_LOOK,
        where_seen(corrected, plain),
        where_seen(corrected_far, different),
    ),
}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=3000)
    parser.add_argument("--only", choices=tuple(TRIED), action="append")
    asked = parser.parse_args()
    studies, tried = asked.studies, {name: TRIED[name] for name in asked.only or TRIED}
    print(
        f"Any false matters / any false negligible, %, log-normal noise; {studies} studies a cell"
    )
    for unequal, k, most in CELLS:
        noise = differences(
            studies, most, k, noise="log-normal", scales=UNEQUAL[unequal], rho=0.0, seed=78
        )
        said = [f"{name} {_errors(noise, *how)}" for name, how in tried.items()]
        said.append("doubted {:.0f} of {:.1f} %".format(*doubted(noise)))
        print(f"{unequal}, {k} arms, most {most}: " + "; ".join(said), flush=True)
    print(
        f"Runs as a share of the equal fixed design, normal noise, most 24; {studies} studies a cell"
    )
    for name in ("all null", "one of 1.5", "1 comparison, null"):
        x = paired(studies, 72, len(COSTS[name]), seed=0)
        print(f"{name}: " + "; ".join(f"{w} {_share(x, COSTS[name], *how):.2f}" for w, how in tried.items()),
              flush=True)  # fmt: skip
    for margin in (2.0, 3.0, 4.0):
        x = paired(studies, 72, 5, seed=0) / margin
        print(f"all null, margin {margin:g}: " + "; ".join(f"{w} {_share(x, (0.0,) * 5, *how):.2f}"
              for w, how in tried.items()), flush=True)  # fmt: skip


def _errors(noise: Floats, first: int, near: Near, far: Near) -> str:
    k = noise.shape[2]
    worst = np.zeros(2)
    for true in (np.zeros(k), np.ones(k), -np.ones(k), np.arange(k) % 2.0):
        verdict, _ = decided(noise + true, first=first, near=near, far=far)
        different = ((verdict >= DIFFERS) & (true == 0)).any(axis=1).mean()
        small = ((verdict == NEGLIGIBLE) & (np.abs(true) == 1)).any(axis=1).mean()
        worst = np.maximum(worst, [different, small])
    return "{:.1f} / {:.1f}".format(*(100 * worst))


def doubted(noise: Floats) -> tuple[float, float]:
    """Of the studies with a false *negligible*, the per cent that the report doubts; and their own per cent."""
    found = []
    for side in (1.0, -1.0):
        ran = sequential(noise + side, margin=1.0)
        false = np.flatnonzero((ran.verdict == NEGLIGIBLE).any(axis=1))
        said = [_is_doubted(noise[s], ran.verdict[s], ran.seeds[s]) for s in false]
        found.append((len(false), 100 * float(np.mean(said)) if said else np.nan))
    count, share = max(found)
    return share, 100 * count / len(noise)


def _is_doubted(x: Floats, verdict: NDArray[np.int8], seeds: NDArray[np.intp]) -> bool:
    arms = [str(k) for k in range(len(seeds))]
    rule = {"baseline": "base", "comparisons": [{"arm": arm} for arm in arms]}
    values = {arm: x[: seeds[k], k].tolist() for k, arm in enumerate(arms)}
    words = np.where(verdict == NEGLIGIBLE, "negligible", "other")
    frame = pd.DataFrame({"verdict": words, "pairs": seeds})
    whole = {"base": [0.0] * int(seeds.max()), **values}
    return bool(said_of_skewness(frame, skewness_p(rule, whole)))


def _share(x: Floats, effects: tuple[float, ...], first: int, near: Near, far: Near) -> float:
    true = np.array(effects)
    verdict, runs = decided(x[:, :24] + true, first=first, near=near, far=far)
    share = float(right(verdict, true, margin=1.0).mean())
    seeds = equal_fixed(x + true, true, share, margin=1.0, alpha=0.05, first=FIRST_LOOK)
    return float(runs.mean()) / seeds / (len(true) + 1)


def decided(
    x: Floats, *, first: int, near: Near, far: Near
) -> tuple[NDArray[np.int8], NDArray[np.intp]]:
    """Verdicts (S, K) and runs of each study, with *negligible* looked for from `first` pairs on."""
    s, last, k = x.shape
    made = boundaries_of(k, alpha=0.05, first=FIRST_LOOK, last=last)["differs"]
    small_at = boundaries_of(k, alpha=0.05, first=first, last=last)["small"]
    verdict, seeds, going = np.zeros((s, k), dtype=np.int8), np.full((s, k), last), np.arange(s)
    for n in range(FIRST_LOOK, last + 1):
        so_far, now = x[going, :n], verdict[going]
        mean, is_open = so_far.mean(axis=1), now == OPEN
        away = so_far - mean[:, None]
        variance, df, _ = level_noises(np.einsum("sni,snj->sij", away, away), n, is_open)
        se = np.sqrt(variance / n)
        differs, _ = holm(far(so_far, se, df), is_open, now >= DIFFERS, _tails(made, n, FIRST_LOOK))
        now[differs] = np.where(np.abs(mean[differs]) > 1, MATTERS, DIFFERS)
        if n >= first:
            tail = near(so_far, se, df)
            small, _ = holm(tail, is_open, verdict[going] == NEGLIGIBLE, _tails(small_at, n, first))
            now[small] = NEGLIGIBLE
        verdict[going] = now
        seeds[going] = np.where(is_open & (now != OPEN), n, seeds[going])
        going = going[(now == OPEN).any(axis=1)]
        if not len(going):
            break
    return verdict, np.asarray(seeds.sum(axis=1) + seeds.max(axis=1))


def _tails(table: list[list[float]], n: int, first: int) -> Floats:
    return np.asarray(special.stdtr(n - 1.0, -np.array(table)[:, n - first]))


if __name__ == "__main__":
    main()
