"""What a reduction-ratio fit hands back: numbers, their intervals, and a status on each."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.tradeoff.answer import Basis
from analysis.tradeoff.curves.families import Fits, averaged_curve
from analysis.tradeoff.curves.lack_of_fit import LackOfFit
from analysis.tradeoff.curves.reduced import Reduced
from analysis.tradeoff.kappa import Interval, Status
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.status_words import STATUS_WORDS
from plain_files.numbers import as_given, interval, number
from plain_files.shown import in_html, in_line

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """What is needed to draw the fitted curves."""

    centre: float
    """Mean of r^2/2 over the runs."""
    grid: Reduced
    fits: Fits

    def average(self, r: Floats) -> Floats:
        """The averaged curve with its level."""
        r_max = float(self.grid.r[-1])
        at_tested = averaged_curve(self.fits, self.grid.r, r_max=r_max)[0]
        level = np.average(self.grid.mean - at_tested, weights=self.grid.sizes)
        return np.asarray(averaged_curve(self.fits, r, r_max=r_max)[0] + level)


@dataclass(frozen=True)
class Average:
    """What all eight curve families together say."""

    r_star: float
    """Between 1 and the largest tested ratio; NaN without a price, or with too few runs for AICc."""
    ci: Interval
    """NaN where no ratio was repeated; the upper limit is infinity where it is the largest ratio."""


@dataclass(frozen=True)
class ReductionFit:
    """What a study says about the reduction ratio."""

    metric: str
    confidence: float
    interval: str
    """What the interval of kappa rests on: `CR2 by seed`, `HC2 by run` or `classical`."""
    n: int
    seeds: int
    L0: float
    kappa: float
    kappa_ci: Interval
    se: float
    df: float
    status: Status
    flags: tuple[str, ...]
    price: Price | None
    lam: float | None
    """Lambda in the metric's unit; None without a price, or where kappa <= 0 leaves it undefined."""
    price_per_param: float | None
    price_ci: Interval | None
    """For an implied price or a budget: interval of the price per weight; None where kappa cannot be > 0."""
    basis: Basis | None
    """What r* rests on: the averaged curves; the tested ratios and no more than that the loss does not fall
    (`monotone`); the theory, where the curves cannot be averaged; or a ratio that was given. None without r*."""
    r_star: float | None
    """The answer; None without a price, and where at most a limit is known. Under a budget the ratio that
    it allows, whatever kappa is."""
    r_star_ci: Interval | None
    """Its interval; of a ratio known to a limit only, open above."""
    theory_r_star: float | None
    """(lam C2/kappa)^(1/3): r* if the loss rises as r^2. Infinity where kappa <= 0; None without a price."""
    theory_ci: Interval | None
    """The image of kappa's interval."""
    c2_eff: float | None
    lack_of_fit: LackOfFit
    curves_p: float
    """The largest p of the lack-of-fit test over all curves of the interval; NaN where it cannot be tested."""
    models: pd.DataFrame
    """`family, k, aicc, weight, r_star`, the heaviest first; no weights where a family has no AICc."""
    average: Average
    tested: pd.DataFrame
    """Per tested ratio: `r, nominal, n, loss, J, regret, regret_upper, p, not_worse, params, leverage`."""
    argmin_set: list[float]
    """Tested ratios not worse than the best (at the price, or by loss alone without one)."""
    leverage: dict[float, float]
    """Tested ratio -> leverage of its mean on the quadratic's slope and level; 1 = decides alone."""
    without_largest: "ReductionFit | None"
    icc: float
    """Share of the noise variance that runs of one seed have in common; NaN without blocks."""
    sigma: float
    """Standard deviation of one run around its ratio's mean within its seed; NaN without replicates."""
    sweep: pd.DataFrame
    """Per price: `price`, the answer's `r_star, low, high`, the theory's `theory, theory_low, theory_high`,
    and `best_tested, not_worse`."""
    switch_prices: pd.DataFrame
    """`best_below, best_above, price`: where the best tested design changes; no model."""
    control: pd.DataFrame
    """Arms without a ratio: `label, n, loss, loss_low, loss_high, difference, low, high` against the best ratio."""
    excluded: dict[str, int]
    shape: Curve

    @property
    def rests_on_largest(self) -> bool:
        """Whether the smaller ratios alone would give another status."""
        return self.without_largest is not None and self.without_largest.status != self.status

    @property
    def contradicts_theory(self) -> bool:
        """Whether the loss falls as r grows, and not by the largest ratio alone."""
        return self.status == "decreasing" and not self.rests_on_largest

    @property
    def none_ruled_out(self) -> bool:
        """Whether every tested ratio may be the best."""
        return len(self.argmin_set) == len(self.tested)

    @property
    def largest_is_best(self) -> bool:
        """Whether the largest tested ratio is better than every other."""
        return self.argmin_set == [float(self.tested["r"].max())]

    def __repr__(self) -> str:
        """In a line: what it came to."""
        said = "" if self.r_star is None else f"r* = {number(self.r_star)}"
        return in_line(
            "ReductionFit", STATUS_WORDS[self.status], said, f"{self.n} runs, {self.seeds} seeds"
        )

    def _repr_html_(self) -> str:
        shown = self.tested[["r", "n", "loss", "regret", "regret_upper", "not_worse"]]
        rows = shown.itertuples(index=False)
        ends = (("kappa", self.kappa, self.kappa_ci), ("r*", self.r_star, self.r_star_ci))
        lines = [
            f"{name} = {number(value)} {interval(band[0], band[1])}"
            for name, value, band in ends
            if value is not None and band is not None
        ]
        best = ", ".join(as_given(r) for r in self.argmin_set)
        lines += [
            f"not worse than the best tested ratio: {best}",
            f"{self.n} runs, {self.seeds} seeds",
        ]
        return in_html(
            STATUS_WORDS[self.status], lines, head=[str(name) for name in shown], rows=rows
        )

    def curve(self, r: Floats) -> Floats:
        """The fitted quadratic L0 + kappa r^2/2 at ratios `r`, in the metric's unit."""
        return np.asarray(self.L0 + self.kappa * np.asarray(r, dtype=float) ** 2 / 2)

    def curve_band(self, r: Floats) -> tuple[Floats, Floats]:
        """The pointwise interval of the curve around the grid's centre of mass."""
        x = np.asarray(r, dtype=float) ** 2 / 2 - self.shape.centre
        low, high = self.kappa_ci
        middle = self.L0 + self.kappa * self.shape.centre
        ends = np.stack([middle + low * x, middle + high * x])
        return ends.min(axis=0), ends.max(axis=0)

    def average_curve(self, r: Floats) -> Floats:
        """The AICc-weighted mean of the eight curves at ratios `r`."""
        return self.shape.average(np.asarray(r, dtype=float))
