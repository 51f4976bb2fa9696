"""What became of the comparisons that were written down before the runs (`analysis.planned.comparisons`).

They alone are planned; everything else that a study shows is exploratory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.contrasts.cells import assigned, cells_of
from analysis.contrasts.contrasts import differences, matched_pairs
from analysis.contrasts.equivalence import tost, verdicts
from analysis.contrasts.estimation import Estimates, estimate, t_bounds
from analysis.contrasts.multiplicity import holm
from analysis.contrasts.seed_blocks import two_sided
from analysis.plain import records
from analysis.planned.comparisons import content_hash, level_key
from analysis.planned.spending import nominal_levels, repeated_p
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import as_given, interval, signed
from plain_files.shown import in_html, in_line


@dataclass(frozen=True)
class PlannedReport:
    """The planned comparisons' verdicts, and every departure from the plan."""

    frame: pd.DataFrame
    """`factor, level, against, direction, margin, seeds, estimate, se, df, low, high, p, p_adjusted,
    p_equivalence, verdict`. Under alpha spending `p_adjusted`, `p_equivalence` and the interval allow for
    every look; `p` is this look's alone."""
    deviations: list[str]
    basis: str
    """Which runs decided: `the first 5 seeds`, `look 2 of 3 (10 seeds)`, `the confirm runs alone`."""
    pending: str = ""
    """Why there is no planned verdict yet; empty where there is one."""

    def __repr__(self) -> str:
        """In a line: the first sentence."""
        return in_line("PlannedReport", *self.sentences()[:1])

    def _repr_html_(self) -> str:
        rows = self.frame.itertuples(index=False)
        return in_html(
            "Planned comparisons",
            self.sentences(),
            head=[str(name) for name in self.frame],
            rows=rows,
        )

    def sentences(self) -> list[str]:
        """The planned verdicts first, then the deviations."""
        lines = [f"Planned: no verdict yet: {self.pending}."] if self.pending else []
        for row in self.frame.to_dict("records"):
            lines.append(
                f"Planned: {comparison(row)}: {_verdict(row)} ({signed(row['estimate'])}{_band(row)}, {self.basis})."
            )
        return lines + [f"Deviation from the plan: {text}." for text in self.deviations]

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "planned": records(self.frame),
            "deviations": self.deviations,
            "basis": self.basis,
            "pending": self.pending,
            "sentences": self.sentences(),
        }


def comparison(row: Mapping[Any, Any]) -> str:
    """What a row of the frame compares: `gate=one_plus_tanh against sigmoid`."""
    return f"{assigned(row['factor'], row['level'])} against {as_given(row['against'])}"


def report_planned(table: RunsTable) -> PlannedReport | None:
    """The verdicts of the study's planned comparisons and the deviations; None if nothing was planned."""
    if not table.planned:
        return None
    content = table.planned
    runs = _deciding(table, content)
    rows, basis = runs.table, runs.basis
    deviations = [*_deviations(table, content, pending=bool(runs.pending)), *runs.deviations]
    if runs.pending:
        return PlannedReport(pd.DataFrame(), deviations, basis, runs.pending)
    cells = cells_of(rows)
    heads, units = [], []
    for entry in content["comparisons"]:
        found = _weights(rows, cells, entry)
        if not found:
            deviations.append(
                f"`{entry['factor']}` at {entry['levels']} was planned but has no complete runs"
            )
        for head, unit in found:
            heads.append({**head, "direction": entry["direction"], "margin": entry["margin"]})
            units.append(unit)
    frame = pd.DataFrame(heads)
    if frame.empty:
        return PlannedReport(frame, deviations, basis)
    made = estimate(cells.y, units)
    frame = frame.assign(seeds=len(cells.seeds), estimate=made.estimate, se=made.se, df=made.df)
    return PlannedReport(_decide(frame, made, content, look=runs.look), deviations, basis)


