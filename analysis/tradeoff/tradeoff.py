"""The reduction ratio worth its cost: kappa, r*, how sure that is, and whether the model holds.

    L(r) = L0 + kappa r^2 / 2      J(r) = L(r) + lam C2 / r      r* = (lam C2 / kappa)^(1/3)

kappa is the slope on r^2/2 with one intercept per seed and CR2 standard errors (`kappa.py`, `cr2.py`); the
theory's r* is what a price makes of it (`priced.py`). Which r* is the answer, `answer.py` says. Nothing is given
without its status.
"""

import math

import numpy as np
import pandas as pd

from analysis.errors import TableError
from analysis.tables.runs_table import RunsTable
from analysis.tradeoff.answer import Answer, Answers, status_of
from analysis.tradeoff.control import compare_control
from analysis.tradeoff.curves.average_interval import averaged_ratio
from analysis.tradeoff.curves.families import (
    families_frame,
    fit_families,
)
from analysis.tradeoff.curves.lack_of_fit import LackOfFit, lack_of_fit
from analysis.tradeoff.curves.reduced import Reduced, reduce_grid
from analysis.tradeoff.kappa import NO_INTERVAL, Kappa, Status, estimate_kappa, leverages
from analysis.tradeoff.noise import icc, is_skewed
from analysis.tradeoff.priced import Priced, price_kappa
from analysis.tradeoff.prices.cost import Cost, parse_blocks
from analysis.tradeoff.prices.price import ROUNDING, Price
from analysis.tradeoff.ratios import Cluster, RatioRuns, ratio_runs
from analysis.tradeoff.reduction_fit import Average, Curve, ReductionFit
from analysis.tradeoff.sweep import price_sweep, tested_switches
from analysis.tradeoff.tested import Tested, pair_ratios


def fit_reduction(
    table: RunsTable,
    *,
    price: Price | None = None,
    blocks: Cost | str | None = None,
    channels: int | None = None,
    confidence: float = 0.95,
    cluster: Cluster = "auto",
) -> ReductionFit:
    """The trade-off between loss and cost that the complete runs of a table support.

    Args:
        table: Runs with a ratio, a loss and (for an interval that knows of seeds) a seed.
        price: What a weight is worth. Without one: the sweep of prices, and no single r*.
        blocks: Channels of the network's blocks (`3x256,4x512`), where the table does not have them.
        channels: C of a network with one block; instead of `blocks`.
        confidence: Of every interval.
        cluster: What errors are independent between. `auto`: seeds, or runs where no seed is shared.
            Choose before looking.

    Raises:
        TableError: If the table cannot be fitted; names the column and the row.
    """
    if not 0.5 < confidence < 1:
        raise TableError(f"`0.5 < confidence < 1` must hold, but got {confidence!r}.")
    if price is not None and price.metric not in (None, table.metric):
        raise TableError(
            f"the price is in units of `{price.metric}`, but the runs were measured in "
            f"`{table.metric}`; convert it, or fit that metric."
        )
    runs = ratio_runs(table, blocks=_cost(blocks, channels), cluster=cluster)
    if price is not None and runs.c2_eff is None:
        raise TableError(
            "a price needs the network's channels, but the table lacks `channels` and `c2_eff`; "
            "give --channels C or --blocks 3x256,4x512."
        )
    if price is not None and runs.c2_eff is not None:
        price.check_ratio(c2=runs.c2_eff, widest=_widest(runs.cost, runs.c2_eff))
    return _fit(runs, table.metric, price=price, confidence=confidence, cluster=cluster)


