"""Plans of trivial runs, and a study of them."""

from typing import Any

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
