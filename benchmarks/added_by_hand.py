"""How often verdicts err where somebody adds seeds until they like what they see, through the functions that make them.

    python benchmarks/added_by_hand.py                    # 400 studies a row, a minute on one core
    python benchmarks/added_by_hand.py --studies 2000

A study is started with 3 seeds, and seeds 3, 4, ... to 19 are added one by one, with no plan. Its table is read as that
of such a study (`extensions` in study.json), and its verdicts are those of `analysis.sequential.overruling`. Tests that
hold at any time keep what a look showed, so that one reading after the last seed knows of every look before it.
*paired*: arms share their seeds. *pooled*: so, with `--error pooled`. *unpaired*: each arm has seeds of its own, for
which the error of one look is Welch's. *false matters*: all effects are null; *false negligible*: all are exactly the
margin, 1 standard deviation of a paired difference. *said so*: in how many readings the effects tell which seeds were
added and when, and that their tests are those that hold at any time.
"""

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.contrasts.cells import Cells, cells_of
from analysis.contrasts.contrasts import contrasts_of
from analysis.contrasts.estimation import ErrorModel, estimate
from analysis.sequential.overruling import Overruled, anytime
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable

FIRST, MOST = 3, 20
ADDED = [{"at": "2026-01-02T00:00:00+00:00", "added": [f"seeds: {list(range(FIRST, MOST))}"]}]
SAID = "17 seeds were added on 2026-01-02"
DESIGNS: dict[str, tuple[bool, ErrorModel]] = {
    "paired": (True, "auto"),
    "pooled": (True, "pooled"),
    "unpaired": (False, "auto"),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=400)
    studies = parser.parse_args().studies
    error = 100 * (0.05 * 0.95 / studies) ** 0.5
    print(f"{studies} studies a row, normal noise; Monte-Carlo error {error:.1f} at 5 %")
    print("design    arms  any false matters %  any false negligible %  said so")
    for (name, (shared, how)), arms in itertools.product(DESIGNS.items(), (1, 5)):
        table = _table(arms, shared)
        cells = cells_of(table)
        null, same = (
            [_verdicts(table, cells, effect, how, seed=number) for number in range(studies)]
            for effect in (0.0, 1.0)
        )
        matters = 100 * np.mean([_any(one, ("matters", "differs")) for one in null])
        negligible = 100 * np.mean([_any(one, ("negligible",)) for one in same])
        said = sum(one.tests == "any time" and SAID in one.remarks[0] for one in (*null, *same))
        print(
            f"{name:9} {arms:4} {matters:19.1f} {negligible:23.1f}  {said} of {2 * studies}",
            flush=True,
        )


def _verdicts(
    table: RunsTable, cells: Cells, effect: float, how: ErrorModel, *, seed: int
) -> Overruled:
    """As `estimate_effects` comes to them, from runs with these seeds and arms and other values."""
    z = np.random.default_rng(seed).standard_normal(cells.y.shape) / np.sqrt(2)
    z[:, np.arange(z.shape[1]) != cells.baseline] += effect
    drawn = replace(cells, y=np.where(np.isnan(cells.y), np.nan, z))
    rows = [row for row in contrasts_of(drawn) if row.role != "cell"]
    units = [row.units for row in rows]
    made = estimate(drawn.y, units, error=how)
    frame = pd.DataFrame(
        {"role": [row.role for row in rows], "verdict": "undecided", "margin": 1.0}
    )
    return anytime(frame.assign(**made.columns()), units, table, drawn, alpha=0.05)


def _table(arms: int, shared: bool) -> RunsTable:
    """Runs of a baseline and its arms; without shared seeds each arm has every (arms + 1)-th of the seeds."""
    rows = [
        {
            "level": level,
            "seed": n if shared else n * (arms + 1) + level,
            "val_loss": 1.0 + n * (level + 1) / 100,
        }
        for n in range(MOST)
        for level in range(arms + 1)
    ]
    table = from_frame(pd.DataFrame(rows), baseline={"level": 0})
    info = {"seeds": sorted({row["seed"] for row in rows}), "extensions": ADDED}
    return replace(table, info={**table.info, **info})


def _any(found: Overruled, verdicts: Sequence[str]) -> bool:
    return bool(found.frame["verdict"].isin(verdicts).any())


if __name__ == "__main__":
    main()
