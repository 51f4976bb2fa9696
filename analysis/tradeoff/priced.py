"""What a named price makes of kappa: lambda, r* and its interval; or the ratio that is given, and its price.

r* = (lam C2 / kappa)^(1/3)       the interval of r* is the monotone image of kappa's
"""

import math
from dataclasses import dataclass

from analysis.tradeoff.kappa import Interval
from analysis.tradeoff.prices.price import Price, best_ratio


@dataclass(frozen=True)
class Priced:
    """The best ratio at a price; all None where no price was named or the cost is unknown."""

    lam: float | None = None
    """In the metric's unit; None where kappa <= 0 leaves it undefined."""
    r_star: float | None = None
    r_star_ci: Interval | None = None
    price_ci: Interval | None = None
    """Interval of the price per weight that makes a given ratio the optimum."""

    @property
    def price_per_param(self) -> float | None:
        """Loss that one weight is worth: lam / 2."""
        return self.lam / 2 if self.lam is not None else None


def price_kappa(
    price: Price | None, kappa: float, kappa_ci: Interval, *, c2: float | None
) -> Priced:
    """What the price makes of kappa and its interval, in a network with the sum of squares `c2`."""
    if price is None or c2 is None:
        return Priced()
    lam = price.lam(kappa=kappa, c2=c2)
    if price.fixes_ratio:
        return _given(price, kappa_ci, lam=lam if lam > 0 else None, c2=c2)
    interval = None if math.isnan(kappa_ci[0]) else ratio_interval(kappa_ci, lam=lam, c2=c2)
    return Priced(lam, best_ratio(kappa, lam=lam, c2=c2), interval)


def ratio_interval(kappa_ci: Interval, *, lam: float, c2: float) -> Interval:
    """The interval of r*: the monotone image of kappa's; open above where kappa may be 0."""
    low, high = kappa_ci
    return best_ratio(high, lam=lam, c2=c2), best_ratio(low, lam=lam, c2=c2)


def _given(price: Price, kappa_ci: Interval, *, lam: float | None, c2: float) -> Priced:
    """The ratio was given; what the runs estimate is its price, where kappa can be above 0."""
    r = price.ratio(c2)
    price_ci = None
    if kappa_ci[1] > 0:
        per_kappa = r**3 / c2 / 2
        price_ci = max(kappa_ci[0] * per_kappa, 0.0), kappa_ci[1] * per_kappa
    # A budget allows its ratio whatever kappa is; an implied ratio needs a price that makes it the optimum.
    known = price.mode == "budget" or lam is not None
    return Priced(lam, r if known else None, price_ci=price_ci)
