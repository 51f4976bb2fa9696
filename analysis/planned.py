"""Comparisons that are written down before the runs, and what became of them.

    metric: val_loss
    alpha: 0.05
    seeds: 5
    comparisons:
      - {factor: attention.gate, levels: [sigmoid, one_plus_tanh], direction: two-sided, margin: 0.005}
    adding_seeds: {plan: alpha_spending, looks: [5, 10], spending: obrien_fleming}

The first of two levels is the reference. Seeds beyond `seeds` count only as `adding_seeds` says: under
`alpha_spending` at the declared looks, under `confirm` the runs of stage `confirm` alone decide, under
`none` (the default) they do not count. Everything else is exploratory.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.cells import cells_of, short
from analysis.contrasts import matched_pairs
from analysis.equivalence import tost, verdicts
from analysis.errors import TableError
from analysis.estimation import blocks_for, estimate, t_bounds
from analysis.multiplicity import holm
from analysis.plain import records
from analysis.seed_blocks import two_sided, unequal_noise
from analysis.spending import nominal_levels, repeated_p
from analysis.table import RunsTable

TOP = {"metric", "alpha", "seeds", "comparisons", "adding_seeds", "margin", "direction"}
EACH = {"factor", "levels", "metric", "direction", "margin", "alpha", "seeds"}
DIRECTIONS = ("two-sided", "lower", "higher")
PLANS = ("none", "alpha_spending", "confirm")


@dataclass(frozen=True)
class Comparisons:
    """A parsed comparisons file."""

    content: dict[str, Any]
    """Plain values with all defaults filled in: what a study stores under `planned`."""
    hash: str
    """Of the content, 64 hexadecimal digits: what a study stores under `planned_hash`."""


@dataclass(frozen=True)
class PlannedReport:
    """The planned comparisons' verdicts, and every departure from the plan."""

    frame: pd.DataFrame
    """`factor, level, against, direction, margin, seeds, estimate, se, df, low, high, p, p_holm,
    p_equivalence, verdict`. Under alpha spending `p_holm` and `p_equivalence` allow for every look."""
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


