"""PED-ANOVA (Watanabe and others 2023): what sets the best tenth of the runs apart, as Optuna computes it."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEW_LEVELS = 20
"""A factor of numbers with more levels than these is a range, not a list of words."""


def ped_shares(levels: pd.DataFrame, loss: Floats) -> Floats:
    """Share of each factor, normalised to sum to 1.

    Args:
        levels: A column per factor, a row per run.
        loss: Of each run.
    """
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    spaces: dict[str, Any] = {}
    for factor in levels:
        values = list(pd.unique(levels[factor]))
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if numeric and len(values) > FEW_LEVELS:
            spaces[str(factor)] = FloatDistribution(float(min(values)), float(max(values)))
        else:
            spaces[str(factor)] = CategoricalDistribution([_plain(v) for v in values])
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study()
        study.add_trials([
            optuna.trial.create_trial(
                params={str(f): _plain(v) for f, v in zip(levels, row, strict=True)},
                distributions=spaces, value=float(value),
            )
            for row, value in zip(levels.itertuples(index=False), loss, strict=True)
        ])  # fmt: skip
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    optuna.logging.set_verbosity(level)
    return np.array([found.get(str(f), 0.0) for f in levels])


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