def _decide(
    frame: pd.DataFrame, made: Estimates, content: Mapping[str, Any], *, look: int
) -> pd.DataFrame:
    """The verdicts, all together; by the joint law where there is one look and no direction, otherwise by Holm."""
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
    # Neither repeated p values nor those of one direction have the joint law of |t|. Nor have equivalence tests: an
    # effect may lie on either margin, and a law for all of these is worth less than Holm's steps (docs/statistics.md).
    joint = plan["plan"] != "alpha_spending" and not one_sided.any()
    adjusted, adjusted_equal = made.stepwise(p) if joint else holm(seen), holm(seen_equal)
    return frame.assign(
        low=bounds["ci_low"],
        high=bounds["ci_high"],
        p=p,
        p_adjusted=adjusted,
        p_equivalence=adjusted_equal,
        verdict=verdicts(size, adjusted, adjusted_equal, margin=margin, alpha=alpha),
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
    at = {level_key(v): v for v in values.unique()}
    if level_key(reference) not in at:
        return []
    first = next(i for i, v in enumerate(values) if level_key(v) == level_key(reference))
    start = (
        cells.baseline if level_key(values.iloc[cells.baseline]) == level_key(reference) else first
    )
    pairs = matched_pairs(replace(cells, baseline=start), factor)
    found = []
    for level in levels:
        both = pairs.get(at.get(level_key(level)), [])
        if both:
            head = {"factor": factor, "level": level, "against": reference}
            found.append((head, differences(both, cells)))
    return found


@dataclass(frozen=True)
class _Deciding:
    """The runs that decide, how they are called, which look it is, and what was found on the way."""

    table: RunsTable
    basis: str
    look: int = 1
    deviations: tuple[str, ...] = ()
    pending: str = ""


def _deciding(table: RunsTable, content: Mapping[str, Any]) -> _Deciding:
    plan, confirm = content["adding_seeds"], table.frame["stage"] == "confirm"
    if plan["plan"] == "confirm" and confirm.any():
        return _Deciding(replace(table, frame=table.frame[confirm]), "the confirm runs alone")
    table = replace(table, frame=table.frame[~confirm])
    if plan["plan"] == "alpha_spending":
        return _at_look(table, [int(n) for n in plan["looks"]])
    return _planned_seeds(table, content["seeds"])


def _at_look(table: RunsTable, looks: list[int]) -> _Deciding:
    """The first whole seeds, as many as the latest look that they reach."""
    whole = _whole_seeds(table)
    have, reached = len(whole), [n for n in looks if len(whole) >= n]
    if not reached:
        short = (
            f"look 1 of {len(looks)} is at {_seeds(looks[0])} with every arm complete, {looks[0] - have} "
            f"more than the {have} that are in"
        )
        return _Deciding(table, "no look was reached", pending=short)
    at, k = reached[-1], len(reached)
    late = f"{have} seeds are in, but no look was declared there; the first {at} decide"
    return _Deciding(
        _of_seeds(table, whole[:at]),
        f"look {k} of {len(looks)} ({_seeds(at)})",
        look=k,
        deviations=(late,) if have > at else (),
    )


def _planned_seeds(table: RunsTable, planned: int | None) -> _Deciding:
    """The seeds of the plan, whether all their arms are complete or not; none takes another's place."""
    order = _in_order(table)
    if planned is None:
        # All seeds were planned: those that the study was started with.
        order = sorted(order, key=lambda seed: seed in table.added_seeds)
        planned = len(order) - len(table.added_seeds)
    if planned and len(order) > planned:
        kept = _of_seeds(table, order[:planned])
        text = f"{_seeds(len(order) - planned)} were added without a declared plan; they do not count here"
        first = f"the first {_seeds(planned)}" if planned > 1 else "the first seed"
        return _Deciding(kept, first, deviations=(text,))
    return _Deciding(table, _seeds(table.complete()["seed"].nunique()))


def _of_seeds(table: RunsTable, seeds: list[float]) -> RunsTable:
    return replace(table, frame=table.frame[table.frame["seed"].isin(seeds)])


def _in_order(table: RunsTable) -> list[float]:
    """The seeds in the order of the plan: as the study lists them, then as the table first has them."""
    listed = table.info.get("seeds")
    there = dict.fromkeys(table.frame["seed"].dropna())
    first = [float(s) for s in listed if s in there] if isinstance(listed, list) else []
    return list(dict.fromkeys([*first, *there]))


def _whole_seeds(table: RunsTable) -> list[float]:
    """The seeds with every arm complete, in the order of the plan."""
    cells = cells_of(table)
    whole = set(cells.seeds[~np.isnan(cells.y).any(axis=1)].tolist())
    return [seed for seed in _in_order(table) if seed in whole]


def _seeds(count: int) -> str:
    return f"{count} seed" if count == 1 else f"{count} seeds"


def _verdict(row: Mapping[Any, Any]) -> str:
    words = {"untested": "no verdict", "differs": "differs from zero, by less than the margin"}
    return words.get(row["verdict"], str(row["verdict"]))


def _band(row: Mapping[Any, Any]) -> str:
    if np.isnan(row["low"]):
        return " without an interval"
    return f" {interval(row['low'], row['high'])}"


def _deviations(table: RunsTable, content: Mapping[str, Any], *, pending: bool) -> list[str]:
    found = []
    if table.planned_hash and content_hash(content) != table.planned_hash:
        found.append(
            "the stored comparisons do not match their hash: they were changed after the start"
        )
    if content["metric"] != table.metric:
        found.append(f"{content['metric']} was planned, but {table.metric} was analysed")
    planned = content["seeds"]
    here = len(table.frame["seed"].dropna().unique())
    if planned and here < planned and not pending:
        found.append(f"{planned} seeds were planned, but {here} were run")
    for reason, count in table.excluded.items():
        if not reason.startswith(("state WAITING", "state RUNNING")):
            found.append(f"{count} run{' does' if count == 1 else 's do'} not count ({reason})")
    return found
