"""What became of the comparisons that were written down before the runs (`analysis.comparisons`).

They alone are planned; everything else that a study shows is exploratory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.cells import cells_of, short
from analysis.comparisons import content_hash
from analysis.contrasts import matched_pairs
from analysis.equivalence import tost, verdicts
from analysis.estimation import blocks_for, estimate, t_bounds
from analysis.multiplicity import holm
from analysis.plain import records
from analysis.runs_table import RunsTable
from analysis.seed_blocks import two_sided, unequal_noise
from analysis.spending import nominal_levels, repeated_p


@dataclass(frozen=True)
class PlannedReport:
    """The planned comparisons' verdicts, and every departure from the plan."""

    frame: pd.DataFrame
    """`factor, level, against, direction, margin, seeds, estimate, se, df, low, high, p, p_holm,
    p_equivalence, verdict`. Under alpha spending `p_holm`, `p_equivalence` and the interval allow for
    every look; `p` is this look's alone."""
    deviations: list[str]
    basis: str
    """Which runs decided: `the first 5 seeds`, `look 2 of 3 (10 seeds)`, `the confirm runs alone`."""

    def sentences(self) -> list[str]:
        """The planned verdicts first, then the deviations."""
        lines = []
        for row in self.frame.to_dict("records"):
            what = f"{row['factor'].rpartition('.')[2]}={short(row['level'])} against {short(row['against'])}"
            lines.append(
                f"Planned: {what}: {row['verdict']} ({row['estimate']:+.3g} [{row['low']:+.3g}, "
                f"{row['high']:+.3g}], {self.basis})."
            )
        return lines + [f"Deviation from the plan: {text}." for text in self.deviations]

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "planned": records(self.frame),
            "deviations": self.deviations,
            "basis": self.basis,
            "sentences": self.sentences(),
        }


def report_planned(table: RunsTable) -> PlannedReport | None:
    """The verdicts of the study's planned comparisons and the deviations; None if nothing was planned."""
    if not table.planned:
        return None
    content = table.planned
    deviations = _deviations(table, content)
    rows, basis, look, more = _deciding(table, content)
    deviations += more
    cells = cells_of(rows)
    noise = unequal_noise(cells.y)
    heads, weights = [], []
    for entry in content["comparisons"]:
        found = _weights(rows, cells, entry)
        if not found:
            deviations.append(
                f"`{entry['factor']}` at {entry['levels']} was planned but has no complete runs"
            )
        for head, weight in found:
            heads.append({**head, "direction": entry["direction"], "margin": entry["margin"]})
            weights.append(weight)
    frame = pd.DataFrame(heads)
    if frame.empty:
        return PlannedReport(frame, deviations, basis)
    stacked = np.stack(weights)
    blocks, _ = blocks_for(cells, stacked)
    made = estimate(cells, blocks, stacked, error="auto", noise=noise)
    frame = frame.assign(seeds=len(cells.seeds), **{k: made[k] for k in ("estimate", "se", "df")})
    return PlannedReport(_decide(frame, content, look=look), deviations, basis)


def _decide(frame: pd.DataFrame, content: Mapping[str, Any], *, look: int) -> pd.DataFrame:
    alpha, plan = float(content["alpha"]), content["adding_seeds"]
    size, se, df = (frame[n].to_numpy(float) for n in ("estimate", "se", "df"))
    p = two_sided(size, se, df)
    one_sided = (frame["direction"] != "two-sided").to_numpy()
    expected = np.where(frame["direction"] == "lower", -1.0, 1.0)
    p = np.where(one_sided, np.where(expected * size > 0, p / 2, 1 - p / 2), p)
    margin = frame["margin"].to_numpy(float, na_value=np.nan)
    equal = np.array([
        float(tost(size[i : i + 1], se[i : i + 1], df[i : i + 1], margin=m)[0]) if m > 0 else np.nan
        for i, m in enumerate(margin)
    ])  # fmt: skip
    seen, seen_equal, level = p, equal, alpha
    if plan["plan"] == "alpha_spending":
        declared = {"looks": plan["looks"], "spending": plan["spending"]}
        seen = np.where(
            one_sided,
            repeated_p(p, look=look, sides=1, **declared),
            repeated_p(p, look=look, **declared),
        )
        seen_equal = repeated_p(equal, look=look, sides=1, **declared)
        # Repeated confidence intervals: those of all looks hold together (Jennison and Turnbull 1989).
        level = nominal_levels(alpha=alpha, **declared)[look - 1]
    bounds = t_bounds(size, se, df, 1 - level, "ci")
    adjusted, adjusted_equal = holm(seen), holm(seen_equal)
    return frame.assign(
        low=bounds["ci_low"],
        high=bounds["ci_high"],
        p=p,
        p_holm=adjusted,
        p_equivalence=adjusted_equal,
        verdict=verdicts(adjusted, adjusted_equal, alpha=alpha),
    )


