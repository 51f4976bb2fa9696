"""Verdicts that hold whenever one looks and however often seeds are added: t tests by betting.

With effects in standard deviations drawn as N(0, G^2), the likelihood ratio of n differences to that of no effect, the
standard deviation integrated out (right Haar), is a closed form, and its expectation is at most 1 at any
stopping time when there is no effect. By Ville's inequality it ever reaches 1/alpha with a chance of alpha at
most. So 1 over the largest ratio seen is a p value at any time (Lai 1976; Rouder and others 2009 for the form;
Wang and Ramdas 2024). Wider than a rule with a largest number of seeds, and never void.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats = NDArray[np.float64]
G = 1.0
"""Standard deviation of the effects that are bet on, in standard deviations of a difference."""


def log_evidence(t: Floats | float, n: Floats | float) -> Floats:
    """Log of the likelihood ratio for a t statistic of n differences; 0 for one difference."""
    t, n = np.asarray(t, dtype=float), np.asarray(n, dtype=float)
    shrunk, df = 1 + n * G**2, np.maximum(n - 1, 1.0)
    ratio = np.log1p(t**2 / df) - np.log1p(t**2 / df / shrunk)
    return np.asarray(np.where(n > 1, (n * ratio - np.log(shrunk)) / 2, 0.0))


def log_evidence_above(t: Floats | float, n: Floats | float) -> Floats:
    """The same for effects above 0 only, against any effect of at most 0."""
    t, n = np.asarray(t, dtype=float), np.asarray(n, dtype=float)
    shrunk = 1 + n * G**2
    # The effect, given the data, is a t of n degrees of freedom around its shrunken mean.
    place = t * n * G / np.sqrt(shrunk * (n - 1 + t**2 / shrunk))
    above = special.stdtr(n, place)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(n > 1, log_evidence(t, n) + np.log(2 * above), 0.0))


def anytime_p(differences: Floats) -> float:
    """The two-sided p value of no effect, after all looks there may have been; in the order of the seeds."""
    t, n = _walk(differences, 0.0)
    return float(min(1.0, math.exp(-float(np.max(log_evidence(t, n), initial=0.0)))))


def anytime_equivalence_p(differences: Floats, *, margin: float) -> float:
    """The p value of an effect of at least the margin, on either side."""
    low, n = _walk(differences, -margin)
    high, _ = _walk(-differences, -margin)
    sides = [float(np.max(log_evidence_above(t, n), initial=0.0)) for t in (low, high)]
    return float(min(1.0, math.exp(-min(sides))))


def anytime_half_width(n: int, *, alpha: float) -> float:
    """Standard errors around the mean of n differences that hold for all n together; infinite where nothing can."""
    wanted = -math.log(alpha)
    most = float(log_evidence(1e9, n))
    if n < 2 or most <= wanted:
        return float("inf")
    return float(optimize.brentq(lambda t: float(log_evidence(t, n)) - wanted, 0.0, 1e9))


def _walk(differences: Floats, value: float) -> tuple[Floats, Floats]:
    """The t statistic against a value after 2, 3, ... differences, and those numbers."""
    x = differences - value
    n = np.arange(1, len(x) + 1)
    mean = x.cumsum() / n
    square = np.maximum((x**2).cumsum() - n * mean**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / np.sqrt(square / (n - 1) / n)
    known = (n > 1) & np.isfinite(t)
    return t[known], n[known].astype(float)
