"""How results are printed: the verdict in sentences, then the tables they rest on."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ablations.cli.words.aligned import aligned
from plain_files.numbers import in_table
from plain_files.words import one_line, visible

if TYPE_CHECKING:
    import pandas as pd

    from analysis.effects.component_report import ComponentReport
    from analysis.tables.runs_table import RunsTable
    from analysis.tradeoff.reduction_fit import ReductionFit


DIGITS = 10
"""Of a percentage, so that 99.9 is not 100."""


def print_json(results: list[tuple[str, dict[str, Any]]]) -> None:
    """One object for one result; for several, an object by study."""
    value: Any = results[0][1] if len(results) == 1 else dict(results)
    print(json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False, default=str))


def print_lines(lines: Iterable[str]) -> None:
    """One sentence per line."""
    for line in lines:
        print(visible(line))


def print_table(frame: "pd.DataFrame") -> None:
    """The table with short numbers, left out where empty."""
    if len(frame):
        rows = [list(frame.columns), *frame.map(_short).to_numpy().tolist()]
        print("\n".join(aligned(rows, right=range(len(frame.columns)), gap=" ")))


def print_reading(table: "RunsTable", *, assumed: str = "") -> None:
    """What the reader decided of a table without a study, before anything that rests on it, and its doubts.

    Args:
        table: The table.
        assumed: The baseline, where nobody named it.
    """
    said = [table.read_as] if table.read_as else []
    if said and assumed:
        said = [
            f"{table.read_as} The baseline is {assumed}, that of the first run, since nobody named one."
        ]
    print_lines([*said, *table.doubts])


def print_fit(study: str, fit: "ReductionFit", *, sweep: bool) -> None:
    """A reduction-ratio fit: verdict, tested ratios, curve families, prices."""
    from analysis.tradeoff.status_words import STATUS_WORDS
    from analysis.tradeoff.tradeoff_words import sentences

    print(f"{study}: {STATUS_WORDS[fit.status]}")
    print_lines(sentences(fit))
    columns = ["nominal", "r", "n", "loss", "J", "regret", "regret_upper", "not_worse", "leverage"]
    named = fit.tested[columns].rename(columns={"nominal": "ratio", "r": "realised"})
    print("\nTested ratios")
    print_table(named)
    print("\nCurve families")
    print_table(fit.models)
    if len(fit.switch_prices):
        print(f"\nPrices ({fit.metric} per weight) at which the best tested design changes")
        print_table(fit.switch_prices)
    if sweep and len(fit.sweep):
        print(f"\nr* by price ({fit.metric} per weight)")
        print_table(fit.sweep)


def print_effects(report: "ComponentReport") -> None:
    """The effects of a study: verdicts, the table, interactions, dead weight."""
    print(f"{report.study}: {report.effects.metric} against the baseline {report.effects.baseline}")
    print_lines(report.sentences())
    found = report.effects
    told_by = ["p_adjusted", "p_equivalence_adjusted"] if found.stopped is None else ["evidence"]
    columns = ["label", "estimate", "ci95_low", "ci95_high", "sim_low", "sim_high", *told_by, "verdict",
               "seeds_needed"]  # fmt: skip
    at_once = f"{100 * (1 - found.alpha):.{DIGITS}g} % simultaneous"
    beside = " beside the plan, exploratory" if report.planned else ""
    print(f"\nEffects{beside} (intervals: 95 % marginal, then {at_once})")
    needed = f"{found.replicates.replace(' ', '_')}_needed"
    print_table(found.family[columns].rename(columns={"seeds_needed": needed}))
    print_tables(report.tables())


def print_tables(tables: "Iterable[tuple[str, pd.DataFrame]]") -> None:
    """Each table under its title."""
    for title, frame in tables:
        print(f"\n{title}")
        # A pair is told by its names; factor and level beside them are for programs.
        parts = [f"{one}{part}" for one in ("first", "second") for part in ("", "_level")]
        print_table(frame.drop(columns=parts) if "first_name" in frame else frame)


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return in_table(value)
    if isinstance(value, list):
        return " ".join(_short(item) for item in value)
    if hasattr(value, "item"):
        return _short(value.item())
    return "" if value is None else one_line(str(value))