def _fit(
    runs: RatioRuns,
    metric: str,
    *,
    price: Price | None,
    confidence: float,
    cluster: Cluster,
    drop_largest: bool = True,
) -> ReductionFit:
    kappa = estimate_kappa(runs, cluster=cluster, confidence=confidence)
    priced = price_kappa(price, kappa.value, kappa.ci, c2=runs.c2_eff)
    lam, c2 = priced.lam, runs.c2_eff
    lam_c2 = lam * c2 if lam is not None and c2 is not None else None
    grid = reduce_grid(runs.r, runs.loss, runs.seeds, blocked=runs.blocked)
    fits = fit_families(grid, grid.z[None], np.array([grid.rss]))
    lof = lack_of_fit(grid, rise=kappa.value * (grid.r[-1] ** 2 - grid.r[0] ** 2) / 2)
    weighted = bool(np.isfinite(fits.aicc).all())
    averaged = averaged_ratio(grid, fits, confidence=confidence) if weighted else None
    average = Average(math.nan, NO_INTERVAL)
    if averaged is not None and lam_c2 is not None:
        average = Average(*averaged.at(lam_c2))
    pairs = pair_ratios(runs.r, runs.loss, runs.seeds, mean=grid.mean, paired=runs.blocked)
    curves_p = averaged.p if averaged is not None else math.nan
    status = status_of(kappa, quadratic_p=lof.p, curves_p=curves_p)
    answers = Answers(status, averaged, pairs, confidence)
    answer = _answer(price, priced, answers, lam_c2=lam_c2)
    tested = pairs.at(lam_c2=lam_c2 or 0.0, confidence=confidence)
    leverage = leverages(grid.r, grid.sizes.astype(float))
    smaller = None
    if drop_largest and len(grid.r) > 2:
        less = runs.without_largest()
        smaller = _fit(
            less, metric, price=price, confidence=confidence, cluster=cluster, drop_largest=False
        )
    return ReductionFit(
        metric=metric,
        confidence=confidence,
        interval=kappa.interval,
        n=grid.n,
        seeds=grid.groups if runs.blocked else 0,
        L0=float(runs.loss.mean() - kappa.value * (runs.r**2 / 2).mean()),
        kappa=kappa.value,
        kappa_ci=kappa.ci,
        se=kappa.se,
        df=kappa.df,
        status=status,
        flags=_flags(runs, kappa, status, lof, answer, smaller, grid),
        price=price,
        lam=lam,
        price_per_param=priced.price_per_param,
        price_ci=priced.price_ci,
        basis=answer.basis,
        r_star=answer.r_star,
        r_star_ci=answer.ci,
        theory_r_star=priced.r_star,
        theory_ci=priced.r_star_ci,
        c2_eff=c2,
        lack_of_fit=lof,
        curves_p=curves_p,
        models=families_frame(grid, fits, lam_c2=lam_c2),
        average=average,
        tested=_tested_frame(tested, runs, leverage),
        argmin_set=tested.argmin_set,
        leverage=leverage,
        without_largest=smaller,
        icc=_icc(runs, grid),
        sigma=math.sqrt(grid.sigma2) if grid.df > 0 else math.nan,
        # Nobody reads the prices of the fit without the largest ratio.
        sweep=pd.DataFrame()
        if not drop_largest
        else price_sweep(runs, answers, kappa=kappa.value, kappa_ci=kappa.ci),
        switch_prices=tested_switches(runs, loss=grid.mean),
        control=compare_control(runs, metric=metric, tested=tested, confidence=confidence),
        excluded=runs.excluded,
        shape=Curve(float((runs.r**2 / 2).mean()), grid, fits),
    )


def _cost(blocks: Cost | str | None, channels: int | None) -> Cost | None:
    if blocks is not None and channels is not None:
        raise TableError("give either `blocks` or `channels`, not both.")
    if channels is not None:
        return Cost((channels,))
    return parse_blocks(blocks) if isinstance(blocks, str) else blocks


def _widest(cost: Cost | None, c2: float) -> float:
    """The ratio at which every block has one hidden unit; where only C2 is known, that of one block."""
    return c2 / sum(cost.channels) if cost is not None else math.sqrt(c2)


def _answer(
    price: Price | None, theory: Priced, answers: Answers, *, lam_c2: float | None
) -> Answer:
    if price is None:
        return Answer()
    if price.fixes_ratio:
        return Answer("given" if theory.r_star is not None else None, theory.r_star)
    assert lam_c2 is not None
    return answers.at(lam_c2, theory)


def _flags(
    runs: RatioRuns, kappa: Kappa, status: Status, lof: LackOfFit, answer: Answer,
    smaller: ReductionFit | None, grid: Reduced,
) -> tuple[str, ...]:  # fmt: skip
    """What a reader has to know of the fit, each once."""
    flags = [*runs.flags]
    if kappa.interval == "classical":
        flags.append("knows_no_seeds")
    if not lof.testable:
        flags.append("lack_of_fit_untestable")
    elif lof.p < 0.05:
        flags.append("lack_of_fit")
    if grid.df > 0 and is_skewed(grid.residuals):
        flags.append("skewed_noise")
    tested = runs.levels
    r_star = answer.r_star
    if r_star is not None and not tested[0] <= r_star <= tested[-1]:
        flags.append("extrapolated")
    identified = status in ("ok", "single_seed", "decreasing")
    if identified and smaller is not None and _differs_without_largest(kappa, smaller):
        flags.append("rmax_dependent")
    return tuple(dict.fromkeys(flags))


def _differs_without_largest(kappa: Kappa, smaller: ReductionFit) -> bool:
    """Whether the smaller ratios contradict kappa: it lies outside their own interval."""
    low, high = smaller.kappa_ci
    # Without noise the intervals have no width, and rounding alone would set them apart.
    near = ROUNDING * max(map(abs, (kappa.value, *smaller.kappa_ci)))
    return kappa.value < low - near or kappa.value > high + near


def _tested_frame(tested: Tested, runs: RatioRuns, leverage: dict[float, float]) -> pd.DataFrame:
    frame = tested.frame
    nominal = pd.Series(runs.nominal).groupby(runs.r).first()
    frame.insert(1, "nominal", nominal.reindex(frame["r"]).to_numpy())
    frame.insert(2, "n", [int(np.sum(runs.r == r)) for r in frame["r"]])
    frame["params"] = 2 * runs.c2_eff / frame["r"] if runs.c2_eff is not None else math.nan
    frame["leverage"] = [leverage[float(r)] for r in frame["r"]]
    return frame


def _icc(runs: RatioRuns, grid: Reduced) -> float:
    if not runs.blocked or grid.groups < 2 or grid.df < 1:
        return math.nan
    away = runs.loss - grid.mean[np.searchsorted(grid.r, runs.r)]
    return icc(away, runs.seeds, sigma2=grid.sigma2)
