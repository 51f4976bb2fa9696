"""What became of a study that ran until decided: verdicts, intervals that hold where it stopped, and its cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.plain import records
from analysis.sequential.adjusting import adjusted_estimates, margin_of
from analysis.sequential.estimates import repeated_interval
from analysis.sequential.expected import Expected, expected
from analysis.sequential.looks import Look, replay
from analysis.sequential.skewness import said_of_skewness, skewness_p
from analysis.sequential.still_open import seeds_to_settle, together
from analysis.sequential.stored import (
    damage_of,
    is_stopped_by_rule,
    rule_changes,
    seconds_of,
    stored_rule,
    values_of,
)
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import as_given, interval, signed
from plain_files.stopping_rules import (
    NUMBERS,
    change_sentences,
    is_exploratory,
    rule_of_look,
    why_exploratory,
)


@dataclass(frozen=True)
class Stopped:
    """A study's comparisons as its rule settled them."""

    frame: pd.DataFrame
    """A row per comparison: `arm, label, margin, verdict, look` (seeds at which it was settled, or the last
    look), `pairs,
    lost` (seeds that one side alone lost), `estimate, se, df, low, high` (95 %, if alpha is 5 %, at every
    look), `sim_low, sim_high` (so for all comparisons together), `adjusted, t, bound, room, bound_small`; and of
    what is open `seeds_expected, seeds_low, seeds_high, seeds_most`: what another study would take
    (`analysis.sequential.still_open`), NaN where it is settled; and `exploratory`, why its verdict is, or an empty
    string."""
    looks: pd.DataFrame
    """A row per open comparison and look: `arm, label, seeds, pairs, t, bound, room, bound_small, verdict`."""
    rule: Mapping[str, Any]
    """As it is now."""
    changes: Sequence[Mapping[str, Any]]
    """How it was changed on the way (`plain_files.stopping_rules`)."""
    runs: int
    """Runs that the study has used."""
    seconds: Mapping[str, float]
    """Arm -> mean seconds of a run, as far as they are known."""
    equal: Expected | None
    """A fixed design of equal power, if the effects are as estimated; None before the first look."""
    over: bool
    """Whether the study has come to its end by its rule."""
    skewed: float
    """`analysis.sequential.skewness.skewness_p`."""
    damage: Sequence[str]
    """What is wrong with the rules that are stored, a sentence each."""

    @property
    def holds(self) -> bool:
        """Whether every verdict is by a rule that was written down before the first run."""
        return not (self.damage or self.changes)

    def rule_at(self, seeds: int) -> Mapping[str, Any]:
        """The rule that held at the look at so many seeds."""
        return rule_of_look(self.rule, self.changes, seeds=seeds)

    def sentences(self) -> list[str]:
        """The verdicts, why estimates differ, and what it cost."""
        lines = [*self.damage, *change_sentences(self.changes)]
        for row in self.frame.to_dict("records"):
            lines.append(_sentence(row))
        if self.frame.empty:
            return [*lines, f"No look yet: the first is at {self.rule['first_look']} whole seeds."]
        if (self.frame["adjusted"] - self.frame["estimate"]).abs().max() > 0:
            lines.append(
                "A comparison stops where its mean is far out, so the raw mean is too large when it matters; "
                "the adjusted "
                "one takes that out. Intervals hold at every look at once and are wider than those of one look."
            )
        lines += said_of_skewness(self.frame, self.skewed)
        lines += self.still_open()
        lines.append(self.cost())
        return lines

    def still_open(self) -> list[str]:
        """What would settle each comparison that is open, and how to go about it."""
        if self.frame.empty:
            return []
        rows = self.frame[self.frame["verdict"] == "undecided"].to_dict("records")
        if not rows:
            return []
        lines = [_what_it_takes(row) for row in rows if np.isfinite(row["seeds_expected"])]
        if said := together(rows, self.seconds, str(self.rule["baseline"])):
            lines.append(said)
        if not self.over:
            return [
                *lines,
                f"The same command goes on where seeds are left, to {self.rule['max_seeds']} at most.",
            ]
        return [
            *lines,
            "What this study has seen cannot be counted again: give another one seeds of its own (first_seed of the "
            "space) and the open comparisons alone.",
        ]

    def cost(self) -> str:
        """Runs used, and those that a fixed design of equal power would have used."""
        if self.equal is None:
            return f"Runs used: {self.runs}."
        if not np.isfinite(self.equal.fixed_seeds):
            most = 3 * self.equal.max_seeds
            return (
                f"Runs used: {self.runs}; no fixed design of at most {most} seeds has that power."
            )
        return (
            f"Runs used: {self.runs}; a fixed design of equal power, if the effects are as estimated, would have used "
            f"{round(self.equal.fixed_runs)} ({self.equal.fixed_seeds:.1f} seeds of every arm)."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "rule": _without_numbers(self.rule),
            "rule_changes": [{**one, "was": _without_numbers(one["was"])} for one in self.changes],
            "comparisons": records(self.frame),
            "looks": records(self.looks),
            "runs": self.runs,
            "runs_of_equal_fixed_design": None
            if self.equal is None or not np.isfinite(self.equal.fixed_seeds)
            else self.equal.fixed_runs,
            "over": self.over,
            "sentences": self.sentences(),
        }


