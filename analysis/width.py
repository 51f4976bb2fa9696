"""How r* grows with the width of the network, and whether the theory's exponent holds.

    kappa(C) = kappa0 (C / C0)^-gamma       r* ~ C^((2 + gamma) / 3)

gamma = 0 is the theory (slope 2/3). gamma = 2, slope 4/3, is its rival: the loss depends on the bottleneck's
width C/r only. kappa is estimated per width (negative values allowed, so nothing is logged), the power
law by joint least squares, gamma's interval by the profile F test. Where kappa is not above 0 there is no r*,
so then there is no slope either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.cost import Cost
from analysis.cr2 import centred
from analysis.errors import TableError
from analysis.plain import pair, plain, records
from analysis.price import Price, best_ratio
from analysis.ratios import RatioRuns, ratio_runs
from analysis.runs_table import RunsTable

Floats = NDArray[np.float64]
Status = Literal["ok", "not_identified", "decreasing"]
NO_INTERVAL = (float("nan"), float("nan"))
UNBOUNDED = (-float("inf"), float("inf"))
WIDTH = "backbone.width"
GAMMAS = np.arange(-10.0, 12.0001, 0.002)


@dataclass(frozen=True)
class WidthFit:
    """What several widths say about the scaling law."""

    widths: pd.DataFrame
    """Per width: `channels` (root mean square of the blocks'), `c2_eff, seeds, kappa, se, r_star, low,
    high`; r* is NaN without a price and where kappa <= 0, `high` infinite where kappa may be 0."""
    status: Status
    """`ok`; `not_identified`: kappa is not above 0 at the widths' middle; `decreasing`: at one of the widths it
    is below 0. Only `ok` has a slope."""
    gamma: float
    gamma_ci: tuple[float, float]
    """Infinite where the runs do not bound it."""
    slope: float
    """Of log r* against log C: (2 + gamma) / 3; NaN unless `ok`, as gamma and the p of both slopes."""
    slope_ci: tuple[float, float]
    p_theory: float
    """The p of slope 2/3 (gamma = 0) within the power law."""
    p_rival: float
    """The p of slope 4/3 (gamma = 2)."""
    p_power_law: float
    """The p of the F test of the power law itself; NaN with fewer than three widths."""
    p_constant: float
    """The p of the F test that kappa is the same at every width, without any law."""
    df: int
    ratios: list[float]
    confidence: float

    def sentences(self) -> list[str]:
        """The verdict in plain words."""
        lines = self._slope() if self.status == "ok" else [self._no_slope()]
        word = "differs between" if self.p_constant < 0.05 else "was not seen to differ between"
        return [*lines, f"kappa {word} widths (p = {self.p_constant:.2g})."]

    def _slope(self) -> list[str]:
        low, high = self.slope_ci
        lines = [
            f"log r* rises with log C with slope {self.slope:.2f} [{low:.2f}, {high:.2f}] over "
            f"{len(self.widths)} widths and the ratios {', '.join(f'{r:g}' for r in self.ratios)}."
        ]
        for name, p in (("2/3 (the theory)", self.p_theory), ("4/3 (its rival)", self.p_rival)):
            lines.append(
                f"Slope {name} is {'rejected' if p < 0.05 else 'not rejected'} (p = {p:.2g})."
            )
        if np.isfinite(self.p_power_law) and self.p_power_law < 0.05:
            lines.append(
                f"No power of C describes kappa (p = {self.p_power_law:.2g}): the slope is not to be used."
            )
        return lines

    def _no_slope(self) -> str:
        below = self.widths[self.widths["kappa"] <= 0]
        if len(below) == len(self.widths):
            return "kappa is not above 0 at any width: there is no r*, so no slope."
        if self.status == "decreasing":
            where = ", ".join(f"{c:g}" for c in below["channels"])
            return f"kappa is not above 0 at C = {where}: there is no r* there, so no slope."
        return (
            f"kappa may be 0 at these widths ({self.confidence:.0%}): r* is not bounded, so neither is its slope; "
            "run more seeds or a larger ratio."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "widths": records(self.widths),
            "status": self.status,
            "gamma": plain(self.gamma),
            "gamma_ci": [plain(end) for end in self.gamma_ci],
            "slope": plain(self.slope),
            "slope_ci": pair(self.slope_ci),
            "p_theory": plain(self.p_theory),
            "p_rival": plain(self.p_rival),
            "p_power_law": plain(self.p_power_law),
            "p_constant": plain(self.p_constant),
            "df": self.df,
            "ratios": self.ratios,
            "sentences": self.sentences(),
        }


def fit_width(
    tables: Sequence[RunsTable],
    *,
    price: Price | None = None,
    blocks: Sequence[Cost] | None = None,
    confidence: float = 0.95,
) -> WidthFit:
    """The width exponent of r* from one table with several widths, or one table per width.

    Only the ratios that every width has enter: with different ratios the curve's shape would pass for
    an effect of width.

    Raises:
        TableError: If there are fewer than two widths or common ratios, or no seed is repeated.
    """
    parts = [part for table in tables for part in split_by_width(table)]
    costs = list(blocks) if blocks else [None] * len(parts)
    if len(costs) != len(parts):
        raise TableError(
            f"`blocks` must be given for each of the {len(parts)} widths, not {len(costs)}."
        )
    runs = [ratio_runs(t, blocks=b, cluster="seed") for t, b in zip(parts, costs, strict=True)]
    missing = [t.study for t, r in zip(parts, runs, strict=True) if r.c2_eff is None]
    if missing:
        raise TableError(
            f"`c2_eff` is not known for {', '.join(missing)}; add the column `channels` (C of the block, or a "
            "list with one C per block) or `c2_eff` (the sum of C^2 over the blocks) to the table."
        )
    if len({r.c2_eff for r in runs}) < 2:
        raise TableError("at least two widths are needed, but every run has the same `c2_eff`.")
    common = sorted(set.intersection(*(set(np.round(r.nominal, 9)) for r in runs)))
    if len(common) < 2:
        raise TableError("the widths must share at least two ratios; run the same ratios at each.")
    runs = sorted((_only(r, common) for r in runs), key=lambda r: float(r.c2_eff or 0))
    slopes = [seed_slopes(r) for r in runs]
    channels = np.array([_channels(r) for r in runs])
    law = fit_power_law(channels, slopes, confidence=confidence)
    frame = _widths(runs, slopes, channels, price=price, confidence=confidence)
    return replace(law, widths=frame, ratios=[float(r) for r in common])


def split_by_width(table: RunsTable) -> list[RunsTable]:
    """One table per level of `backbone.width`, or per `c2_eff` where there is no such factor."""
    frame = table.frame
    if WIDTH in frame and len(frame[WIDTH].dropna().unique()) > 1:
        return [
            replace(
                table,
                frame=frame[frame[WIDTH] == width],
                factors=[f for f in table.factors if f != WIDTH],
                baseline={k: v for k, v in table.baseline.items() if k != WIDTH},
                study=f"{table.study} at width {width:g}",
            )
            for width in sorted(frame[WIDTH].dropna().unique())
        ]
    sizes = sorted(frame.loc[frame["c2_eff"] > 0, "c2_eff"].unique())
    if len(sizes) < 2:
        return [table]
    return [replace(table, frame=frame[frame["c2_eff"] == size]) for size in sizes]


def seed_slopes(runs: RatioRuns) -> Floats:
    """The slope on r^2/2 of each seed that has at least two ratios.

    Raises:
        TableError: If fewer than two seeds do.
    """
    x = runs.r**2 / 2
    xc, yc = centred(x, runs.seeds), centred(runs.loss, runs.seeds)
    size = np.bincount(runs.seeds, xc**2)
    keep = size > 0
    if not runs.blocked or keep.sum() < 2:
        raise TableError(
            "the width law needs at least two seeds at every width, each with all ratios."
        )
    return np.asarray(np.bincount(runs.seeds, xc * yc)[keep] / size[keep])


def fit_power_law(channels: Floats, slopes: Sequence[Floats], *, confidence: float) -> WidthFit:
    """The power law of kappa in C from the seeds' slopes at each width; noise pooled over widths."""
    kappa = np.array([s.mean() for s in slopes])
    n = np.array([len(s) for s in slopes], dtype=float)
    df = int(np.sum(n - 1))
    variance = float(sum(np.sum((s - s.mean()) ** 2) for s in slopes)) / df
    noise = max(variance, 1e-300)
    log_c = np.log(channels) - np.log(channels).mean()
    misfit = _profile(GAMMAS, log_c, kappa, n) / noise
    best = int(np.argmin(misfit))
    status = _status(float(GAMMAS[best]), log_c, kappa, n, variance, df=df, confidence=confidence)
    rest = len(kappa) - 2
    mean = np.average(kappa, weights=n)
    spread = float(np.sum(n * (kappa - mean) ** 2)) / (len(kappa) - 1) / noise
    none = UNBOUNDED if status == "not_identified" else NO_INTERVAL
    without_slope = WidthFit(
        widths=pd.DataFrame({"channels": channels, "kappa": kappa}),
        status=status,
        gamma=float("nan"),
        gamma_ci=none,
        slope=float("nan"),
        slope_ci=none,
        p_theory=float("nan"),
        p_rival=float("nan"),
        p_power_law=float(stats.f.sf(misfit[best] / rest, rest, df)) if rest > 0 else float("nan"),
        p_constant=float(stats.f.sf(spread, len(kappa) - 1, df)),
        df=df,
        ratios=[],
        confidence=confidence,
    )
    if status != "ok":
        return without_slope
    inside = GAMMAS[misfit - misfit[best] <= stats.f.ppf(confidence, 1, df)]
    low = -np.inf if inside[0] == GAMMAS[0] else float(inside[0])
    high = np.inf if inside[-1] == GAMMAS[-1] else float(inside[-1])

    def p_of(value: float) -> float:
        at = _profile(np.array([value]), log_c, kappa, n)[0] / noise
        return float(stats.f.sf(max(at - misfit[best], 0.0), 1, df))

    gamma = float(GAMMAS[best])
    return replace(
        without_slope,
        gamma=gamma,
        gamma_ci=(low, high),
        slope=(2 + gamma) / 3,
        slope_ci=((2 + low) / 3, (2 + high) / 3),
        p_theory=p_of(0.0),
        p_rival=p_of(2.0),
    )


def _status(
    gamma: float,
    log_c: Floats,
    kappa: Floats,
    n: Floats,
    variance: float,
    *,
    df: int,
    confidence: float,
) -> Status:
    """Whether kappa is above 0: at the widths' middle by the power law, and not below 0 at any width.

    Where kappa at the middle may be 0, every gamma fits and the slope is unbounded.
    """
    sd, tail = np.sqrt(variance), (1 - confidence) / 2
    shape = np.exp(-gamma * log_c)
    size = float(np.sum(n * shape**2))
    middle = float((shape * n) @ kappa) / size
    reach = float(stats.t.isf(tail, df)) * sd / np.sqrt(size)
    # Of several widths without any slope one would soon look as if it fell: Bonferroni.
    each = float(stats.t.isf(tail / len(kappa), df)) * sd / np.sqrt(n)
    if (kappa + each < 0).any():
        return "decreasing"
    return "ok" if middle - reach > 0 else "not_identified"


def _profile(gammas: Floats, log_c: Floats, kappa: Floats, n: Floats) -> Floats:
    """Weighted misfit of kappa0 C^-gamma with the best kappa0, per gamma."""
    shape = np.exp(-gammas[:, None] * log_c)
    level = (shape * n) @ kappa / np.sum(n * shape**2, axis=1)
    return np.asarray(np.sum(n * (kappa - level[:, None] * shape) ** 2, axis=1))


def _only(runs: RatioRuns, common: list[float]) -> RatioRuns:
    keep = np.isin(np.round(runs.nominal, 9), common)
    return replace(
        runs,
        r=runs.r[keep],
        nominal=runs.nominal[keep],
        loss=runs.loss[keep],
        seeds=runs.seeds[keep],
        seed_labels=runs.seed_labels[keep],
    )


def _channels(runs: RatioRuns) -> float:
    count = len(runs.cost.channels) if runs.cost else 1
    return float(np.sqrt((runs.c2_eff or np.nan) / count))


def _widths(
    runs: Sequence[RatioRuns],
    slopes: Sequence[Floats],
    channels: Floats,
    *,
    price: Price | None,
    confidence: float,
) -> pd.DataFrame:
    rows = []
    for run, slope, c in zip(runs, slopes, channels, strict=True):
        kappa, se = float(slope.mean()), float(slope.std(ddof=1) / np.sqrt(len(slope)))
        half = float(stats.t.ppf(0.5 + confidence / 2, len(slope) - 1)) * se
        c2 = float(run.c2_eff or np.nan)
        row = {"channels": float(c), "c2_eff": c2, "seeds": len(slope), "kappa": kappa, "se": se}
        if price is None or price.fixes_ratio:
            rows.append({**row, "r_star": np.nan, "low": np.nan, "high": np.nan})
            continue
        lam = price.lam(kappa=kappa, c2=c2)
        star, low, high = (
            best_ratio(k, lam=lam, c2=c2) for k in (kappa, kappa + half, kappa - half)
        )
        # best_ratio is infinite where kappa <= 0: no r* there, and no lower limit of one.
        star, low = (end if np.isfinite(end) else np.nan for end in (star, low))
        rows.append({**row, "r_star": star, "low": low, "high": np.nan if np.isnan(low) else high})
    return pd.DataFrame(rows)
