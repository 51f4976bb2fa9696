"""All that a study says about its components: effects, interactions, dead weight, planned comparisons."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.contrasts.estimation import ErrorModel
from analysis.effects.dead_weight import dead_weight
from analysis.effects.effects import Effects, estimate_effects
from analysis.effects.effects_words import as_json, sentences
from analysis.effects.epochs import effects_by_epoch
from analysis.effects.interactions import Interactions
from analysis.plain import records
from analysis.planned.planned import PlannedReport, report_planned
from analysis.sequential.stopped import Stopped
from analysis.tables.runs_table import RunsTable
from plain_files.shown import in_html, in_line


@dataclass(frozen=True)
class ComponentReport:
    """What `ablate effects` shows."""

    study: str
    effects: Effects
    planned: PlannedReport | None
    dead_weight: pd.DataFrame
    by_epoch: pd.DataFrame

    def __repr__(self) -> str:
        """In a line: the study and its effects."""
        return in_line("ComponentReport", self.study, repr(self.effects))

    def _repr_html_(self) -> str:
        return in_html(self.study, self.sentences()) + self.effects._repr_html_()

    @property
    def interactions(self) -> Interactions:
        """What the factors say about each other."""
        return self.effects.interactions

    @property
    def simple(self) -> pd.DataFrame:
        """The simple effects that decide in place of averages."""
        names = ["label", "estimate", "sim_low", "sim_high", "p_adjusted", "verdict"]
        rows = self.effects.frame
        return rows.loc[rows["role"] == "simple", names].reset_index(drop=True)

    @property
    def stopped(self) -> Stopped | None:
        """What a rule settled, of a study that ran until it was decided."""
        return self.effects.stopped

    def sentences(self) -> list[str]:
        """Planned verdicts, then interactions (they qualify the effects), then the effects."""
        lines = self.planned.sentences() if self.planned else []
        lines += self.stopped.sentences() if self.stopped else []
        lines += self.interactions.sentences() + sentences(self.effects)
        if len(self.dead_weight):
            what = "; ".join(_saving(row) for row in self.dead_weight.to_dict("records"))
            lines.append(f"Dead weight: {what}.")
        return lines

    def tables(self) -> list[tuple[str, pd.DataFrame]]:
        """The titled tables that are not empty, the effects' own aside."""
        found = [
            ("Interactions", self.interactions.frame),
            ("Simple effects", self.simple),
            ("Stacking", self.interactions.additivity),
            ("Dead weight", self.dead_weight),
            ("Effect against epochs", self.by_epoch),
        ]
        return [(title, frame) for title, frame in found if len(frame)]

    def to_json(self) -> dict[str, Any]:
        """Plain values; infinity and undefined numbers are null."""
        return {
            **as_json(self.effects),
            **{k: v for k, v in self.interactions.to_json().items() if k != "sentences"},
            "simple_effects": records(self.simple),
            "planned": self.planned.to_json() if self.planned else None,
            "until": self.stopped.to_json() if self.stopped else None,
            "dead_weight": records(self.dead_weight),
            "by_epoch": records(self.by_epoch),
            "sentences": self.sentences(),
        }


def component_report(
    table: RunsTable,
    *,
    margin: float | None = None,
    alpha: float = 0.05,
    error: ErrorModel = "auto",
    seed: int = 0,
    epochs: pd.DataFrame | None = None,
) -> ComponentReport:
    """Effects of every component with what qualifies them; arguments as in `effects` and `effects_by_epoch`."""
    found = estimate_effects(table, margin=margin, alpha=alpha, error=error, seed=seed)
    return ComponentReport(
        study=table.study,
        effects=found,
        # A rule settles what was planned, look by look; the planned report is of one look.
        planned=None if found.stopped else report_planned(table),
        dead_weight=dead_weight(found),
        by_epoch=effects_by_epoch(table, error=error, epochs=epochs),
    )


def _saving(row: dict[Any, Any]) -> str:
    kinds = {"weights": row.get("saved_params", 0), "multiply-adds": row.get("saved_macs", 0)}
    saved = [f"{number:,.0f} {kind}" for kind, number in kinds.items() if number > 0]
    return f"{row['label']} saves {' and '.join(saved)}"
