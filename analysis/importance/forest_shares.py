"""fANOVA (Hutter, Hoos and Leyton-Brown 2014): main-effect shares of a random forest's variance.

The forest is averaged over the tested levels, each combination counting alike. Optuna's evaluator walks
every tree in Python, 0.5 s a forest at 300 runs, and averages the indicator columns of a factor with words
independently of each other, over combinations that no arm has. This asks the forest at the combinations
themselves: 0.05 s, so that the shares' null (20 further forests) costs a second.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TREES = 32
MOST_STEPS = 16
"""Levels of a factor at which the forest is asked; of more, evenly spaced ones of those tested."""
MOST_CELLS = 4096
"""Combinations up to which all are asked; of more, so many drawn at random."""


def forest_shares(levels: pd.DataFrame, loss: Floats, *, seed: int) -> Floats:
    """Share of each factor's main effect in the variance of a forest, normalised to sum to 1.

    Args:
        levels: A column per factor, a row per run; numbers are split as numbers, all else as categories.
        loss: Of each run.
        seed: Of the forest and, with more than `MOST_CELLS` combinations, of the draw.

    Returns:
        One share per factor, means over trees; zeros where no tree found anything.
    """
    # scikit-learn takes a second to import, and few commands need it.
    from sklearn.ensemble import RandomForestRegressor

    codes = [_coded(levels[factor].tolist()) for factor in levels]
    forest = RandomForestRegressor(n_estimators=TREES, random_state=seed)
    forest.fit(np.concatenate([rows for rows, _ in codes], axis=1), loss)
    at = _cells([len(steps) for _, steps in codes], seed=seed)
    inputs = np.concatenate([steps[at[:, i]] for i, (_, steps) in enumerate(codes)], axis=1)
    asked = inputs.astype(np.float32)  # what the trees compute in
    found = np.stack([tree.tree_.predict(asked)[:, 0] for tree in forest.estimators_])
    whole = found.var(axis=1)
    if not (whole > 0).any():
        return np.zeros(len(codes))
    main = np.stack([_main_effect(found, at[:, i]) for i in range(len(codes))])
    shares = (main[:, whole > 0] / whole[whole > 0]).mean(axis=1)
    return np.asarray(shares / max(float(shares.sum()), 1e-300))


def _coded(values: Sequence[Any]) -> tuple[Floats, Floats]:
    """A factor as columns for the forest: of the runs, and of the levels at which it is asked."""
    tested = list(dict.fromkeys(values))
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in tested):
        steps = np.unique(np.asarray(tested, dtype=float))
        if (
            np.abs(steps).max() > np.finfo(np.float32).max
        ):  # what the trees compute in: their order is left
            values, steps = (
                np.searchsorted(steps, values).tolist(),
                np.arange(len(steps), dtype=float),
            )
        chosen = np.linspace(0, len(steps) - 1, min(len(steps), MOST_STEPS)).round().astype(int)
        return np.asarray(values, dtype=float)[:, None], steps[chosen][:, None]
    at = {level: i for i, level in enumerate(tested)}
    indicators = np.eye(len(tested))
    return indicators[[at[v] for v in values]], indicators


def _cells(sizes: list[int], *, seed: int) -> NDArray[np.intp]:
    """Combinations of levels, a row each, a column per factor."""
    if np.prod(sizes, dtype=float) <= MOST_CELLS:
        return np.stack([axis.ravel() for axis in np.indices(sizes)], axis=1)
    random = np.random.default_rng(seed)
    return np.stack([random.integers(size, size=MOST_CELLS) for size in sizes], axis=1)


def _main_effect(found: Floats, level: NDArray[np.intp]) -> Floats:
    """Variance of the means at each level, of each tree."""
    means = np.stack([found[:, level == at].mean(axis=1) for at in np.unique(level)])
    sizes = np.bincount(level, minlength=len(means))
    weights = sizes[sizes > 0] / len(level)
    centre = weights @ means
    return np.asarray(weights @ (means - centre) ** 2)
