"""The effects in plain words, and as plain values."""

import math
from typing import Any

from analysis.contrasts.equivalence import more_in_words
from analysis.effects.effects import Effects
from analysis.plain import plain, records
from analysis.tables.equal.repetition import REPEATS
from plain_files.numbers import as_given, interval, number, p_words, signed

FLAG_WORDS = {
    "unpaired": "the arms share no seeds, so runs were compared as independent, each arm with its own noise",
    "partly_unpaired": "some arms share no seeds with what they are compared with; their runs were compared as "
    "independent",
    "missing_runs": "some seeds lack some arms; each comparison rests on the seeds that have both sides",
    "no_variation": "some differences are the same in every seed: the seed was not applied, or one run was repeated; "
    "they have no error and no verdict",
    "few_seeds": "so few seeds cannot show which arms are noisier; where one is three times as noisy as the rest, up "
    "to 7 % of such tables have a false 'matters' instead of 5 %",
    "two_seeds": "with two seeds one number tells each error, and nothing tells whether the noise is what its test "
    "takes it to be",
    "selected_data": "these runs were chosen by a search as it went; confirm them with fresh seeds",
}
ORDER = {"matters": 0, "differs": 1, "depends": 2, "negligible": 3, "undecided": 4, "untested": 5}
LOOKS = (
    "Seeds that are added until a verdict appears are looks at the data, and err more often than promised. Declare the "
    "looks before (`adding_seeds` of a comparisons file), or let fresh seeds alone decide."
)


def sentences(result: Effects) -> list[str]:
    """One sentence per decided comparison, what matters first; then how far to trust them."""
    family = result.family
    rows = sorted(
        family[family["role"] != "simple"].to_dict("records"),
        key=lambda r: (ORDER[r["verdict"]], -abs(r["estimate"])),
    )
    # What a rule settled it says itself (`analysis.sequential.stopped`).
    lines = [] if result.stopped else [_labelled(row, result) for row in rows]
    lines.append(against_what(result))
    lines += result.remarks
    lines += _lost(result) + _averages(result)
    verdicts = set(family["verdict"])
    if result.exploratory and verdicts & {"negligible", "differs"}:
        lines.append(f"Exploratory: {result.exploratory}.")
    if verdicts != {"untested"}:
        lines += _margins(result)
    if "undecided" in verdicts and result.tests == "one look":
        lines.append(LOOKS)
    if math.isfinite(result.pairing) and verdicts != {"untested"}:
        lines.append(_pairing(result))
    lines += _checks(result)
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


def more_seeds(count: float, result: Effects) -> str:
    """So many replicates to add: `about 1 more seed`."""
    return more_in_words(count, result.replicates)


def needed(row: dict[Any, Any], result: Effects) -> str:
    """What an undecided comparison needs, with how uncertain that is; empty where nothing can be said."""
    count, low, high = (row[f"seeds_needed{end}"] for end in ("", "_low", "_high"))
    if math.isnan(count) or count == 0:
        # Nothing is known, or one look would have decided what tests that hold at any time leave open.
        return ""
    if math.isinf(count):
        return f"{more_seeds(count, result)} would be needed at this size"
    ends = f"between {low:.0f} and {high:.0f}" if math.isfinite(high) else f"{low:.0f} or more"
    return f"it needs {more_seeds(count, result)} ({ends} with 80 %)"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _labelled(row: dict[Any, Any], result: Effects) -> str:
    said = _row(row, result)
    return f"Exploratory ({row['exploratory']}): {said}" if row["exploratory"] else said


def _row(row: dict[Any, Any], result: Effects) -> str:
    several = row["backgrounds"] > 1
    what = row["label"] + (f" (over {row['backgrounds']} backgrounds)" if several else "")
    # A rule's verdict has boundaries and no p.
    found = _sized(row) + _p("adjusted", row["p_adjusted"])
    match row["verdict"]:
        case "matters":
            return f"{what} matters: it {_direction(row)} {result.metric}, {found}."
        case "differs":
            return (
                f"{what} differs from zero: it {_direction(row)} {result.metric}, {found}, by less than the margin "
                f"of {as_given(row['margin'])}; whether it matters is open."
            )
        case "negligible":
            return (
                f"{what} is negligible: {signed(row['estimate'])}, marginal 90 % "
                f"{interval(row['ci90_low'], row['ci90_high'])}, within ±{as_given(row['margin'])}"
                f"{_p('equivalence', row['p_equivalence_adjusted'])}."
            )
        case "depends":
            return _depends(row, result)
        case "untested":
            return f"{what}: {signed(row['estimate'])}, no verdict: {_why_untested(row, result)}."
    advice = needed(row, result)
    return f"{what} is undecided: {_sized(row)}" + (f"; {advice}." if advice else ".")


def _p(kind: str, p: float) -> str:
    return "" if math.isnan(p) else f" ({kind} {p_words(p)})"


def _direction(row: dict[Any, Any]) -> str:
    return "raises" if row["estimate"] > 0 else "lowers"


def _sized(row: dict[Any, Any]) -> str:
    return f"{signed(row['estimate'])} {interval(row['sim_low'], row['sim_high'])}"


