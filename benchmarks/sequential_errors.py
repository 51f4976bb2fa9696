"""How often a study that runs until decided errs, what it costs, and what its intervals and estimates hold.

    python benchmarks/sequential_errors.py                        # every table; an hour and a half on one core
    python benchmarks/sequential_errors.py --table errors         # or: runs, after, unplanned, width
    python benchmarks/sequential_errors.py --studies 1000         # a quick look

Paired seeds: a run is sqrt(rho) of its seed's effect and sqrt(1 - rho) of its own noise. Effects and margin
are in standard deviations of a paired difference, the margin is 1. `errors`: of all studies of a cell, in how
many is any null effect called *matters* (or *differs*), and any effect of exactly the margin *negligible*:
with all effects null, all at the margin, all at the margin's other side, or half of them null, whichever is
the most. All draws are seeded.
"""

import argparse
import itertools
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.sequential.anytime import log_evidence, log_evidence_above
from analysis.sequential.boundaries import boundaries_of
from analysis.sequential.estimates import Passed, adjusted, repeated_interval
from analysis.sequential.expected import Expected, expected
from analysis.sequential.rule import FIRST_LOOK
from analysis.sequential.simulated import DIFFERS, NEGLIGIBLE, Outcomes, sequential
from analysis.sequential.until_width.rule import FIRST, WIDER
from analysis.sequential.until_width.seeds import first_narrow, share_of, t_intervals

Floats = NDArray[np.float64]
NOISES = ("normal", "t 3", "log-normal")
UNEQUAL = {"equal": (1.0, 1.0), "baseline 2x": (2.0, 1.0), "an arm 3x": (1.0, 3.0)}
"""Standard deviation of the baseline's and of the last arm's noise, in those of the other arms."""
CASES = [
    (noise, unequal, rho)
    for noise in NOISES
    for unequal in UNEQUAL
    # What a seed adds to all its runs cancels in each pair to the last digit; one row shows it.
    for rho in ((0.0, 0.8) if (noise, unequal) == ("normal", "equal") else (0.0,))
]
DESIGNS = [(k, most) for k in (1, 5, 12) for most in (10, 20, 40)]
ASKED = {
    "all null": 0.80, "all at the margin": 0.68, "one of 1.5": 0.75, "2, 1, .5, 0, 0": 0.78,
}  # fmt: skip
"""The share that is asked at most; of the others 0.80."""
COSTS: dict[str, tuple[float, ...]] = {
    "all null": (0.0,) * 5,
    "all at the margin": (1.0,) * 5,
    "one of 1.5": (1.5, 0.0, 0.0, 0.0, 0.0),
    "2, 1, .5, 0, 0": (2.0, 1.0, 0.5, 0.0, 0.0),
    "1 comparison, null": (0.0,),
    "1 comparison of 1.5": (1.5,),
    "12, all null": (0.0,) * 12,
    "12, one of 1.5": (1.5, *(0.0,) * 11),
}
MOST_AT_ONCE = 4_000_000


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=tuple(TABLES), action="append")
    parser.add_argument("--studies", type=int, default=10_000)
    asked = parser.parse_args()
    for name in asked.table or TABLES:
        began = time.monotonic()
        TABLES[name](asked.studies)
        print(f"({time.monotonic() - began:.0f} s)\n", flush=True)


def errors(studies: int) -> None:
    """False *matters* and false *negligible*, per cent of the studies."""
    error = 100 * (0.05 * 0.95 / studies) ** 0.5
    print(
        f"Any false matters / any false negligible, %; {studies} studies a cell, Monte-Carlo error {error:.2f} at 5 %"
    )
    print(
        "noise       unequal      r    " + "  ".join(f"{k:2} arms {most:2}" for k, most in DESIGNS)
    )
    worst = [0.0, 0.0]
    for noise, unequal, rho in CASES:
        shown = []
        for number, (k, most) in enumerate(DESIGNS):
            found = _cell(
                studies, k, most, noise=noise, scales=UNEQUAL[unequal], rho=rho, seed=number
            )
            worst = [max(pair) for pair in zip(worst, found, strict=True)]
            shown.append("{:4.1f} {:4.1f}".format(*found))
        print(f"{noise:11} {unequal:12} {rho:.1f}  " + "   ".join(shown), flush=True)
    print(f"Largest: {worst[0]:.1f} and {worst[1]:.1f}.")


def runs(studies: int) -> None:
    """Runs as a share of the fixed design that decides as many comparisons rightly."""
    print(f"Runs until decided, normal noise; {studies} studies a cell")
    print(
        "effects               most  settled rightly  open  runs  equal fixed design  share  asked"
    )
    for (name, effects), most in itertools.product(COSTS.items(), (20, 24, 30)):
        one = expected(effects, margin=1.0, sd=1.0, max_seeds=most, studies=studies)
        asked = ASKED.get(name, 0.80)
        above = "  above" * (one.share > asked)
        print(f"{name:22}{most:4}  {_costs(one)}  {asked:5.2f}{above}", flush=True)


