"""What several widths say about the scaling law of r*: numbers, their intervals, a status, and the words."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.plain import pair, plain, records
from plain_files.numbers import as_given, p_words
from plain_files.shown import in_html, in_line

Status = Literal["ok", "not_identified", "decreasing"]


@dataclass(frozen=True)
class WidthFit:
    """The answer of several widths."""

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

    def __repr__(self) -> str:
        """In a line: the first sentence."""
        return in_line("WidthFit", *self.sentences()[:1])

    def _repr_html_(self) -> str:
        rows = self.widths.itertuples(index=False)
        return in_html(
            "r* against the width",
            self.sentences(),
            head=[str(name) for name in self.widths],
            rows=rows,
        )

    def sentences(self) -> list[str]:
        """The verdict in plain words."""
        lines = self._slope() if self.status == "ok" else [self._no_slope()]
        word = "differs between" if self.p_constant < 0.05 else "was not seen to differ between"
        return [*lines, f"kappa {word} widths ({p_words(self.p_constant)})."]

    def _slope(self) -> list[str]:
        low, high = self.slope_ci
        lines = [
            f"log r* rises with log C with slope {self.slope:.2f} [{low:.2f}, {high:.2f}] over "
            f"{len(self.widths)} widths and the ratios {', '.join(as_given(r) for r in self.ratios)}."
        ]
        for name, p in (("2/3 (the theory)", self.p_theory), ("4/3 (its rival)", self.p_rival)):
            lines.append(
                f"Slope {name} is {'rejected' if p < 0.05 else 'not rejected'} ({p_words(p)})."
            )
        if np.isfinite(self.p_power_law) and self.p_power_law < 0.05:
            lines.append(
                f"No power of C describes kappa ({p_words(self.p_power_law)}): the slope is not to be used."
            )
        return lines

    def _no_slope(self) -> str:
        below = self.widths[self.widths["kappa"] <= 0]
        if len(below) == len(self.widths):
            return "kappa is not above 0 at any width: there is no r*, so no slope."
        if self.status == "decreasing":
            where = ", ".join(as_given(c) for c in below["channels"])
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