def _why_untested(row: dict[Any, Any], result: Effects) -> str:
    if row["n_pairs"] > 1:
        return "it is the same in every seed, so that nothing tells how far it would vary"
    if REPEATS in result.excluded:
        return "runs of one arm that have one value count once (was the seed applied?), so nothing repeats"
    return "one run per arm; at least 2 seeds are needed"


def _depends(row: dict[Any, Any], result: Effects) -> str:
    """A level whose effect is decided at each setting of its factor's partners."""
    simple = result.frame[
        (result.frame["role"] == "simple")
        & (result.frame["factor"] == row["factor"])
        & (result.frame["level"] == row["level"])
    ]
    parts = [
        f"{_sized(one)} where {one['given']} ({_standing(one, result)})"
        for one in simple.to_dict("records")
    ]
    partners = _listed(
        [name.rpartition(".")[2] for name in result.interactions.partners[row["factor"]]]
    )
    average = f"Averaged over {row['backgrounds']} backgrounds it is {signed(row['estimate'])}"
    if result.interactions.seen_of(row["factor"], row["level"]):
        head, tail = (
            f"{row['label']} depends on {partners}",
            f"{average}, an average of unlike effects.",
        )
    else:
        factor = row["factor"].rpartition(".")[2]
        head = f"{row['label']} is decided at each setting of {partners}, since another level of {factor} depends on it"
        tail = f"{average}; no interaction of this level was seen."
    return f"{head}: {'; '.join(parts)}. {tail}"


def _standing(row: dict[Any, Any], result: Effects) -> str:
    if row["verdict"] == "undecided":
        advice = needed(row, result)
        return "undecided" + (f", {advice}" if advice else "")
    return str(row["verdict"])


def _lost(result: Effects) -> list[str]:
    if not result.lost:
        return []
    arms = "; ".join(f"{label} ({why})" for label, why in result.lost.items())
    return [f"Not compared, since no run may enter: {arms}."]


def _averages(result: Effects) -> list[str]:
    """Decided averages behind which an interaction as large as themselves could have gone unseen."""
    rows = result.family[
        (result.family["role"] == "factor")
        & (result.family["backgrounds"] > 1)
        & result.family["verdict"].isin(("matters", "differs", "negligible"))
    ]
    unseen = {f: result.interactions.detectable(f) for f in rows["factor"].unique()}
    size = rows["estimate"].abs().where(rows["verdict"] != "negligible", rows["margin"])
    hidden = rows[size < rows["factor"].map(unseen).astype(float)]
    if hidden.empty:
        return []
    most, one = max(unseen[f] for f in hidden["factor"]), len(hidden) == 1
    return [
        f"An interaction of the size of {'this verdict' if one else 'these verdicts'} could have gone unseen (found "
        f"with 80 % power from {number(most, 2)}): {_listed(hidden['label'].tolist())} "
        f"{'is an average' if one else 'are averages'} over backgrounds, not the effect in every setting."
    ]


def _margins(result: Effects) -> list[str]:
    if result.margin is None:
        return ["No margin was declared, so nothing can be called negligible."]
    if result.family["margin"].isna().any():
        return [
            "A declared margin holds for its own comparison alone; the others have none and cannot be "
            "called negligible."
        ]
    return []


def _pairing(result: Effects) -> str:
    rho = result.pairing
    gain = f", worth {1 / (1 - rho):.1f} times as many unpaired seeds" if 0 < rho < 0.995 else ""
    shown = f"{rho:.2f}" if rho < 0.995 else "more than 0.99"
    return f"Runs that share a seed correlate at {shown}{gain}."


def _checks(result: Effects) -> list[str]:
    lines = []
    if result.varying:
        seen = {f.rpartition(".")[2]: p for f, p in result.varying.items() if p < result.alpha}
        if seen:
            which = _listed([f"{name} ({p_words(p)})" for name, p in seen.items()])
            lines.append(
                f"From seed to seed the effect of {which} varies by more than runs do; its error counts that."
            )
    check = result.calibration
    if check is not None:
        lines.append(
            f"A/A check: {check.false_positive_rate:.1%} of {check.draws} tables whose levels were relabelled within "
            f"seeds, each factor as a whole, have a false 'matters' (nominal {result.alpha:.0%}, Monte-Carlo error "
            f"{check.error:.1%}). It sees effects that vary from seed to seed, but not unequal noise of the levels."
        )
    return lines


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
        "tests": result.tests,
        "seeds": result.seeds,
        "seeds_needed_counts": result.replicates,
        "effects": records(result.frame),
        "depends_on": result.interactions.partners,
        "pairing": plain(result.pairing),
        "varying_by_seed_p": {name: plain(p) for name, p in result.varying.items()},
        "flags": list(result.flags),
        "calibration": None if check is None else {
            "draws": check.draws,
            "false_positive_rate": check.false_positive_rate,
            "standard_error": check.error,
            "alpha": check.alpha,
        },
        "excluded": result.excluded,
        "lost": result.lost,
        "sentences": sentences(result),
    }  # fmt: skip
