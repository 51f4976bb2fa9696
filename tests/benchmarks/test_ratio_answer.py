"""The benchmark of the fit's answer computes what `fit_reduction` gives, and the answer holds."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from analysis.tables.csv_table import from_frame
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.tradeoff import fit_reduction

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "ratio_answer", ROOT / "benchmarks" / "ratio_answer.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("curve", ["quadratic", "saturating", "step", "flat"])
def test_its_answer_is_that_of_the_fit(measure: ModuleType, curve: str) -> None:
    lam_c2, _ = measure.truth(measure.CURVES[curve], 8)
    random = np.random.default_rng(1)
    for _ in range(3):
        y = measure.RISE * measure.CURVES[curve](measure.RATIOS) + measure.noise(
            random, "normal", 4
        )
        answer, theory, status, _ = measure.answered(measure.runs_of(y), lam_c2)
        frame = pd.DataFrame(
            {
                "reduction": np.tile(measure.RATIOS, 4),
                "seed": np.repeat(range(4), 6),
                "val_loss": y.ravel(),
            }
        )
        fit = fit_reduction(
            from_frame(frame), price=Price.per_param(lam_c2 / 64**2 / 2), channels=64
        )
        assert (status, answer.basis) == (fit.status, fit.basis)
        assert answer.r_star == (None if fit.r_star is None else pytest.approx(fit.r_star))
        assert answer.ci == (None if fit.r_star_ci is None else pytest.approx(fit.r_star_ci))
        assert theory.r_star_ci == pytest.approx(fit.theory_ci)


@pytest.mark.slow
def test_the_answer_holds_under_every_true_curve(measure: ModuleType) -> None:
    table = measure.answers(repetitions=300)
    held = table[[f"answer {seeds}" for seeds in measure.SEEDS]].to_numpy()
    # Monte-Carlo error at 300 repetitions: 1.3 points.
    assert held.min() >= 93 - 2 * 1.3
