"""Plans of trivial runs, and a study of them."""

from typing import Any

import optuna

from ablations.plan import PlannedRun

STUDY = {"study": "first", "metric": "val_loss", "direction": "minimize"}


def planned(number: int, *, seed: int = 0, **settings: Any) -> PlannedRun:
    x = settings.pop("x", float(number))
    return PlannedRun(
        run=f"run{number:05d}s{seed}",
        arm=f"arm{number:05d}",
        label=f"x={x:g}",
        seed=seed,
        stage="grid",
        settings={"x": x, "seed": seed, **settings},
        factors={"x": x},
        cost={"params": 10 * number},
        epochs_planned=settings.get("epochs", 2),
    )


EPOCHS = 6


def plan_of(x: float, seed: int) -> PlannedRun:
    return PlannedRun(
        run=f"x{x:.6f}s{seed}",
        arm=f"x{x:.6f}",
        label=f"x={x:.3g}",
        seed=seed,
        stage="search",
        settings={"x": x, "seed": seed, "epochs": EPOCHS},
        factors={"x": x},
        cost={"params": round(100 * (1 - x))},
        epochs_planned=EPOCHS,
    )


def real(trial: optuna.Trial, seed: int) -> PlannedRun:
    return plan_of(trial.suggest_float("x", 0.0, 1.0), seed)
