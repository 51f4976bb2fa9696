"""A study's comparisons beside those of a published table, which has one run for each arm and no error."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects.compare import keyed
from analysis.effects.effects import estimate_effects
from analysis.errors import TableError
from analysis.plain import records
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable

ERROR = "top1_error"
"""In percent, as the literature has it."""
ACCURACY = "val_accuracy"


@dataclass(frozen=True)
class PublishedComparison:
    """Differences of a study and of a publication, in points of top-1 error."""

    frame: pd.DataFrame
    """Per comparison that both have: `label, study, low, high, n, published, verdict`: `agrees` where the published
    difference lies in the study's 95 % interval, `differs` where it does not, `no interval`."""
    names: tuple[str, str]
    baseline: str
    only: dict[str, list[str]]
    """Study or publication -> comparisons that only it has."""

    def sentences(self) -> list[str]:
        """One sentence a comparison, then what they are differences to."""
        mine, theirs = self.names
        lines = []
        for row in self.frame.to_dict("records"):
            band = "" if np.isnan(row["low"]) else f" [{row['low']:+.2f}, {row['high']:+.2f}]"
            ours = f"{row['study']:+.2f}{band} in {mine}"
            given = f"{row['published']:+.2f} in {theirs}"
            lines.append(f"{row['label']}: {ours}, {given}: {row['verdict']}.")
        lines.append(
            f"Differences are in points of top-1 error, against {self.baseline}. The published ones are of one "
            "run each: how far another would lie is not known, so that `differs` can be their noise too."
        )
        return lines + [
            f"Only in {where}: {', '.join(labels)}."
            for where, labels in self.only.items()
            if labels
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain values; undefined numbers are null."""
        return {
            "study": self.names[0],
            "published": self.names[1],
            "baseline": self.baseline,
            "comparisons": records(self.frame),
            "only": self.only,
            "sentences": self.sentences(),
        }


def compare_published(
    table: RunsTable, published: pd.DataFrame, *, name: str
) -> PublishedComparison:
    """Each comparison of a study beside the publication's.

    Args:
        table: Runs with `val_accuracy`, or with a column `top1_error` in percent.
        published: Factors as the study names them, `top1_error`, one row an arm, the baseline first.
        name: Of the publication.

    Raises:
        TableError: If the study measures no accuracy, or no comparison is common to both.
    """
    mine = _in_points(table)
    factors = [c for c in published.columns if c in table.factors]
    missing = [c for c in published.columns if "." in c and c not in table.factors]
    if missing or not factors:
        raise TableError(
            f"{table.study} must vary {', '.join(missing)} to be compared with {name}, but varies "
            f"{', '.join(table.factors) or 'nothing'}."
        )
    theirs = from_frame(
        published[[*factors, ERROR]], metric=ERROR, factors=factors,
        baseline={f: published[f].iloc[0] for f in factors},
    )  # fmt: skip
    found = estimate_effects(mine, calibration_draws=0)
    left, right = keyed(found), keyed(estimate_effects(theirs, calibration_draws=0))
    common = [key for key in left.index if key in right.index]
    if not common:
        raise TableError(f"{table.study} and {name} have no comparison in common.")
    x, y = left.loc[common], right.loc[common]
    low, high = x["ci95_low"].to_numpy(float), x["ci95_high"].to_numpy(float)
    given = y["estimate"].to_numpy(float)
    inside = (low <= given) & (given <= high)
    verdict = np.where(np.isnan(low), "no interval", np.where(inside, "agrees", "differs"))
    frame = pd.DataFrame({
        "label": x["label"].to_numpy(), "study": x["estimate"].to_numpy(float), "low": low, "high": high,
        "n": x["n_pairs"].to_numpy(), "published": given, "verdict": verdict,
    })  # fmt: skip
    return PublishedComparison(
        frame=frame,
        names=(table.study, name),
        baseline=found.baseline,
        only={
            table.study: left.loc[~left.index.isin(common), "label"].tolist(),
            name: right.loc[~right.index.isin(common), "label"].tolist(),
        },
    )


def _in_points(table: RunsTable) -> RunsTable:
    """The table with its top-1 error in percent as the metric."""
    if ERROR in table.frame:
        error = table.frame[ERROR]
    elif ACCURACY in table.frame:
        error = 100 * (1 - table.frame[ACCURACY])
    else:
        raise TableError(
            f"{table.study} must have `{ACCURACY}`, or `{ERROR}` in percent, to be compared with a publication."
        )
    return replace(
        table, frame=table.frame.assign(**{ERROR: error}), metric=ERROR, direction="minimize"
    )
