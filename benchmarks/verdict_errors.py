"""Measures the verdicts of `ablate effects` where the noise is untidy, through the functions that make them.

    python benchmarks/verdict_errors.py                   every cell, 500 tables each
    python benchmarks/verdict_errors.py --tables 2000     more of them
    python benchmarks/verdict_errors.py --only power      one of: paired, unpaired, many, power, rounded
    python benchmarks/verdict_errors.py --seed 1          other tables
    python benchmarks/verdict_errors.py --repeat 2000     the most suspicious cells again, in tables that were not seen

A cell is a full grid of 1, 2 or 3 factors of 2 or 3 levels (or many arms against one baseline), a number of seeds
and a kind of noise. *False matters*: tables in which any null comparison is called `matters`. *False negligible*: any
effect that lies exactly on the margin is called negligible. *Coverage*: of
the marginal 95 % interval, over comparisons. Percent; the Monte-Carlo error is in the head of each table. All draws
are seeded; the constants of the rule (`analysis.contrasts.level_noise`) were chosen with other seeds than these.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts.equivalence import tost
from analysis.contrasts.estimation import Estimates, estimate
from analysis.contrasts.multiplicity import holm

ALPHA = 0.05
FRESH = 20_261_128
"""No table that was drawn with it had been looked at when the rule was chosen."""
SUSPECTS = 6
DESIGNS = [(factors, levels) for factors in (1, 2, 3) for levels in (2, 3)]
SEEDS = (3, 5, 10)
NOISES = (
    "normal", "t 3", "log-normal", "outlier", "effects vary 0.5", "effects vary 1", "baseline 2x", "baseline 3x",
    "arm 3x", "one failed", "high fail",
)  # fmt: skip


class Grid:
    """A full grid and its main effects."""

    def __init__(self, factors: int, levels: int) -> None:
        self.cells = np.array(list(itertools.product(range(levels), repeat=factors)))
        self.units, self.rows = [], []
        for factor, level in itertools.product(range(factors), range(1, levels)):
            high = np.flatnonzero(self.cells[:, factor] == level)
            low = np.flatnonzero(self.cells[:, factor] == 0)
            units = np.zeros((len(high), len(self.cells)))
            units[np.arange(len(high)), high], units[np.arange(len(low)), low] = 1.0, -1.0
            self.units.append(units)
            self.rows.append((factor, level))

    @property
    def backgrounds(self) -> int:
        """How many differences a main effect is the mean of."""
        return len(self.units[0])


def tables(
    grid: Grid, seeds: int, noise: str, *, paired: bool, count: int, seed: int = FRESH
) -> Iterator[np.ndarray]:
    """Null tables, shape (seeds, cells), NaN where a run failed; unpaired ones have a run per row."""
    cells = grid.cells
    name = [*map(ord, noise), int(paired)]
    random = np.random.default_rng([len(cells), cells.shape[1], seeds, *name, seed])
    for _ in range(count):
        shape = (seeds, len(cells))
        y = random.standard_normal(shape)
        match noise:
            case "t 3":
                y = random.standard_t(3, shape)
            case "log-normal":
                y = np.exp(y)
            case "outlier":
                y[random.integers(seeds), random.integers(len(cells))] += 8
            case "effects vary 0.5" | "effects vary 1":
                runs = () if paired else (len(cells),)
                for factor in range(cells.shape[1]):
                    vary = random.standard_normal((seeds, *runs, cells.max() + 1))
                    vary[..., 0] = 0
                    at = np.arange(len(cells))
                    own = vary[:, cells[:, factor]] if paired else vary[:, at, cells[:, factor]]
                    y += float(noise.rpartition(" ")[2]) * own
            case "baseline 2x" | "baseline 3x":
                y[:, 0] *= float(noise[-2])
            case "arm 3x":
                y[:, 1] *= 3
            case "one failed":
                y[np.arange(seeds), random.integers(len(cells), size=seeds)] = np.nan
            case "high fail":
                y[(y > 1) & (random.random(shape) < 0.5)] = np.nan
        if paired:
            yield y + random.standard_normal((seeds, 1))
        else:
            apart = np.full((y.size, len(cells)), np.nan)
            apart[np.arange(y.size), np.tile(np.arange(len(cells)), seeds)] = y.ravel()
            yield apart


def judged(y: np.ndarray, units: list[np.ndarray]) -> Estimates | None:
    """The estimates of the comparisons that the table has; None if it has none."""
    there = ~np.isnan(y).all(axis=0)
    kept = [unit[(unit[:, ~there] == 0).all(axis=1)][:, there] for unit in units]
    kept = [unit for unit in kept if len(unit)]
    return estimate(y[:, there], kept) if kept else None


def any_decided(made: Estimates, rows: np.ndarray) -> bool:
    """Whether any of the rows is called `matters`.

    An adjusted p lies between its own and Bonferroni's; the joint law is drawn only where the two disagree.
    """
    least = float(made.p[rows].min())
    if not least < ALPHA or least * len(rows) < ALPHA:
        return least < ALPHA
    return bool((made.law(rows).adjusted(made.p[rows]) < ALPHA).any())


def decided(made: Estimates, row: int) -> bool:
    """Whether one of all comparisons is called `matters`; as above."""
    one, every = float(made.p[row]), np.arange(len(made.p))
    if not one < ALPHA or one * len(every) < ALPHA:
        return one < ALPHA
    return bool(made.law(every).adjusted(made.p)[row] < ALPHA)


class Cell(NamedTuple):
    """A design, a number of seeds and a kind of noise."""

    factors: int
    levels: int
    seeds: int
    noise: str
    paired: bool


class Rates(NamedTuple):
    """What is measured in a cell; percent."""

    matters: float
    negligible: float
    coverage: float


def measured(cell: Cell, *, count: int, seed: int = FRESH) -> Rates:
    """False matters, false negligible and coverage of a cell."""
    grid = Grid(cell.factors, cell.levels)
    matters, negligible, covered = [], [], []
    # Far enough from zero that the other side of the margin plays no part.
    margin = 10.0
    for y in tables(grid, cell.seeds, cell.noise, paired=cell.paired, count=count, seed=seed):
        made = judged(y, grid.units)
        known = np.array([], dtype=int) if made is None else np.flatnonzero(~np.isnan(made.se))
        if not len(known):
            matters.append(False)
            negligible.append(False)
            continue
        p = made.p[known]
        matters.append(any_decided(made, known))
        at = made.estimate[known] + margin
        equal = holm(tost(at, made.se[known], made.df[known], margin=margin))
        negligible.append(bool((equal < ALPHA).any()))
        covered.append(float(np.mean(p >= ALPHA)))
    return Rates(*(
        100 * float(np.mean(v)) if v else float("nan") for v in (matters, negligible, covered)
    ))  # fmt: skip


Found = dict[Cell, Rates]


def grid_table(found: Found, *, paired: bool, count: int, seed: int) -> pd.DataFrame:
    """Every cell of the grid."""
    rows = []
    for (factors, levels), seeds in itertools.product(DESIGNS, SEEDS):
        cells = [Cell(factors, levels, seeds, noise, paired) for noise in NOISES]
        found |= {cell: measured(cell, count=count, seed=seed) for cell in cells}
        rows.append(_row({"factors": factors, "levels": levels, "seeds": seeds}, found, cells))
    return pd.DataFrame(rows)


def many_table(found: Found, *, count: int, seed: int) -> pd.DataFrame:
    """Many arms against one baseline, paired."""
    rows = []
    for arms, seeds in itertools.product((5, 8), SEEDS):
        cells = [Cell(1, arms + 1, seeds, noise, True) for noise in NOISES]
        found |= {cell: measured(cell, count=count, seed=seed) for cell in cells}
        rows.append(_row({"arms": arms, "seeds": seeds}, found, cells))
    return pd.DataFrame(rows)


def rounded_table(*, count: int, seed: int) -> pd.DataFrame:
    """Equal arms whose losses are rounded to whole steps, some of them seldom or never to another."""
    rows = []
    for noise, (levels, seeds) in itertools.product(
        (1, 0.5, 0.3, 0.2, 0.1), ((2, 5), (3, 5), (3, 10))
    ):
        random = np.random.default_rng([levels, seeds, int(10 * noise), seed])
        grid, matters, tested = Grid(1, levels), 0, 0
        for _ in range(count):
            made = judged(
                np.round(random.random() + noise * random.standard_normal((seeds, levels))),
                grid.units,
            )
            known = np.array([], dtype=int) if made is None else np.flatnonzero(~np.isnan(made.se))
            tested += len(known) > 0
            matters += made is not None and len(known) > 0 and any_decided(made, known)
        rows.append((levels, seeds, noise, 100 * matters / count, 100 * tested / count))
    return pd.DataFrame(rows, columns=["levels", "seeds", "sd / step", "matters", "tested"])


def repeated_table(found: Found, *, count: int, seed: int) -> pd.DataFrame:
    """The cells that looked worst, in tables that were not seen: what was chance does not come again."""
    worst = [
        *sorted(found, key=lambda c: -found[c].matters)[:SUSPECTS],
        *sorted(found, key=lambda c: -found[c].negligible)[:SUSPECTS],
        *sorted(found, key=lambda c: found[c].coverage)[:SUSPECTS],
    ]
    rows = []
    for cell in dict.fromkeys(worst):
        again = measured(cell, count=count, seed=seed + 1)
        rows.append({**cell._asdict(), **{f"{k}, first": v for k, v in found[cell]._asdict().items()},
                     **again._asdict()})  # fmt: skip
    return pd.DataFrame(rows)


def _row(head: dict[str, int], found: Found, cells: list[Cell]) -> dict[str, float]:
    return {
        **head,
        **{cell.noise: found[cell].matters for cell in cells},
        "negligible, worst": max(found[cell].negligible for cell in cells),
        "coverage, worst": float(np.nanmin([found[cell].coverage for cell in cells])),
    }


def former_p(y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the former rule and its `pooled` gave for a complete table: p values before Holm's correction.

    Pooled over all cells, unless one cell's share of the noise was among the largest fifth by chance; then the own
    differences, or for one factor the baseline's own noise, if wider.
    """
    seeds, cells = y.shape
    size, own = weights @ y.mean(axis=0), (y @ weights.T).var(axis=0, ddof=1) / seeds
    rest = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    df = (seeds - 1) * (cells - 1)
    se2 = float(np.sum(rest**2)) / df * np.sum(weights**2, axis=1) / seeds
    pooled = 2 * stats.t.sf(np.abs(size) / np.sqrt(se2), df)
    whole = np.isclose(np.abs(weights), np.abs(weights[:, :1])).all()
    if cells < 3 or whole:
        return pooled, pooled
    noisy = _share(rest[None])[0] > _former_gate(seeds, cells)
    se, freedom = (np.sqrt(own), seeds - 1.0) if noisy else (np.sqrt(se2), float(df))
    se, freedom = np.broadcast_to(se, size.shape).copy(), np.full(size.shape, freedom)
    if np.sum(weights[0] != 0) == 2:
        others = (
            y[:, 1:]
            - y[:, 1:].mean(axis=0)
            - y[:, 1:].mean(axis=1, keepdims=True)
            + y[:, 1:].mean()
        )
        k, df_rest = cells - 1, (seeds - 1) * (cells - 2)
        v = float(np.sum(others**2)) / df_rest
        side, share = float((y[:, 0] - y[:, 1:].mean(axis=1)).var(ddof=1)), v * (k - 1) / k
        split, split_df = (
            np.sqrt((side + share) / seeds),
            (side + share) ** 2 / (side**2 / (seeds - 1) + share**2 / df_rest),
        )
        tail = ALPHA / 2 / len(size)
        wider = split * stats.t.isf(tail, split_df) > se * stats.t.isf(tail, freedom)
        take = wider & (noisy or side / (v * (1 + 1 / k)) > 1.5)
        se, freedom = np.where(take, split, se), np.where(take, split_df, freedom)
    return 2 * stats.t.sf(np.abs(size) / se, freedom), pooled


