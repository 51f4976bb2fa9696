"""What looks cost: one over so many comparisons and seeds, and all of a study again when it goes on.

    python benchmarks/look_cost.py                     # 12 comparisons; 40 seeds, then 502 (500 looks)

Nothing is trained: results are drawn, and no comparison is ever settled, so that each look has all of them. Processor
seconds: `boundaries` once, before the first run; `recorded`, looks that are written down and made sure of on the disk;
`again`, the same looks made again and compared, as where a study goes on, without reading the results.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from ablations.engine.sources.until import LOOKS, UntilSettled
from ablations.plan import PlannedRun
from analysis.sequential.boundaries import with_boundaries
from analysis.sequential.rule import FIRST_LOOK, until_decided

NEVER = 1e-4
"""A margin so far below the noise that nothing is negligible."""


def main() -> None:
    """Print a line for each number of seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--comparisons", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[40, 500 + FIRST_LOOK - 1])
    asked = parser.parse_args()
    for seeds in asked.seeds:
        looks = seeds - FIRST_LOOK + 1
        made, recorded, again = measured(asked.comparisons, seeds)
        print(
            f"{asked.comparisons} comparisons, {seeds} seeds: boundaries {made:.2f} s; {looks} looks recorded "
            f"{recorded:.2f} s ({1000 * recorded / looks:.1f} ms each), again {again:.2f} s",
            flush=True,
        )


def measured(comparisons: int, seeds: int) -> tuple[float, float, float]:
    """Seconds for the boundaries, for all looks the first time, and for all of them again."""
    arms = [f"a{i}" for i in range(comparisons + 1)]
    blocks = [[_run(arm, seed) for arm in arms] for seed in range(seeds)]
    drawn = np.random.default_rng(0).standard_normal((seeds, len(arms))).tolist()
    results = {
        run.run: {"state": "COMPLETE", "val_loss": value, "seconds": 1.0}
        for block, row in zip(blocks, drawn, strict=True)
        for run, value in zip(block, row, strict=True)
    }
    plan = [run for block in blocks for run in block]
    how = until_decided(margin=NEVER, max_seeds=seeds)
    declared = {
        "baseline": arms[0], "alpha": how.alpha, "first_look": how.first_look, "max_seeds": seeds,
        "ends": ["matters", "differs", "negligible"],
        "comparisons": [{"arm": arm, "label": arm, "margin": NEVER} for arm in arms[1:]],
    }  # fmt: skip
    began = time.process_time()
    rule = json.loads(json.dumps(with_boundaries(declared)))
    taken = [time.process_time() - began]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            source = UntilSettled(
                blocks, decide=how.decide, rule=rule, metric="val_loss", looks=Path(folder) / LOOKS
            )
            began = time.process_time()
            source.resume(plan, results)
            taken.append(time.process_time() - began)
    return taken[0], taken[1], taken[2]


def _run(arm: str, seed: int) -> PlannedRun:
    return PlannedRun(
        run=f"{arm}-{seed}", arm=arm, label=arm, seed=seed, stage="loco", settings={}, factors={}, cost={},
        epochs_planned=1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