def _costs(one: Expected) -> str:
    return (
        f"{100 * one.decided:13.1f} % {100 * one.undecided:5.1f} {one.runs:5.1f} "
        f"{one.fixed_runs:9.1f} ({one.fixed_seeds:4.1f} seeds)  {one.share:5.2f}"
    )


def after(studies: int) -> None:
    """What repeated intervals cover where a comparison stopped, and what adjusting takes out of the bias.

    What the draws themselves are off by is taken out: the mean of a comparison's first three seeds and that of all its
    seeds are known to be its effect, so that biases are regressed on both (control variates).
    """
    studies = min(studies, 4000)
    print(
        f"Where the first comparison stopped; {studies} studies a cell, at most 24 seeds: coverage of repeated "
        "intervals, and the bias of its mean, raw and adjusted\n"
    )
    print("| | effect | " + " | ".join(NOISES) + " |\n|" + "---|" * (2 + len(NOISES)))
    worst, covers, errors = 0.0, [], []
    for k, effect in itertools.product((1, 5), (0.0, 0.5, 1.0, 1.5, 2.0)):
        cells = []
        for noise in NOISES:
            x = differences(studies, 24, k, noise=noise, scales=(1.0, 1.0), rho=0.0, seed=7)
            x[:, :, 0] += effect
            covered, raw, without = _after(x, sequential(x, margin=1.0), effect)
            found = [controlled(bias, x[:, :, 0] - effect) for bias in (raw, without)]
            (plain, _), (left, error) = found
            covers.append(100 * covered)
            errors += [one[1] for one in found]
            if plain > 4 * error:
                worst = max(worst, abs(left / plain))
            cells.append(f"{plain:+.3f}, {left:+.3f}")
        print(
            f"| {k} arm{'s' * (k > 1)} | {effect:g} | " + " | ".join(cells) + " |",
            flush=True,
        )
    print(
        f"\nCoverage {min(covers):.1f} to {max(covers):.1f} %; Monte-Carlo errors of the biases {min(errors):.4f} to "
        f"{max(errors):.4f}; what is left of a raw bias of more than 4 of them: at most {worst:.2f} of it."
    )


def controlled(bias: Floats, noise: Floats) -> tuple[float, float]:
    """The mean of a bias and its Monte-Carlo error, less what two means of the same draws are off by."""
    known = np.column_stack([noise[:, :FIRST_LOOK].mean(axis=1), noise.mean(axis=1)])
    away = known - known.mean(axis=0)
    slope = np.linalg.lstsq(away, bias - bias.mean(), rcond=None)[0]
    rest = bias - known @ slope
    return float(rest.mean()), float(rest.std() / len(rest) ** 0.5)


def _after(x: Floats, ran: Outcomes, effect: float) -> tuple[float, Floats, Floats]:
    bound = boundaries_of(x.shape[2], alpha=0.05, first=FIRST_LOOK, last=x.shape[1])["differs"][0]
    covered, without = np.zeros(len(x), dtype=bool), np.full(len(x), np.nan)
    for s in range(len(x)):
        n = int(ran.seeds[s, 0])
        low, high = repeated_interval(
            ran.estimate[s, 0], ran.se[s, 0], ran.df[s, 0], pairs=n, bound=bound[n - FIRST_LOOK]
        )
        covered[s] = low <= effect <= high
        passed = [Passed(j, *ran.levels[s, j - 1], 1.0) for j in range(FIRST_LOOK, n)]
        # The first comparison, and those that were open with it until then.
        without[s] = adjusted(x[s, :n][:, ran.seeds[s] >= n], [passed])[0] - effect
    return float(covered.mean()), ran.estimate[:, 0] - effect, without


def unplanned(studies: int) -> None:
    """Seeds that are added until a verdict appears: verdicts of one look, and those that hold at any time."""
    print(
        f"A look after every seed from 3 on, nothing planned; {studies} studies a cell, normal noise"
    )
    print("arms  most  verdicts of  any false matters %  any false negligible %")
    for k, most in itertools.product((1, 5), (20, 40)):
        x = differences(studies, most, k, noise="normal", scales=(1.0, 1.0), rho=0.0, seed=3)
        for name, rejects in (("one look", _one_look), ("any time", _any_time)):
            differs = rejects(x, 0.0)
            small = rejects(x + 1.0, 1.0)
            print(
                f"{k:4}  {most:4}  {name:11} {100 * differs:16.1f}  {100 * small:20.1f}", flush=True
            )


