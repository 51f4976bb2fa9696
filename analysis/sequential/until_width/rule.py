"""A study that runs until r* is known to within a width: fixed-width sampling, with an interval that still holds there.

r* = (lam C2 / kappa)^(1/3) at any price, so that its relative width is that of kappa alone. Each whole seed
gives a slope of the loss on r^2/2; their mean is kappa. A t interval that is looked at after every seed until
it is narrow holds less often than it says, since it is narrow where kappa came out large (down to 89 % of 95
with a first look at 3 seeds). Widened by `WIDER`, with the first look at `FIRST`, it holds in at least 95 %
(`python benchmarks/sequential_errors.py --table width`), and the study stops by the widened one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.errors import TableError
from analysis.sequential.looks import FIGURES, Values
from analysis.sequential.rule import AnArm, rule_hash
from analysis.sequential.until_width.seeds import in_words, seeds_for_width
from analysis.tables.runs_table import REDUCTION
from analysis.tradeoff.prices.cost import realised_ratio

Floats = NDArray[np.float64]
FIRST = 5
WIDER = 1.2
TARGET = 0.3


@dataclass(frozen=True, kw_only=True)
class UntilWidth:
    """A study that goes on until the upper 95 % limit of r* lies within a share above it."""

    max_seeds: int
    target_width: float = TARGET
    first_look: int = FIRST

    def __post_init__(self) -> None:
        """Refuse what could not be reached, or is reached before it is looked for."""
        if not 0 < self.target_width < float("inf"):
            raise TableError(
                f"`target_width > 0` must hold, but got {self.target_width!r}: every interval has a width. "
                "0.3 stands for an upper limit 30 % above r*."
            )
        if self.max_seeds < self.first_look:
            raise TableError(
                f"`max_seeds` must be at least {self.first_look}, the seeds at the first look, but is "
                f"{self.max_seeds}. Allow more seeds: `ablate plan SPACE --until width` says how many."
            )

    def declared(self, arms: Sequence[AnArm], *, metric: str, direction: str) -> dict[str, Any]:
        """What is written down before the first run.

        Raises:
            TableError: If the arms have fewer than two ratios, or the metric is to be made large.
        """
        if direction != "minimize":
            raise TableError(
                f"r* is fitted to a loss or an error, but {metric} is to be made large. Run without --until width."
            )
        ratios = {arm.id: _ratio(arm) for arm in arms}
        known = {arm: r for arm, r in ratios.items() if r is not None}
        if len(set(known.values())) < 2:
            raise TableError(
                "r* needs arms with at least two reduction ratios, but the space has fewer. Vary "
                f"{REDUCTION}, or run with --until decided."
            )
        content = {
            "until": "width",
            "metric": metric,
            "direction": direction,
            "target_width": self.target_width,
            "first_look": self.first_look,
            "max_seeds": self.max_seeds,
            "wider": WIDER,
            "baseline": arms[0].id,
            "ratios": known,
        }
        return {**content, "hash": rule_hash(content)}

    def completed(
        self, declared: Mapping[str, Any], stored: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The rule itself: nothing has to be computed for it."""
        del stored
        return dict(declared)

    def decide(self, seen: Any) -> dict[str, dict[str, Any]]:
        """Whether kappa, and so r*, is known well enough: then every arm has its seeds."""
        found = width_at(seen.rule, seen.values)
        return {arm: found for arm in seen.values if arm != seen.rule["baseline"]}


def until_width(
    *, max_seeds: int, target_width: float = TARGET, first_look: int = FIRST
) -> UntilWidth:
    """The rule that ends a study when r* is known to within a width, for `ablations.run(..., until=...)`.

    Args:
        max_seeds: Seeds after which the study ends, however wide r* still is.
        target_width: How far the upper 95 % limit of r* may lie above it, as a share.
        first_look: Seeds at the first look; with fewer than 5 the interval holds less often than it says.

    Raises:
        TableError: If a value breaks its rule.
    """
    return UntilWidth(max_seeds=max_seeds, target_width=target_width, first_look=first_look)


def width_at(rule: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """What a look says; null where there is no number.

    Returns:
        `settled, verdict, says, seeds, kappa, low, high, width`; and while r* is not narrow enough `progress`, what is
        said at the look, and `seeds_expected, seeds_low, seeds_high` (`until_width.seeds.seeds_for_width`).
    """
    arms, ratios = list(rule["ratios"]), np.array(list(rule["ratios"].values()), dtype=float)
    rows = zip(*(values[arm] for arm in arms), strict=True)
    y = np.array([row for row in rows if None not in row], dtype=float)
    # Scaled by the largest, as the fit does: r^2 of 64 and losses of 0.01 would lose digits.
    x = (ratios / ratios.max()) ** 2 / 2
    x = x - x.mean()
    kappa, half = float("nan"), float("nan")
    if len(y) > 1:
        slopes = (y * x).sum(axis=1) / (x * x).sum() / ratios.max() ** 2
        kappa = float(slopes.mean())
        t = float(stats.t.ppf(0.975, len(y) - 1))
        half = rule["wider"] * t * float(slopes.std(ddof=1)) / np.sqrt(len(y))
    low = kappa - half
    width = float((kappa / low) ** (1 / 3) - 1) if low > 0 else float("inf")
    settled = width <= rule["target_width"]
    many = f"after {len(y)} whole seeds"
    wanted = f"{rule['target_width']:.0%}"
    says = (
        f"r*: its upper 95 % limit lies {width:.0%} above it {many} (wanted: {wanted})"
        if np.isfinite(width)
        else f"r*: no upper limit yet {many} (wanted: within {wanted})"
    )
    found = {
        "settled": bool(settled),
        "verdict": "narrow enough" if settled else "undecided",
        "says": says,
        "seeds": len(y),
        "kappa": _short(kappa),
        "low": _short(low),
        "high": _short(kappa + half),
        "width": _short(width),
    }
    return found if settled or found["kappa"] is None else {**found, **_to_come(rule, found)}


def _to_come(rule: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """How many seeds would do, as it is said while the study runs."""
    seeds = seeds_for_width(rule, found)
    rises = found["kappa"] > 0
    words = in_words(seeds) if rises else "the loss does not rise with the ratio so far"
    names = ("seeds_expected", "seeds_low", "seeds_high")
    return {
        "progress": f"{found['says']}; {words}",
        **{name: _short(value) for name, value in zip(names, seeds, strict=True)},
    }


def _ratio(arm: AnArm) -> float | None:
    """The realised ratio of an arm; None where it has none."""
    nominal = arm.factors.get(REDUCTION)
    if nominal is None:
        return None
    channels, hidden = arm.cost.get("channels"), arm.cost.get("hidden")
    return float(realised_ratio(channels, hidden)) if channels and hidden else float(nominal)


def _short(value: float) -> float | None:
    return float(f"{value:.{FIGURES}g}") if np.isfinite(value) else None