_GATES: dict[tuple[int, int], float] = {}


def _former_gate(seeds: int, cells: int) -> float:
    if (seeds, cells) not in _GATES:
        noise = np.random.default_rng(0).standard_normal((2000, seeds, cells))
        rest = noise - noise.mean(1, keepdims=True) - noise.mean(2, keepdims=True)
        _GATES[seeds, cells] = float(
            np.quantile(_share(rest + noise.mean((1, 2), keepdims=True)), 0.8)
        )
    return _GATES[seeds, cells]


def _share(rest: np.ndarray) -> np.ndarray:
    square = np.sum(rest**2, axis=1)
    return square.max(axis=1) / square.sum(axis=1)


def power_table(*, count: int, seed: int) -> pd.DataFrame:
    """Chance to call one real effect where all noise is normal and equal and seeds are shared.

    By the default, by Holm on its errors, by the former rule and its `pooled`, and by an oracle that knows that all
    noise is equal and that nothing varies from seed to seed.
    """
    rows = []
    designs = [(1, 2), (1, 3), (1, 6), (1, 9), (2, 2), (2, 3), (3, 2), (3, 3)]
    for (factors, levels), seeds in itertools.product(designs, SEEDS):
        grid = Grid(factors, levels)
        weights = np.stack([unit.mean(axis=0) for unit in grid.units])
        effect = 2.0 if factors == 1 else 4.2 / np.sqrt(seeds * grid.backgrounds / 2)
        up = effect * (grid.cells[:, 0] == levels - 1)
        here = grid.rows.index((0, levels - 1))
        found = []
        for null in tables(grid, seeds, "normal", paired=True, count=count, seed=seed):
            y = null + up
            made = estimate(y, grid.units)
            known = estimate(y, grid.units, error="pooled")
            former, pooled = former_p(y, weights)
            found.append([
                decided(made, here),
                holm(made.p)[here] < ALPHA,
                holm(former)[here] < ALPHA,
                holm(pooled)[here] < ALPHA,
                decided(known, here),
            ])  # fmt: skip
        rows.append((factors, levels, seeds, round(effect, 2), *(100 * np.mean(found, axis=0))))
    return pd.DataFrame(
        rows,
        columns=[
            "factors", "levels", "seeds", "effect / sd", "default", "with Holm", "former auto", "former pooled",
            "oracle",
        ],
    )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--only", choices=["paired", "unpaired", "many", "power", "rounded"])
    parser.add_argument("--seed", type=int, default=FRESH)
    parser.add_argument("--repeat", type=int, default=0, metavar="TABLES")
    args = parser.parse_args()
    found: Found = {}
    how = {"count": args.tables, "seed": args.seed}
    made = {
        "paired": ("False matters, full grids, shared seeds", lambda: grid_table(found, paired=True, **how)),
        "unpaired": ("False matters, full grids, no shared seeds", lambda: grid_table(found, paired=False, **how)),
        "many": ("False matters, arms against one baseline, shared seeds", lambda: many_table(found, **how)),
        "power": ("Power, one real effect, equal normal noise, shared seeds", lambda: power_table(**how)),
        "rounded": ("False matters, equal arms, losses rounded to whole steps", lambda: rounded_table(**how)),
    }  # fmt: skip
    for name, (title, table) in made.items():
        if args.only in (None, name):
            show(title, table, tables=args.tables)
    if args.repeat and found:
        show("The most suspicious cells again, in new tables",
             lambda: repeated_table(found, count=args.repeat, seed=args.seed), tables=args.repeat)  # fmt: skip


def show(title: str, table: Callable[[], pd.DataFrame], *, tables: int) -> None:
    """Print a table with its Monte-Carlo error and the time that it took."""
    start, mc = time.perf_counter(), 100 * np.sqrt(ALPHA * (1 - ALPHA) / tables)
    made = table().to_string(index=False, float_format=lambda v: f"{v:.1f}")
    print(f"{title}\n{tables} tables a cell, Monte-Carlo error {mc:.1f} at 5 %, "
          f"{time.perf_counter() - start:.0f} s\n\n{made}\n", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
