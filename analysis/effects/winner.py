"""How optimistic a search's best value is: the winner's curse, shown by fresh seeds.

The best of n noisy values is low by luck as well as by merit. Search proposes; only runs with fresh seeds
(stage `confirm`) say what the chosen arms are worth.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.errors import TableError
from analysis.plain import plain, records
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import LOSS, interval, loss, signed
from plain_files.shown import in_html, in_line


@dataclass(frozen=True)
class WinnerReport:
    """The search's best arms, and what fresh seeds say of them."""

    frame: pd.DataFrame
    """The confirmed arms, best searched first: `arm, label, searched, mean, low, high, n, optimism`.
    Intervals hold for all of them at once (Bonferroni)."""
    winner: str
    """Label of the arm with the best confirmed mean."""
    optimism: float
    """Confirmed mean less searched value of the search's best arm: how much worse it really is."""
    searched_runs: int

    def __repr__(self) -> str:
        """In a line: the first sentence."""
        return in_line("WinnerReport", *self.sentences()[:1])

    def _repr_html_(self) -> str:
        rows = self.frame.itertuples(index=False)
        return in_html(
            "Search and fresh seeds",
            self.sentences(),
            head=[str(name) for name in self.frame],
            rows=rows,
        )

    def sentences(self) -> list[str]:
        """The gap and the winner, in plain words."""
        top = self.frame.iloc[0]
        best = self.frame[self.frame["label"] == self.winner].iloc[0]
        return [
            f"The search's best value, {loss(top['searched'])} ({top['label']}), is {signed(self.optimism)} away "
            f"from its mean over {top['n']} fresh seeds: {loss(top['mean'])} "
            f"{interval(top['low'], top['high'], LOSS)}.",
            f"Best on fresh seeds: {self.winner}, {loss(best['mean'])} {interval(best['low'], best['high'], LOSS)} "
            f"(interval for all {len(self.frame)} arms at once).",
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            "arms": records(self.frame),
            "winner": self.winner,
            "optimism": plain(self.optimism),
            "searched_runs": self.searched_runs,
            "sentences": self.sentences(),
        }


def winner_report(
    search: RunsTable, confirm: RunsTable | None = None, *, confidence: float = 0.95
) -> WinnerReport:
    """The optimism gap of a search, from its confirm runs (in the same table, or in `confirm`).

    Arms are matched by id. Only complete runs count; a run with a seed that the search used is no fresh
    one and is left out.

    Raises:
        TableError: If there are no search runs, or none of their arms was confirmed.
    """
    other = confirm or search
    seen, fresh = _whole(search, "search"), _whole(other, "confirm")
    if seen.empty:
        raise TableError(f"study {search.study!r} has no complete run of stage `search`.")
    used = seen.groupby("arm")["seed"].agg(set)
    again = [
        seed in used.get(arm, set()) for arm, seed in zip(fresh["arm"], fresh["seed"], strict=True)
    ]
    fresh = fresh[~np.array(again, dtype=bool)] if len(fresh) else fresh
    sign = 1.0 if search.direction == "minimize" else -1.0
    searched = seen.groupby("arm")[search.metric].mean()
    arms = [arm for arm in (sign * searched).sort_values().index if arm in set(fresh["arm"])]
    if not arms:
        raise TableError(
            f"no arm of the search was confirmed with fresh seeds; run `ablate run` with --design confirm "
            f"over the best of {search.study!r}."
        )
    rows = []
    for arm in arms:
        part = fresh[fresh["arm"] == arm]
        y = part[other.metric].to_numpy(float)
        half = float("nan")
        if len(y) > 1:
            t = stats.t.ppf(1 - (1 - confidence) / 2 / len(arms), len(y) - 1)
            half = float(t * y.std(ddof=1) / np.sqrt(len(y)))
        mean, value = float(y.mean()), float(searched[arm])
        rows.append({"arm": arm, "label": part["label"].iloc[0], "searched": value, "mean": mean,
                     "low": mean - half, "high": mean + half, "n": len(y), "optimism": mean - value})  # fmt: skip
    frame = pd.DataFrame(rows)
    winner = str(frame["label"].to_numpy()[np.argmin(sign * frame["mean"].to_numpy())])
    return WinnerReport(frame, winner, float(frame["optimism"].iloc[0]), len(seen))


def _whole(table: RunsTable, stage: str) -> pd.DataFrame:
    """Complete runs of one stage, whatever other stages there are."""
    from analysis.tables.checks import reasons_to_leave_out

    rows = table.frame[table.frame["stage"] == stage]
    return rows[reasons_to_leave_out(rows, metric=table.metric) == ""]