def report_stopped(table: RunsTable) -> Stopped | None:
    """The verdicts of a study that runs until decided; None of any other, or where another metric is read."""
    if not is_stopped_by_rule(table) or table.metric != stored_rule(table)["metric"]:
        return None
    rule, changes, values = stored_rule(table), rule_changes(table), values_of(table)
    looks = list(replay(rule, values, changes))
    rows = (
        [_row(rule, changes, at, looks) for at in range(len(rule["comparisons"]))] if looks else []
    )
    shown = adjusted_estimates(rule, changes, values, looks)
    rows = [row | {"adjusted": shown[row["arm"]]} for row in rows]
    settled = looks[-1].settled if looks else {}
    left = len(rule["comparisons"]) - len(settled)
    frame = pd.DataFrame([row | _takes(rule, row, left=left) for row in rows])
    over = bool(looks) and (
        len(settled) == len(rule["comparisons"]) or looks[-1].seeds == rule["max_seeds"]
    )
    return Stopped(
        frame=frame,
        looks=_history(rule, looks),
        rule=rule,
        changes=changes,
        runs=int(table.frame["state"].isin(("COMPLETE", "FAILED", "PRUNED")).sum()),
        seconds=seconds_of(table),
        equal=_equal(rule, frame) if looks else None,
        over=over,
        skewed=skewness_p(rule, values),
        damage=damage_of(table),
    )


def _row(
    now: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
    number: int,
    looks: list[Look],
) -> dict[str, Any]:
    """One comparison at the look that settled it, or at the last one, by the rule of that time."""
    entry = now["comparisons"][number]
    mine = [
        (look.seeds, look.decisions[entry["arm"]])
        for look in looks
        if entry["arm"] in look.decisions
    ]
    seeds, last = mine[-1]
    rule = rule_of_look(now, changes, seeds=seeds)
    first, alpha = int(rule["first_look"]), float(rule["alpha"])
    ends: dict[str, float] = {}
    for name, row in (
        ("", rule["boundaries"]["differs"][0]),
        ("sim_", rule["boundaries"]["differs"][-1]),
    ):
        k = last["pairs"] - first
        known = 0 <= k < len(row) and last["se"] is not None
        low, high = (
            repeated_interval(
                last["estimate"], last["se"], last["df"], pairs=last["pairs"], bound=row[k]
            )
            if known
            else (np.nan, np.nan)
        )
        ends |= {f"{name}low": low, f"{name}high": high}
    numbers = ("estimate", "se", "df", "t", "bound", "room", "bound_small")
    return {
        "arm": entry["arm"],
        "label": entry["label"],
        "margin": margin_of(rule, entry["arm"]),
        "verdict": last["verdict"],
        "look": seeds,
        "pairs": last["pairs"],
        "lost": int(sum(last["lost"])),
        "alpha": alpha,
        **{name: np.nan if last[name] is None else float(last[name]) for name in numbers},
        **ends,
        "exploratory": why_exploratory(changes) if is_exploratory(changes, seeds=seeds) else "",
    }  # fmt: skip


