"""Which r* is the answer: that of the averaged curves, of the tested ratios alone, or of the theory.

The theory's narrow interval holds only if the loss rises as r^2, which a few seeds cannot test well. The averaged
curves' interval holds whether or not it does. Where no curve follows the means, only the tested ratios are left.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.tradeoff.curves.average_interval import AveragedRatio
from analysis.tradeoff.kappa import Interval, Kappa, Status
from analysis.tradeoff.monotone import monotone_interval
from analysis.tradeoff.priced import Priced
from analysis.tradeoff.tested import Pairs

Basis = Literal["average", "monotone", "theory", "given"]
ALPHA = 0.05
"""Below this p a curve is rejected."""
NO_NUMBER = ("lower_bound_only", "not_identified", "decreasing")
"""Statuses whose answer is at most a limit."""
UNSURE = ("too_few_seeds", "single_seed", "no_noise")
"""Statuses whose runs cannot tell how far another seed would lie."""


@dataclass(frozen=True)
class Answer:
    """The best ratio at a price, and what it rests on."""

    basis: Basis | None = None
    """None where there is no answer."""
    r_star: float | None = None
    ci: Interval | None = None


@dataclass(frozen=True)
class Answers:
    """What is needed to answer at any price."""

    status: Status
    averaged: AveragedRatio | None
    """None where the curve families have no weights."""
    pairs: Pairs
    confidence: float

    def at(self, lam_c2: float, theory: Priced) -> Answer:
        """The answer at a price times C²; `theory` is what the quadratic says at it."""
        if self.status == "decreasing":
            return Answer()
        average = self.averaged.at(lam_c2) if self.averaged is not None else None
        if self.status == "curves_rejected":
            ends = monotone_interval(self.pairs, lam_c2=lam_c2, confidence=self.confidence)
            best = self.pairs.at(lam_c2=lam_c2, confidence=self.confidence).best
            return Answer("monotone", best, ends)
        sure = average is not None and self.status not in UNSURE
        if average is None or not sure or math.isnan(average[1][0]):
            return _theory(theory, limit=self.status in NO_NUMBER)
        r_star, (low, high) = average
        if self.status in NO_NUMBER:
            return Answer("average", None, (low, math.inf))
        return Answer("average", r_star, (low, high))


def status_of(kappa: Kappa, *, quadratic_p: float, curves_p: float) -> Status:
    """The status of the answer: kappa's own, unless the quadratic or every curve is rejected.

    Args:
        kappa: The slope and its own status.
        quadratic_p: Of the lack-of-fit test; NaN where it cannot be tested.
        curves_p: The largest p of that test over the curve families; NaN likewise.
    """
    if kappa.status in UNSURE or not quadratic_p < ALPHA:
        return kappa.status
    return "curves_rejected" if curves_p < ALPHA else "quadratic_rejected"


def _theory(theory: Priced, *, limit: bool) -> Answer:
    if theory.r_star is None:
        return Answer()
    known = theory.r_star if np.isfinite(theory.r_star) and not limit else None
    return Answer("theory", known, theory.r_star_ci)