def _weights(
    rows: RunsTable, cells: Any, entry: Mapping[str, Any]
) -> list[tuple[dict[str, Any], Any]]:
    """Contrasts of an entry's levels with its first level, over the backgrounds that have both."""
    factor = next((f for f in cells.factors if entry["factor"] in (f, f.rpartition(".")[2])), None)
    if factor is None:
        return []
    reference, *levels = entry["levels"]
    values = cells.values[factor]
    at = {_key(v): v for v in values.unique()}
    if _key(reference) not in at:
        return []
    first = next(i for i, v in enumerate(values) if _key(v) == _key(reference))
    start = cells.baseline if _key(values.iloc[cells.baseline]) == _key(reference) else first
    pairs = matched_pairs(replace(cells, baseline=start), factor)
    found = []
    for level in levels:
        both = pairs.get(at.get(_key(level)), [])
        if both:
            weight = np.zeros(len(cells.labels))
            for high, low in both:
                weight[high] += 1 / len(both)
                weight[low] -= 1 / len(both)
            found.append(({"factor": factor, "level": level, "against": reference}, weight))
    return found


def _key(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _deciding(
    table: RunsTable, content: Mapping[str, Any]
) -> tuple[RunsTable, str, int, list[str]]:
    """The runs that decide, how they are called, which look it is, and deviations found here."""
    plan = content["adding_seeds"]
    frame, planned = table.frame, content["seeds"]
    confirm = frame["stage"] == "confirm"
    if plan["plan"] == "confirm" and confirm.any():
        return replace(table, frame=frame[confirm]), "the confirm runs alone", 1, []
    frame = frame[~confirm] if confirm.any() else frame
    seeds = sorted(frame["seed"].dropna().unique())
    have = _whole_seeds(replace(table, frame=frame))
    if plan["plan"] == "alpha_spending":
        looks = [int(n) for n in plan["looks"]]
        reached = [n for n in looks if have >= n]
        k = max(len(reached), 1)
        late = [f"{have} seeds are in, but no look was declared there; the first {looks[k - 1]} decide"] \
            if have > looks[k - 1] else []  # fmt: skip
        kept = frame[frame["seed"].isin(seeds[: looks[k - 1]])]
        name = f"look {k} of {len(looks)} ({looks[k - 1]} seeds)"
        return replace(table, frame=kept), name, k, late
    if planned and len(seeds) > planned:
        kept = frame[frame["seed"].isin(seeds[:planned])]
        text = f"{len(seeds) - planned} seeds were added without a declared plan; they do not count here"
        return replace(table, frame=kept), f"the first {planned} seeds", 1, [text]
    return replace(table, frame=frame), f"{len(seeds)} seeds", 1, []


def _whole_seeds(table: RunsTable) -> int:
    """Seeds with every arm complete."""
    rows = table.complete()
    per_seed = rows.groupby("seed")["arm"].nunique()
    return int((per_seed == per_seed.max()).sum())


def _deviations(table: RunsTable, content: Mapping[str, Any]) -> list[str]:
    found = []
    if table.planned_hash and content_hash(content) != table.planned_hash:
        found.append(
            "the stored comparisons do not match their hash: they were changed after the start"
        )
    if content["metric"] != table.metric:
        found.append(f"{content['metric']} was planned, but {table.metric} was analysed")
    planned = content["seeds"]
    here = len(table.frame["seed"].dropna().unique())
    if planned and here < planned:
        found.append(f"{planned} seeds were planned, but {here} were run")
    for reason, count in table.excluded.items():
        if not reason.startswith(("state WAITING", "state RUNNING")):
            found.append(f"{count} runs do not count ({reason})")
    return found