def _without_numbers(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name not in NUMBERS}


def _takes(rule: Mapping[str, Any], row: Mapping[str, Any], *, left: int) -> dict[str, float]:
    """What another study of the open comparisons would take to settle this one."""
    names = ("seeds_expected", "seeds_low", "seeds_high", "seeds_most")
    if row["verdict"] != "undecided":
        return dict.fromkeys(names, np.nan)
    shown = row["adjusted"] if np.isfinite(row["adjusted"]) else row["estimate"]
    found = seeds_to_settle(
        shown, row["se"], row["df"], pairs=row["pairs"], margin=row["margin"],
        alpha=row["alpha"], left=left, first=int(rule["first_look"]),
    )  # fmt: skip
    return dict(zip(names, found, strict=True))


def _history(rule: Mapping[str, Any], looks: list[Look]) -> pd.DataFrame:
    labels = {entry["arm"]: entry["label"] for entry in rule["comparisons"]}
    names = ("pairs", "t", "bound", "room", "bound_small", "verdict")
    return pd.DataFrame(
        [
            {"arm": arm, "label": labels[arm], "seeds": look.seeds, **{n: one[n] for n in names}}
            for look in looks
            for arm, one in look.decisions.items()
        ],
        columns=["arm", "label", "seeds", *names],
    )


def _equal(rule: Mapping[str, Any], frame: pd.DataFrame) -> Expected | None:
    """What studies like this one cost, if effects and noise are as estimated; by the smallest of several margins."""
    sd = float(np.sqrt(np.nanmedian((frame["se"] ** 2 * frame["pairs"]).to_numpy(float))))
    if not sd > 0:
        return None
    shown = frame["adjusted"].fillna(frame["estimate"]).to_numpy(float)
    margin = float(frame["margin"].min())
    return expected(
        # In steps of a tenth of a standard deviation, which is more than is known of any of them.
        [round(10 * value / sd) / 10 * sd for value in np.nan_to_num(shown)],
        margin=margin,
        sd=sd,
        max_seeds=int(rule["max_seeds"]),
        alpha=float(rule["alpha"]),
        first=int(rule["first_look"]),
        studies=400,
    )


def _what_it_takes(row: Mapping[Any, Any]) -> str:
    return (
        f"{row['label']} is open: another study by this rule would settle it after about {row['seeds_expected']:.0f} "
        f"seeds (between {row['seeds_low']:.0f} and {row['seeds_high']:.0f} with 80 %, by what is known of effect and "
        f"noise); with --max-seeds {row['seeds_most']:.0f} it does so with 80 %, if they are as estimated."
    )


def _sentence(row: Mapping[Any, Any]) -> str:
    words = {"differs": "differs from the baseline, by less than the margin"}
    verdict = words.get(row["verdict"], row["verdict"])
    when = f"after {row['look']} seeds"
    text = f"{row['label']}: {verdict} {when} ({signed(row['adjusted'])} adjusted, {signed(row['estimate'])} raw"
    if np.isfinite(row["low"]):
        text += f", {interval(row['low'], row['high'])}"
    text += f"; margin {as_given(row['margin'])})"
    if row["exploratory"]:
        text = f"Exploratory ({row['exploratory']}): {text}"
    if row["lost"]:
        text += (
            f". {row['lost']} of its pairs have lost one side: if runs fail for what they would have shown, neither "
            "verdict nor estimate holds"
        )
    return text + "."
