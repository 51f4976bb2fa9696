"""What a parameter is worth: the four ways to lambda, and the prices at which the best ratio changes.

    J(r) = L(r) + lam C2 / r      P = 2 C2 / r weights      so a price pi per weight is lam = 2 pi

There is no default price. Where none is named, results are given over a sweep of prices.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import TableError
from plain_files.numbers import as_given, number

Mode = Literal["per_param", "per_flop", "implied_by", "budget"]
Floats = NDArray[np.float64]
ROUNDING = 1e-9
"""Relative; what a quotient of two whole numbers may be off by, and more."""


@dataclass(frozen=True)
class Price:
    """How lambda is set. Units: the metric's unit per weight."""

    mode: Mode
    value: float
    metric: str | None = None
    """The metric that the price is counted in; a fit of another metric refuses it."""

    def __post_init__(self) -> None:
        low = 1.0 if self.mode == "implied_by" else 0.0
        fine = np.isfinite(self.value) and self.value >= low and self.value > 0
        if not fine:
            raise TableError(f"`{self.mode} > {as_given(low)}` must hold, but got {self.value!r}.")

    @classmethod
    def per_param(cls, value: float, *, metric: str | None = None) -> "Price":
        """Loss that one weight is worth: lam = 2 pi."""
        return cls("per_param", value, metric)

    @classmethod
    def per_flop(cls, value: float, *, metric: str | None = None) -> "Price":
        """Loss that one floating-point operation is worth (2 C2/r multiply-adds): lam = 4 phi."""
        return cls("per_flop", value, metric)

    @classmethod
    def implied_by(cls, r0: float) -> "Price":
        """The price at which r0 is best: lam = kappa r0^3 / C2."""
        return cls("implied_by", r0)

    @classmethod
    def budget(cls, weights: float) -> "Price":
        """At most so many attention weights: r_b = 2 C2 / P, lam = kappa r_b^3 / C2 is its shadow price."""
        return cls("budget", weights)

    def lam(self, *, kappa: float, c2: float) -> float:
        """Lambda; negative or zero where the price is implied and kappa is not positive."""
        match self.mode:
            case "per_param":
                return 2 * self.value
            case "per_flop":
                return 4 * self.value
            case _:
                return kappa * self.ratio(c2) ** 3 / c2

    def ratio(self, c2: float) -> float:
        """The ratio that an implied price or a budget fixes."""
        return self.value if self.mode == "implied_by" else 2 * c2 / self.value

    def check_ratio(self, *, c2: float, widest: float) -> None:
        """Refuses a budget or an implied price whose ratio no hidden width has.

        Args:
            c2: Sum of C^2 over the blocks.
            widest: The ratio at which every block has one hidden unit; C in a network of one block.

        Raises:
            TableError: If `1 <= r <= widest` does not hold.
        """
        r = self.ratio(c2)
        if not self.fixes_ratio or 1 <= r <= widest * (1 + ROUNDING):
            return
        rule = f"`1 <= r <= {widest:.6g}` must hold (hidden widths from C down to 1)"
        if self.mode == "implied_by":
            raise TableError(f"{rule}, but `implied_by` is {as_given(self.value)}.")
        least = math.ceil(2 * c2 / widest * (1 - ROUNDING))
        raise TableError(
            f"{rule}, but a budget of {as_given(self.value)} weights means r = 2 C2/budget = {number(r)}; "
            f"give a budget from {least:,} to {2 * c2:,.0f} weights."
        )

    @property
    def fixes_ratio(self) -> bool:
        """Whether the ratio is given and the price is what is estimated."""
        return self.mode in ("implied_by", "budget")


def best_ratio(kappa: float, *, lam: float, c2: float) -> float:
    """r* = (lam C2 / kappa)^(1/3); infinity if kappa <= 0. Not clipped to the tested ratios."""
    return float((lam * c2 / kappa) ** (1 / 3)) if kappa > 0 else float("inf")


def regret(u: float, *, kappa: float, r_star: float) -> float:
    """J(u r*) - J(r*) under the quadratic: kappa r*^2 (u^2/2 + 1/u - 3/2)."""
    return kappa * r_star**2 * (u**2 / 2 + 1 / u - 1.5)


def switch_ratio(a: float, b: float) -> float:
    """The r* at which the choice between neighbouring ratios a < b changes: (a b (a + b) / 2)^(1/3)."""
    return float((a * b * (a + b) / 2) ** (1 / 3))


def switch_prices(names: list[str], params: Floats, loss: Floats) -> pd.DataFrame:
    """The prices per weight at which the best of the tested designs changes; no model is used.

    The lower convex hull of (weights, loss). Columns: `best_below`, `best_above` (the best
    design just below and just above the price), `price`. A design off the hull is best at no price.
    """
    order = np.lexsort((loss, -params))
    hull: list[int] = []
    for i in order:
        if hull and params[i] == params[hull[-1]]:
            continue
        while hull and loss[hull[-1]] >= loss[i]:
            hull.pop()
        while len(hull) > 1 and _price(hull[-2], hull[-1], params, loss) >= _price(
            hull[-1], i, params, loss
        ):
            hull.pop()
        hull.append(int(i))
    rows: list[dict[str, Any]] = [
        {"best_below": names[a], "best_above": names[b], "price": _price(a, b, params, loss)}
        for a, b in itertools.pairwise(hull)
    ]
    return pd.DataFrame(rows, columns=["best_below", "best_above", "price"])


def _price(a: int, b: int, params: Floats, loss: Floats) -> float:
    return float((loss[b] - loss[a]) / (params[a] - params[b]))
