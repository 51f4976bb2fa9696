"""Measures how fast the analysis is: bootstrap replicates of the fit, and a study of 10 000 runs.

python benchmarks/analysis_speed.py
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from analysis.effects.effects import estimate_effects
from analysis.tables.study_table import read_study
from analysis.tradeoff.curves.families import averaged_curve, bootstrap_minimisers, fit_families
from analysis.tradeoff.curves.reduced import reduce_grid
from analysis.tradeoff.tradeoff import fit_reduction

RATIOS = (2, 4, 8, 16, 32)
FACTORS = ("attention.squeeze", "attention.gate", "attention.order", "backbone.name")


def best_of(action, times=5):
    """Shortest of several timings, seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return min(taken)


def bootstrap_seconds(replicates=10_000):
    """Seconds for bootstrap replicates of all eight families, their average, and its r*."""
    random = np.random.default_rng(0)
    r = np.tile(np.array(RATIOS, dtype=float), 5)
    y = 5e-5 * r**2 / 2 + 0.01 * random.standard_normal(len(r))
    grid = reduce_grid(r, y, np.repeat(np.arange(5), len(RATIOS)), blocked=True)
    fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
    truth = grid.root @ averaged_curve(fits, grid.r, r_max=32.0)[0]
    return best_of(
        lambda: bootstrap_minimisers(grid, truth, lam_c2=0.05, seed=0, replicates=replicates)
    )


def write_study(folder, seeds=125):
    """A study of 80 arms (5 ratios x 2^4) and `seeds` seeds, by the contract of docs/study-folder.md."""
    random = np.random.default_rng(0)
    lines = []
    for arm in range(80):
        ratio = RATIOS[arm % 5]
        levels = {f: ("a", "b")[arm // 5 >> k & 1] for k, f in enumerate(FACTORS)}
        factors = {"attention.reduction": ratio, **levels}
        cost = {"hidden": [64 // ratio], "channels": [64], "c2_eff": 4096, "params": 1, "attention_params": 1,
                "macs": 1}  # fmt: skip
        for seed in range(seeds):
            run = f"{arm:03d}-{seed:03d}"
            lines.append({"run": run, "arm": f"{arm:03d}", "label": f"arm {arm}", "seed": seed,
                          "stage": "grid", "settings": {}, "factors": factors, "cost": cost,
                          "epochs_planned": 2})  # fmt: skip
            at = folder / "runs" / run
            at.mkdir(parents=True)
            loss = 0.3 + 5e-5 * ratio**2 / 2 + 0.01 * random.standard_normal()
            result = {"run": run, "attempt": 1, "state": "COMPLETE", "epochs_run": 2, "train_loss": loss,
                      "val_loss": loss, "val_accuracy": 0.9, "seconds": 1.0, "device": "cpu",
                      "error": None}  # fmt: skip
            (at / "result.json").write_text(json.dumps(result), encoding="utf-8")
    base = {"attention.reduction": 16, **dict.fromkeys(FACTORS, "a")}
    info = {"layout": 1, "study": folder.name, "metric": "val_loss", "baseline": base,
            "baseline_arm": "003", "space": {"factors": [{"name": name} for name in base]},
            "runs_table": {"version": 1}}  # fmt: skip
    (folder / "study.json").write_text(json.dumps(info), encoding="utf-8")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "plan.jsonl").write_text(text, encoding="utf-8")
    return len(lines)


def main():
    """Print the timings."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"10 000 bootstrap replicates of the fit: {bootstrap_seconds():.3f} s (demanded: 0.3 s)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "big"
        runs = write_study(folder)
        steps = {}
        start = time.perf_counter()
        table = read_study(folder)
        steps["read"] = time.perf_counter() - start
        start = time.perf_counter()
        fit_reduction(table)
        steps["fitted"] = time.perf_counter() - start
        start = time.perf_counter()
        estimate_effects(table, margin=0.002)
        steps["tested"] = time.perf_counter() - start
    parts = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in steps.items())
    print(f"{runs} runs: {parts}; together {sum(steps.values()):.2f} s (demanded: 5 s)")


if __name__ == "__main__":
    main()
