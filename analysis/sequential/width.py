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
from analysis.plain import duration
from analysis.sequential.looks import FIGURES, Values
from analysis.sequential.rule import AnArm, rule_hash
from analysis.sequential.stored import rule_changes, seconds_of, until_of, values_of
from analysis.tables.runs_table import REDUCTION, RunsTable
from analysis.tradeoff.prices.cost import realised_ratio
from plain_files.numbers import interval, number
from plain_files.stopping_rules import RULE, change_sentences

Floats = NDArray[np.float64]
FIRST = 5
WIDER = 1.2
TARGET = 0.3
MOST_SEEDS = 1000
"""Of an answer to how many would do."""


@dataclass(frozen=True, kw_only=True)
class UntilWidth:
    """A study that goes on until the upper 95 % limit of r* lies within a share above it."""

    max_seeds: int
    target_width: float = TARGET
    first_look: int = FIRST

    def __post_init__(self) -> None:
        """Refuse what could not be reached, or is reached before it is looked for."""
        if not 0 < self.target_width < float("inf"):
            raise TableError(f"`target_width > 0` must hold, but got {self.target_width!r}.")
        if self.max_seeds < self.first_look:
            raise TableError(
                f"`max_seeds` must be at least {self.first_look}, the seeds at the first look, but is {self.max_seeds}."
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
    """What a look says: `settled, verdict, says, seeds, kappa, low, high, width`; null where there is none."""
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
    return {
        "settled": bool(settled),
        "verdict": "narrow enough" if settled else "undecided",
        "says": says,
        "seeds": len(y),
        "kappa": _short(kappa),
        "low": _short(low),
        "high": _short(kappa + half),
        "width": _short(width),
    }


def width_sentences(table: RunsTable) -> list[str]:
    """What must be known of the interval of a study that ran until r* was narrow; none of any other."""
    found = _found(table)
    if not found:
        return []
    rule = table.info[RULE]
    return [
        *change_sentences(rule_changes(table)),
        f"This study runs until r* is known to within {rule['target_width']:.0%}. {found['says']}. kappa is "
        f"{number(found['kappa'])} {interval(found['low'], found['high'])}, an interval that is widened by "
        f"{rule['wider'] - 1:.0%} because it is looked at after every seed.",
        *what_is_open(table),
        "Its number of seeds depends on what was seen of kappa alone; verdicts of comparisons are those of one look.",
    ]


def what_is_open(table: RunsTable) -> list[str]:
    """How many seeds would do where r* is not narrow enough; none where it is, or of any other study."""
    found = _found(table)
    if not found or found["settled"]:
        return []
    return [_what_it_takes(table.info[RULE], found, seconds_of(table))]


def _found(table: RunsTable) -> dict[str, Any]:
    """How well r* is known from the whole seeds; empty where nothing tells it, or of any other study."""
    if until_of(table) != "width" or table.info[RULE].get("metric") != table.metric:
        return {}
    rule = table.info[RULE]
    try:
        ratios = [float(r) for r in rule["ratios"].values()]
        float(rule["target_width"]), float(rule["wider"]), float(rule["first_look"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TableError(
            "the rule for when this study stops (`until` in study.json) is damaged. Restore it from a copy."
        ) from None
    if len(set(ratios)) < 2:
        return {}
    values = values_of(table)
    seeds = min(len(values.get(arm, ())) for arm in rule["ratios"])
    if seeds < 2:
        return {}
    found = width_at(rule, {arm: values[arm][:seeds] for arm in rule["ratios"]})
    return {} if found["kappa"] is None else found


def seeds_for_width(
    rule: Mapping[str, Any], found: Mapping[str, Any]
) -> tuple[float, float, float]:
    """Whole seeds at which the interval is narrow enough, if kappa and its noise are as estimated, and the middle 80 %.

    Infinity where kappa would have to be larger; NaN where the slopes of the seeds do not differ.
    """
    n, kappa, reach = int(found["seeds"]), found["kappa"], found["high"] - found["kappa"]
    if not reach > 0:
        return float("nan"), float("nan"), float("nan")
    sd = reach * np.sqrt(n) / float(rule["wider"]) / float(stats.t.ppf(0.975, n - 1))
    grid = (np.arange(12) + 0.5) / 12
    other, away = np.meshgrid(np.sqrt((n - 1) / stats.chi2.isf(grid, n - 1)), stats.norm.ppf(grid))
    drawn = _wanted(kappa + away * other * sd / np.sqrt(n), other * sd, rule)
    # An order statistic, since between a number and infinity lies nothing.
    low, high = np.quantile(drawn, [0.1, 0.9], method="nearest")
    return float(_wanted(np.array(kappa), np.array(sd), rule)), float(low), float(high)


def _wanted(kappa: Floats, sd: Floats, rule: Mapping[str, Any]) -> Floats:
    """Seeds at which the widened interval leaves out no more than the width allows."""
    reach = (1 - (1 + float(rule["target_width"])) ** -3) * kappa
    with np.errstate(divide="ignore"):
        ratio = np.where(reach > 0, float(rule["wider"]) * sd / np.maximum(reach, 1e-300), np.inf)
    first = float(rule["first_look"])
    seeds = np.full(ratio.shape, first)
    for _ in range(8):
        seeds = np.maximum((stats.t.ppf(0.975, seeds - 1) * ratio) ** 2, first)
    return np.asarray(np.where(seeds > MOST_SEEDS, np.inf, np.ceil(seeds)))


def _what_it_takes(
    rule: Mapping[str, Any], found: Mapping[str, Any], seconds: Mapping[str, float]
) -> str:
    """How many seeds would do, and how long they take, in words."""
    expected, low, high = seeds_for_width(rule, found)
    if np.isnan(expected):
        return "The slopes of its seeds do not differ, so that nothing tells how many would do."
    if not np.isfinite(expected):
        return (
            f"With kappa and its noise as estimated, more than {MOST_SEEDS} whole seeds would be needed: give a wider "
            "--target-width, or more and larger ratios."
        )
    each = [seconds.get(arm, np.nan) for arm in rule["ratios"]]
    time = f", {duration(expected * sum(each))} of training" if np.isfinite(each).all() else ""
    ends = f"between {low:.0f} and {high:.0f}" if np.isfinite(high) else f"{low:.0f} or more"
    return (
        f"With kappa and its noise as estimated, about {expected:.0f} whole seeds would do ({ends} with 80 %{time}): "
        f"another study with more than --max-seeds {expected:.0f}, or a wider --target-width."
    )


def _ratio(arm: AnArm) -> float | None:
    """The realised ratio of an arm; None where it has none."""
    nominal = arm.factors.get(REDUCTION)
    if nominal is None:
        return None
    channels, hidden = arm.cost.get("channels"), arm.cost.get("hidden")
    return float(realised_ratio(channels, hidden)) if channels and hidden else float(nominal)


def _short(value: float) -> float | None:
    return float(f"{value:.{FIGURES}g}") if np.isfinite(value) else None
