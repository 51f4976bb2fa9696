"""The power law of kappa in the width, from the slopes that each seed gives at each width.

    kappa(C) = kappa0 (C / C0)^-gamma       r* ~ C^((2 + gamma) / 3)

Joint least squares, negative slopes allowed, so nothing is logged; gamma's interval by the profile F test.
Where kappa is not above 0 there is no r*, so then there is no slope either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.tradeoff.width.width_fit import Status, WidthFit

Floats = NDArray[np.float64]
NO_INTERVAL = (float("nan"), float("nan"))
UNBOUNDED = (-float("inf"), float("inf"))
GAMMAS = np.arange(-10.0, 12.0001, 0.002)


def fit_power_law(channels: Floats, slopes: Sequence[Floats], *, confidence: float) -> WidthFit:
    """The power law of kappa in C from the seeds' slopes at each width; noise pooled over widths."""
    means = _means_of(channels, slopes)
    misfit = means.misfit(GAMMAS)
    best = int(np.argmin(misfit))
    gamma, df, rest = float(GAMMAS[best]), means.df, len(channels) - 2
    status = _status(means, gamma, confidence=confidence)
    none = UNBOUNDED if status == "not_identified" else NO_INTERVAL
    without_slope = WidthFit(
        widths=pd.DataFrame({"channels": channels, "kappa": means.kappa}),
        status=status,
        gamma=float("nan"),
        gamma_ci=none,
        slope=float("nan"),
        slope_ci=none,
        p_theory=float("nan"),
        p_rival=float("nan"),
        p_power_law=float(stats.f.sf(misfit[best] / rest, rest, df)) if rest > 0 else float("nan"),
        p_constant=float(stats.f.sf(means.spread, len(channels) - 1, df)),
        df=df,
        ratios=[],
        confidence=confidence,
    )
    if status != "ok":
        return without_slope
    low, high = _gamma_ci(misfit, df=df, confidence=confidence)

    def p_of(value: float) -> float:
        at = means.misfit(np.array([value]))[0]
        return float(stats.f.sf(max(at - misfit[best], 0.0), 1, df))

    return replace(
        without_slope,
        gamma=gamma,
        gamma_ci=(low, high),
        slope=(2 + gamma) / 3,
        slope_ci=((2 + low) / 3, (2 + high) / 3),
        p_theory=p_of(0.0),
        p_rival=p_of(2.0),
    )


@dataclass(frozen=True)
class _Means:
    """kappa at each width, the mean over its seeds."""

    log_c: Floats
    """Less its mean."""
    kappa: Floats
    n: Floats
    """Seeds at each width."""
    variance: float
    """Of one seed's slope around its width's mean, pooled over widths."""
    df: int

    @property
    def noise(self) -> float:
        """The variance, or so small a number that slopes without noise can be divided by it."""
        return max(self.variance, 1e-300)

    @property
    def spread(self) -> float:
        """F ratio of the widths' means around one common kappa."""
        mean = np.average(self.kappa, weights=self.n)
        return float(np.sum(self.n * (self.kappa - mean) ** 2)) / (len(self.kappa) - 1) / self.noise

    def misfit(self, gammas: Floats) -> Floats:
        """Weighted misfit of kappa0 C^-gamma with the best kappa0, per gamma, in units of the noise."""
        shape = np.exp(-gammas[:, None] * self.log_c)
        level = (shape * self.n) @ self.kappa / np.sum(self.n * shape**2, axis=1)
        away = (self.kappa - level[:, None] * shape) ** 2
        return np.asarray(np.sum(self.n * away, axis=1) / self.noise)


def _means_of(channels: Floats, slopes: Sequence[Floats]) -> _Means:
    n = np.array([len(s) for s in slopes], dtype=float)
    df = int(np.sum(n - 1))
    return _Means(
        log_c=np.log(channels) - np.log(channels).mean(),
        kappa=np.array([s.mean() for s in slopes]),
        n=n,
        variance=float(sum(np.sum((s - s.mean()) ** 2) for s in slopes)) / df,
        df=df,
    )


def _gamma_ci(misfit: Floats, *, df: int, confidence: float) -> tuple[float, float]:
    """The gammas that the profile F test keeps; infinite at an end of the grid."""
    inside = GAMMAS[misfit - misfit.min() <= stats.f.ppf(confidence, 1, df)]
    low = -np.inf if inside[0] == GAMMAS[0] else float(inside[0])
    high = np.inf if inside[-1] == GAMMAS[-1] else float(inside[-1])
    return low, high


def _status(means: _Means, gamma: float, *, confidence: float) -> Status:
    """Whether kappa is above 0: at the widths' middle by the power law, and not below 0 at any width.

    Where kappa at the middle may be 0, every gamma fits and the slope is unbounded.
    """
    kappa, n = means.kappa, means.n
    sd, tail = np.sqrt(means.variance), (1 - confidence) / 2
    shape = np.exp(-gamma * means.log_c)
    size = float(np.sum(n * shape**2))
    middle = float((shape * n) @ kappa) / size
    reach = float(stats.t.isf(tail, means.df)) * sd / np.sqrt(size)
    # Of several widths without any slope one would soon look as if it fell: Bonferroni.
    each = float(stats.t.isf(tail / len(kappa), means.df)) * sd / np.sqrt(n)
    if (kappa + each < 0).any():
        return "decreasing"
    return "ok" if middle - reach > 0 else "not_identified"
