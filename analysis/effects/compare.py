"""The same comparison in two studies: two data sets, or two versions of the code."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.contrasts.estimation import t_bounds
from analysis.contrasts.multiplicity import holm
from analysis.contrasts.seed_blocks import two_sided
from analysis.effects.effects import Effects, estimate_effects
from analysis.errors import TableError
from analysis.plain import records
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import interval, p_words, signed
from plain_files.shown import in_html, in_line


@dataclass(frozen=True)
class StudyComparison:
    """Effects of two studies side by side."""

    frame: pd.DataFrame
    """Per comparison that both have: `label, a, a_low, a_high, a_verdict, b, b_low, b_high, b_verdict,
    difference, se, df, low, high, p, p_holm, verdict` (`differs`, `no difference seen` or `not tested`)."""
    names: tuple[str, str]
    only: dict[str, list[str]]
    """Study -> comparisons that only it has."""
    drift: dict[str, tuple[Any, Any]]
    """What differs between the studies' fingerprints: `space`, `code`, `data`, or a package."""
    alpha: float
    baselines: tuple[str, str]
    """The arm that each study's effects are differences to."""
    assumed: dict[str, list[str]]
    """Study -> the factors whose baseline level nobody named, so that the first run's was taken."""

    def __repr__(self) -> str:
        """In a line: the first sentence."""
        return in_line("StudyComparison", *self.sentences()[:1])

    def _repr_html_(self) -> str:
        rows = self.frame.itertuples(index=False)
        return in_html(
            "Two studies", self.sentences(), head=[str(name) for name in self.frame], rows=rows
        )

    def sentences(self) -> list[str]:
        """What agrees, what differs, and what differs between the studies themselves."""
        a, b = self.names
        lines = [
            f"{row['label']}: {signed(row['a'])} in {a}, {signed(row['b'])} in {b}; difference "
            f"{signed(row['difference'])} {interval(row['low'], row['high'])}, {row['verdict']}"
            + (f" (Holm {p_words(row['p_holm'])})." if row["verdict"] == "differs" else ".")
            for row in self.frame.to_dict("records")
        ]
        same = self.baselines[0] == self.baselines[1]
        ends = zip(self.baselines, self.names, strict=True)
        where = (
            self.baselines[0] if same else " and ".join(f"{arm} in {study}" for arm, study in ends)
        )
        lines.append(f"Differences are against the baseline {where}.")
        for study, factors in self.assumed.items():
            if factors:
                lines.append(
                    f"Nobody named the baseline of {study}: its first run's {', '.join(factors)} was taken; "
                    "choose with `--baseline FACTOR=LEVEL`."
                )
        for study, labels in self.only.items():
            if labels:
                lines.append(f"Only in {study}: {', '.join(labels)}.")
        if self.drift:
            lines.append("The studies differ in: " + ", ".join(sorted(self.drift)) + ".")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "studies": list(self.names),
            "baselines": list(self.baselines),
            "baseline_assumed": self.assumed,
            "comparisons": records(self.frame),
            "only": self.only,
            "drift": {name: list(both) for name, both in self.drift.items()},
            "sentences": self.sentences(),
        }


def compare(
    a: RunsTable, b: RunsTable, *, margin: float | None = None, alpha: float = 0.05
) -> StudyComparison:
    """Each comparison of `a` less the same one of `b`, as independent estimates, Holm-adjusted.

    Raises:
        TableError: If the metrics differ, or no comparison is common to both.
    """
    if a.metric != b.metric:
        raise TableError(f"the studies measure different things: `{a.metric}` and `{b.metric}`.")
    first, second = (
        estimate_effects(t, margin=margin, alpha=alpha, calibration_draws=0) for t in (a, b)
    )
    left, right = keyed(first), keyed(second)
    common = [key for key in left.index if key in right.index]
    if not common:
        raise TableError(
            f"{a.study} and {b.study} have no comparison in common: {a.study} is compared with its "
            f"baseline {first.baseline}, {b.study} with {second.baseline}. Tables without a study can be "
            "given one baseline: `--baseline FACTOR=LEVEL`."
        )
    x, y = left.loc[common], right.loc[common]
    va, vb = x["se"].to_numpy(float) ** 2, y["se"].to_numpy(float) ** 2
    da, db = x["df"].to_numpy(float), y["df"].to_numpy(float)
    difference, se = x["estimate"].to_numpy(float) - y["estimate"].to_numpy(float), np.sqrt(va + vb)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (va + vb) ** 2 / (va**2 / da + vb**2 / db)
    p = two_sided(difference, se, df)
    bounds = t_bounds(difference, se, df, 1 - alpha, "ci")
    adjusted = holm(p)
    frame = pd.DataFrame({"label": x["label"].to_numpy()})
    for name, part in (("a", x), ("b", y)):
        frame[name] = part["estimate"].to_numpy()
        frame[f"{name}_low"] = part["ci95_low"].to_numpy()
        frame[f"{name}_high"] = part["ci95_high"].to_numpy()
        frame[f"{name}_verdict"] = part["verdict"].to_numpy()
    frame = frame.assign(
        difference=difference, se=se, df=df, low=bounds["ci_low"], high=bounds["ci_high"], p=p,
        p_holm=adjusted, verdict=np.select(
            [np.isnan(adjusted), adjusted < alpha], ["not tested", "differs"], "no difference seen"
        ),
    )  # fmt: skip
    names = (a.study, b.study) if a.study != b.study else (f"{a.study} (1)", f"{b.study} (2)")
    only = {
        names[0]: [str(left.loc[k, "label"]) for k in left.index if k not in right.index],
        names[1]: [str(right.loc[k, "label"]) for k in right.index if k not in left.index],
    }
    baselines = (first.baseline, second.baseline)
    assumed = {names[0]: first.cells.assumed, names[1]: second.cells.assumed}
    return StudyComparison(frame, names, only, fingerprint_drift(a, b), alpha, baselines, assumed)


def fingerprint_drift(a: RunsTable, b: RunsTable) -> dict[str, tuple[Any, Any]]:
    """What differs between two studies' fingerprints; empty where neither has one."""
    left, right = (_flat(t.info.get("fingerprint") or {}) for t in (a, b))
    keys = sorted({*left, *right})
    return {k: (left.get(k), right.get(k)) for k in keys if left.get(k) != right.get(k)}


def _flat(fingerprint: dict[str, Any]) -> dict[str, Any]:
    plain = {k: v for k, v in fingerprint.items() if not isinstance(v, dict)}
    nested = {
        k: v for part in fingerprint.values() if isinstance(part, dict) for k, v in part.items()
    }
    return {**plain, **nested}


def keyed(result: Effects) -> pd.DataFrame:
    """Factors and controls by what is compared: factor, level and reference; on average, where that depends."""
    frame = result.family[result.family["role"] != "simple"].copy()
    keys = [
        f"{row['factor']}|{row['level']}|{row['against'] if row['factor'] else ''}"
        for row in frame.to_dict("records")
    ]
    return frame.set_axis(keys, axis=0)