def _one_look(x: Floats, margin: float) -> float:
    """How many studies have any rejection at any look, by t tests of one look and Holm's first step."""
    n = np.arange(1, x.shape[1] + 1)[None, :, None]
    mean = x.cumsum(axis=1) / n
    sd = np.sqrt(np.maximum((x**2).cumsum(axis=1) - n * mean**2, 0.0) / np.maximum(n - 1, 1))
    distance = margin - np.abs(mean) if margin else np.abs(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = special.stdtr(n - 1.0, -distance / sd * np.sqrt(n)) * (1 if margin else 2)
    crossed = (p < 0.05 / x.shape[2])[:, FIRST_LOOK - 1 :]
    return float(crossed.any(axis=(1, 2)).mean())


def _any_time(x: Floats, margin: float) -> float:
    n = np.arange(1, x.shape[1] + 1)[None, :, None]

    def walk(value: float, sign: float) -> Floats:
        y = sign * x - value
        mean = y.cumsum(axis=1) / n
        square = np.maximum((y**2).cumsum(axis=1) - n * mean**2, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((mean / np.sqrt(square / (n - 1) / n))[:, 1:])

    if margin:
        sides = [
            log_evidence_above(walk(-margin, sign), n[:, 1:]).max(axis=1) for sign in (1.0, -1.0)
        ]
        most = np.minimum(*sides)
    else:
        most = log_evidence(walk(0.0, 1.0), n[:, 1:]).max(axis=1)
    return float((most >= np.log(x.shape[2] / 0.05)).any(axis=1).mean())


def width(studies: int) -> None:
    """What the widened interval of kappa covers where a study stopped because it was narrow enough."""
    print(
        f"Until r* is known to within 30 %; {studies} studies a cell, first look at {FIRST} seeds, at most 40"
    )
    print(
        "sd of a seed's slope / kappa  plain interval covers %  widened %  seeds, mean  narrow enough %"
    )
    for ratio in (0.3, 0.6, 1.0, 1.5, 2.0, 2.5, 3.0):
        slopes = 1 + ratio * np.random.default_rng(1).standard_normal((studies, 40))
        mean, half = t_intervals(slopes)
        found = []
        for wider in (1.0, WIDER):
            at, reached = first_narrow(wider * half <= share_of(0.3) * mean, first=FIRST)
            rows = np.arange(studies)
            covers = np.abs(mean[rows, at - 1] - 1) <= wider * half[rows, at - 1]
            found.append((covers.mean(), at.mean(), reached.mean()))
        (plain, _, _), (wide, seeds, reached_) = found
        print(f"{ratio:28.1f} {100 * plain:24.1f} {100 * wide:10.1f} {seeds:12.1f} {100 * reached_:16.1f}",
        flush=True)  # fmt: skip


def _cell(
    studies: int, k: int, most: int, *, noise: str, scales: tuple[float, float], rho: float, seed: int
) -> tuple[float, float]:  # fmt: skip
    half = np.where(np.arange(k) % 2 == 0, 0.0, 1.0)
    settings = [np.zeros(k), np.ones(k), -np.ones(k), *([half] if k > 1 else [])]
    wrong = np.zeros((len(settings), 2))
    size = max(1, MOST_AT_ONCE // (most * (k + 1)))
    for begin in range(0, studies, size):
        count = min(size, studies - begin)
        noise_only = differences(
            count, most, k, noise=noise, scales=scales, rho=rho, seed=seed + 7919 * begin
        )
        for i, effects in enumerate(settings):
            verdict = sequential(noise_only + effects, margin=1.0).verdict
            wrong[i, 0] += ((verdict >= DIFFERS) & (effects == 0)).any(axis=1).sum()
            wrong[i, 1] += ((verdict == NEGLIGIBLE) & (np.abs(effects) == 1)).any(axis=1).sum()
    share = 100 * wrong.max(axis=0) / studies
    return float(share[0]), float(share[1])


def differences(
    studies: int,
    seeds: int,
    k: int,
    *,
    noise: str,
    scales: Sequence[float],
    rho: float,
    seed: int,
) -> Floats:
    """Each arm less the baseline, in standard deviations of that difference: shape (studies, seeds, comparisons)."""
    stream = np.random.default_rng(seed)
    scale = np.ones(k + 1)
    scale[0] = scales[0]
    scale[-1] = scales[1] if k > 0 else scale[-1]
    shape = (studies, seeds, k + 1)
    own = {
        "normal": lambda: stream.standard_normal(shape),
        "t 3": lambda: stream.standard_t(3, shape) / np.sqrt(3),
        "log-normal": lambda: (
            (stream.lognormal(0.0, 1.0, shape) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
        ),
    }[noise]()
    together = stream.standard_normal((studies, seeds, 1))
    y = np.sqrt(rho) * together + np.sqrt(1 - rho) * scale * own
    return np.asarray(
        (y[:, :, 1:] - y[:, :, :1]) / np.sqrt((1 - rho) * (scale[1:] ** 2 + scale[0] ** 2))
    )


TABLES = {"errors": errors, "runs": runs, "after": after, "unplanned": unplanned, "width": width}

if __name__ == "__main__":
    main()
