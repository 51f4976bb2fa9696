"""What `ablate plan` takes from a pilot."""

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablations.cli.main import main

RATIOS = (2, 4, 8, 16, 32)


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """What `ablate plan SPACE --pilot` prints for a pilot with these rows."""

    def run(space: str, rows: list[dict[str, object]], *options: str) -> str:
        path = tmp_path / "pilot.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
        try:
            main(["plan", space, "--pilot", str(path), *options])
        except SystemExit as stop:
            said = capsys.readouterr()
            return said.err if stop.code else said.out
        return capsys.readouterr().out

    return run


def ratio_pilot(*, kappa: float, seeds: int, sigma: float = 0.01) -> list[dict[str, object]]:
    noise = np.random.default_rng(0)
    return [
        {"reduction": r, "seed": s, "val_loss": 2 + kappa * r**2 / 2 + noise.normal(0, sigma)}
        for s in range(seeds)
        for r in RATIOS
    ]


def crossed_pilot() -> tuple[list[dict[str, object]], np.ndarray]:
    """A 2 x 2 x 2 factorial of six seeds, and its losses, shape (seeds, arms)."""
    noise = np.random.default_rng(3)
    arms = list(itertools.product("ab", "xy", "pq"))
    y = 2 + noise.normal(0, 0.02, (6, 1)) + noise.normal(0, 0.008, (6, len(arms)))
    rows: list[dict[str, object]] = [
        {"gate": a, "squeeze": b, "place": c, "seed": s, "val_loss": y[s, i]}
        for s in range(6)
        for i, (a, b, c) in enumerate(arms)
    ]
    return rows, y


def test_the_noise_of_a_factorial_is_that_of_one_run(plan: Callable[..., str]) -> None:
    rows, y = crossed_pilot()
    residual = y - y.mean(0) - y.mean(1, keepdims=True) + y.mean()
    sigma = math.sqrt(np.sum(residual**2) / (5 * 7))
    found = json.loads(plan("gate", rows, "--json"))
    assert found["effects"]["pilot"]["sigma"] == pytest.approx(sigma)


def test_the_noise_of_runs_without_shared_seeds_is_that_within_an_arm(
    plan: Callable[..., str],
) -> None:
    noise = np.random.default_rng(4)
    rows = [
        {"gate": g, "seed": 10 * i + k, "val_loss": 1 + 0.1 * i + noise.normal(0, 0.02)}
        for i, g in enumerate("abc")
        for k in range(5)
    ]
    within = pd.DataFrame(rows).groupby("gate")["val_loss"].var(ddof=1)
    found = json.loads(plan("gate", rows, "--json"))
    assert found["effects"]["pilot"]["sigma"] == pytest.approx(math.sqrt(within.mean()))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (ratio_pilot(kappa=-2e-4, seeds=5),
         "The pilot gives no snr: its loss does not rise with r (kappa = -0.000"),
        (ratio_pilot(kappa=2e-4, seeds=1),
         "The pilot does not tell the noise: no run of it is repeated; run every arm with at least 2 seeds"),
        (ratio_pilot(kappa=2e-4, seeds=3, sigma=0.0),
         "The pilot does not tell the noise: repeated runs of an arm do not differ"),
        (crossed_pilot()[0], "The pilot gives no snr: the table lacks the column"),
    ],
)  # fmt: skip
def test_a_pilot_that_cannot_be_used_is_told_why(
    plan: Callable[..., str], rows: list[dict[str, object]], why: str
) -> None:
    said = " ".join(plan("reduction", rows).split())
    assert why in said
    assert "Without it: seeds by snr" in said
    assert "Without a pilot" not in said


def test_effects_that_a_pilot_of_one_seed_cannot_plan_are_told_so(
    plan: Callable[..., str],
) -> None:
    said = " ".join(plan("gate", ratio_pilot(kappa=2e-4, seeds=1)).split())
    assert "effects need their noise: The pilot does not tell the noise" in said
