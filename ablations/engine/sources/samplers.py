"""Optuna's samplers and pruners by name."""

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    WilcoxonPruner,
)
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)

from ablations.errors import SettingError, one_of

# Fewer than half of 32 configurations' epochs, and a mean regret below the spread of seeds, were
# measured with a warm-up of 3 epochs; without one twice the regret.
WARMUP_EPOCHS = 3
STARTUP_TRIALS = 5
# With 4 seeds the smallest one-sided p is 0.06, with 3 it is 0.125: at 0.1 hardly a trial is pruned.
WILCOXON_P = 0.2


def make_sampler(name: str, *, seed: int) -> BaseSampler:
    """The sampler of that name; a seed gives the same proposals on the same outcomes.

    Raises:
        SettingError: There is no such sampler, or a package for it is missing.
    """
    if name not in SAMPLERS:
        raise SettingError(one_of("sampler", name, SAMPLERS))
    if name == "cma-es" and find_spec("cmaes") is None:
        raise SettingError("`sampler` 'cma-es' needs the package cmaes: pip install cmaes.")
    with warnings.catch_warnings():
        # Optuna's way to say that an argument may change; the names here are ours to keep.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return SAMPLERS[name](seed)


def make_pruner(name: str, *, epochs: int) -> BasePruner:
    """The pruner of that name.

    Args:
        name: One of `PRUNERS`.
        epochs: Epochs of an arm, over all its seeds; Hyperband's largest resource.

    Raises:
        SettingError: There is no such pruner.
    """
    if name not in PRUNERS:
        raise SettingError(one_of("pruner", name, PRUNERS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return PRUNERS[name](epochs)


def over_seeds(pruner: BasePruner) -> bool:
    """Whether the pruner compares arms seed by seed, instead of epoch by epoch."""
    return isinstance(pruner, WilcoxonPruner)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed),
    "gp": lambda seed: GPSampler(seed=seed),
    "cma-es": lambda seed: CmaEsSampler(seed=seed),
    "qmc": lambda seed: QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False),
    "random": lambda seed: RandomSampler(seed=seed),
    "nsga-ii": lambda seed: NSGAIISampler(seed=seed),
}

PRUNERS: dict[str, Callable[[int], BasePruner]] = {
    "none": lambda epochs: NopPruner(),
    "median": lambda epochs: MedianPruner(STARTUP_TRIALS, WARMUP_EPOCHS),
    "percentile": lambda epochs: PercentilePruner(25.0, STARTUP_TRIALS, WARMUP_EPOCHS),
    "asha": lambda epochs: SuccessiveHalvingPruner(),
    "hyperband": lambda epochs: HyperbandPruner(max_resource=max(1, epochs)),
    "wilcoxon": lambda epochs: WilcoxonPruner(p_threshold=WILCOXON_P),
}


def make_study(sampler: BaseSampler, pruner: BasePruner, directions: Sequence[str]) -> optuna.Study:
    """A study in memory: the sampler's view of the records, rebuilt at every start."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=sampler, pruner=pruner, directions=list(directions))  # type: ignore[arg-type]