def load_comparisons(path: Path) -> Comparisons:
    """The comparisons of a YAML file, checked, with defaults filled in.

    Raises:
        TableError: If the file cannot be read or a key or value breaks its rule; names the entry.
    """
    import yaml

    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TableError(f"there is no file {str(path)!r}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not readable YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(loaded, dict):
        raise TableError(f"{path} must hold `comparisons`, but holds a {type(loaded).__name__}.")
    content = parse_comparisons(loaded)
    return Comparisons(content, content_hash(content))


def parse_comparisons(loaded: Mapping[str, Any]) -> dict[str, Any]:
    """The comparisons with defaults filled in.

    Raises:
        TableError: If a key or a value breaks its rule; names the entry.
    """
    _known(loaded, TOP, where="the file")
    entries = loaded.get("comparisons")
    if not isinstance(entries, list) or not entries:
        raise TableError("`comparisons` must be a list with at least one entry.")
    metric = str(loaded.get("metric", "val_loss"))
    general = {
        "metric": metric,
        "alpha": loaded.get("alpha", 0.05),
        "seeds": loaded.get("seeds"),
        "direction": loaded.get("direction", "two-sided"),
        "margin": loaded.get("margin"),
    }
    parsed = [_entry(entry, general, number=i) for i, entry in enumerate(entries, start=1)]
    if any(entry["metric"] != metric for entry in parsed):
        raise TableError("`metric` must be one and the same in a file; write one file per metric.")
    if len({(e["alpha"], e["seeds"]) for e in parsed}) > 1:
        raise TableError(
            "`alpha` and `seeds` must be the same in every entry: they are decided together."
        )
    return {
        "metric": metric,
        "alpha": parsed[0]["alpha"],
        "seeds": parsed[0]["seeds"],
        "comparisons": parsed,
        "adding_seeds": _adding(loaded.get("adding_seeds"), seeds=parsed[0]["seeds"]),
    }


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content's canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
    for word, sign in (("lower", -1.0), ("higher", 1.0)):
        ahead = (frame["direction"] == word).to_numpy()
        p = np.where(ahead, np.where(sign * size > 0, p / 2, 1 - p / 2), p)
    margin = frame["margin"].to_numpy(float, na_value=np.nan)
    equal = np.array([
        float(tost(size[i : i + 1], se[i : i + 1], df[i : i + 1], margin=m)[0]) if m > 0 else np.nan
        for i, m in enumerate(margin)
    ])  # fmt: skip
    bounds = t_bounds(size, se, df, 1 - alpha, "ci")
    seen, seen_equal = p, equal
    if plan["plan"] == "alpha_spending":
        looks, spending = plan["looks"], plan["spending"]
        seen = repeated_p(p, look=look, looks=looks, spending=spending)
        seen_equal = repeated_p(equal, look=look, looks=looks, spending=spending)
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


def _entry(entry: Any, general: Mapping[str, Any], *, number: int) -> dict[str, Any]:
    where = f"comparison {number}"
    if not isinstance(entry, Mapping):
        raise TableError(f"{where} must be a mapping with `factor` and `levels`, but is {entry!r}.")
    _known(entry, EACH, where=where)
    if "factor" not in entry:
        raise TableError(f"{where} lacks `factor`.")
    levels = entry.get("levels")
    if not isinstance(levels, list) or len(levels) < 2:
        raise TableError(
            f"{where}: `levels` must list the reference and at least one more, but is {levels!r}."
        )
    full = {**general, **entry}
    margin, alpha, seeds = full["margin"], full["alpha"], full["seeds"]
    if margin is not None and not (_is_number(margin) and margin > 0):
        raise TableError(f"{where}: `margin > 0` must hold, but got {margin!r}.")
    if not (_is_number(alpha) and 0 < alpha < 0.5):
        raise TableError(f"{where}: `0 < alpha < 0.5` must hold, but got {alpha!r}.")
    if seeds is not None and not (isinstance(seeds, int) and seeds >= 1):
        raise TableError(f"{where}: `seeds >= 1` must hold, but got {seeds!r}.")
    if full["direction"] not in DIRECTIONS:
        raise TableError(
            f"{where}: `direction` must be one of {DIRECTIONS}, but got {full['direction']!r}."
        )
    return {
        "factor": str(entry["factor"]),
        "levels": list(levels),
        "metric": str(full["metric"]),
        "direction": full["direction"],
        "margin": float(margin) if margin is not None else None,
        "alpha": float(alpha),
        "seeds": seeds,
    }


def _adding(given: Any, *, seeds: int | None) -> dict[str, Any]:
    plan = dict(given) if isinstance(given, Mapping) else {"plan": given or "none"}
    _known(plan, {"plan", "looks", "spending"}, where="adding_seeds")
    if plan.get("plan") not in PLANS:
        raise TableError(
            f"`adding_seeds.plan` must be one of {PLANS}, but got {plan.get('plan')!r}."
        )
    if plan["plan"] != "alpha_spending":
        return {"plan": plan["plan"]}
    spending: Any = plan.get("spending", "obrien_fleming")
    if spending not in ("obrien_fleming", "pocock"):
        raise TableError(
            f"`adding_seeds.spending` must be one of ('obrien_fleming', 'pocock'), but got {spending!r}."
        )
    looks = plan.get("looks")
    if not isinstance(looks, list) or not all(isinstance(n, int) for n in looks):
        raise TableError(f"`adding_seeds.looks` must list numbers of seeds, but is {looks!r}.")
    nominal_levels(looks, alpha=0.05, spending=spending)
    if seeds is not None and looks[0] != seeds:
        raise TableError(f"the first look must be at `seeds` = {seeds}, but is at {looks[0]}.")
    return {"plan": "alpha_spending", "looks": looks, "spending": spending}


def _known(given: Mapping[str, Any], allowed: set[str], *, where: str) -> None:
    unknown = sorted(set(map(str, given)) - allowed)
    if unknown:
        raise TableError(
            f"{where} has the unknown key {unknown[0]!r}; it may have {', '.join(sorted(allowed))}."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
