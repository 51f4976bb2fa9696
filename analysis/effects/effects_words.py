"""The effects in plain words, and as plain values."""

import math
from typing import Any

from analysis.contrasts.equivalence import MOST_SEEDS
from analysis.effects.effects import Effects
from analysis.plain import plain, records

FLAG_WORDS = {
    "unpaired": "the arms share no seeds, so runs were compared as independent",
    "missing_runs": "some seeds lack some arms; the rest was adjusted for it",
    "unequal_noise": "the arms' noise differs, so each comparison rests on its own noise",
    "selected_data": "these runs were chosen by a search as it went; confirm them with fresh seeds",
}
ORDER = {"matters": 0, "negligible": 1, "undecided": 2}


def sentences(result: Effects) -> list[str]:
    """One sentence per decided comparison, what matters first; then how far to trust them."""
    rows = sorted(
        result.family.to_dict("records"), key=lambda r: (ORDER[r["verdict"]], -abs(r["estimate"]))
    )
    lines = [_labelled(row, result) for row in rows]
    lines.append(against_what(result))
    if result.exploratory and any(row["verdict"] == "negligible" for row in rows):
        lines.append(f"Exploratory: {result.exploratory}.")
    if result.margin is None:
        lines.append("No margin was declared, so nothing can be called negligible.")
    elif any(math.isnan(row["margin"]) for row in rows):
        lines.append(
            "A declared margin holds for its own comparison alone; the others have none and cannot be "
            "called negligible."
        )
    if math.isfinite(result.pairing):
        lines.append(_pairing(result))
    if result.calibration is not None:
        check = result.calibration
        lines.append(
            f"A/A check: {check.false_positive_rate:.1%} of {check.draws} tables relabelled at random have "
            f"a false 'matters' (nominal {result.alpha:.0%})."
        )
    notes = [FLAG_WORDS[flag] for flag in result.flags]
    if notes:
        lines.append("Reservations: " + "; ".join(notes) + ".")
    if result.excluded:
        left = ", ".join(f"{count} {reason}" for reason, count in result.excluded.items())
        lines.append(f"Left out: {left}.")
    return lines


def against_what(result: Effects) -> str:
    """Which arm the effects are differences to, and how to choose another where nobody chose it."""
    said = f"Differences are against the baseline {result.baseline}."
    assumed = [name.rpartition(".")[2] for name in result.cells.assumed]
    if not assumed:
        return said
    return (
        f"{said} Nobody named the baseline's {_listed(assumed)}: the first run's was taken; "
        f"choose with {' '.join(f'`--baseline {name}=LEVEL`' for name in assumed)}."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _labelled(row: dict[Any, Any], result: Effects) -> str:
    said = _row(row, result)
    return f"Exploratory ({row['exploratory']}): {said}" if row["exploratory"] else said


def _row(row: dict[Any, Any], result: Effects) -> str:
    half = (row["ci95_high"] - row["ci95_low"]) / 2
    size = f"{row['estimate']:+.3g}" + ("" if math.isnan(half) else f" ± {half:.2g}")
    what = row["label"] + (
        f" (over {row['backgrounds']} backgrounds)" if row["backgrounds"] > 1 else ""
    )
    match row["verdict"]:
        case "matters":
            worse = "raises" if row["estimate"] > 0 else "lowers"
            return f"{what} matters: it {worse} {result.metric}, {size} (Holm p = {row['p_holm']:.2g})."
        case "negligible":
            return (
                f"{what} is negligible: {size}, within ±{row['margin']:g} "
                f"(equivalence p = {row['p_equivalence_holm']:.2g})."
            )
    return f"{what} is undecided: {size}; {_more(row['seeds_needed'], result)}."


def _more(count: float, result: Effects) -> str:
    what = result.replicates
    if math.isnan(count):
        return f"at least 2 {what} are needed"
    if math.isinf(count):
        return f"more than {MOST_SEEDS} {what} would be needed at this size"
    return f"it needs {result.more(count)}"


def _pairing(result: Effects) -> str:
    rho = result.pairing
    gain = f", worth {1 / (1 - rho):.1f} times as many unpaired seeds" if 0 < rho < 1 else ""
    return f"Runs that share a seed correlate at {rho:.2f}{gain}."


def as_json(result: Effects) -> dict[str, Any]:
    """Plain values; infinity and undefined numbers are null."""
    check = result.calibration
    return {
        "metric": result.metric,
        "baseline": result.baseline,
        "baseline_levels": {f: plain(v) for f, v in result.cells.baseline_levels.items()},
        "baseline_assumed": result.cells.assumed,
        "alpha": result.alpha,
        "margin": result.margin,
        "exploratory": result.exploratory,
        "seeds": result.seeds,
        "seeds_needed_counts": result.replicates,
        "effects": records(result.frame),
        "pairing": plain(result.pairing),
        "unequal_noise_p": plain(result.unequal_noise),
        "flags": list(result.flags),
        "calibration": None if check is None else {
            "draws": check.draws,
            "false_positive_rate": check.false_positive_rate,
            "standard_error": check.error,
            "alpha": check.alpha,
        },
        "excluded": result.excluded,
        "sentences": sentences(result),
    }  # fmt: skip
