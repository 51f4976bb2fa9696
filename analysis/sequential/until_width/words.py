"""What is said of a study that runs until r* is narrow: how well r* is known, and what would make it narrow."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.errors import TableError
from analysis.plain import duration
from analysis.sequential.stored import rule_changes, seconds_of, until_of, values_of
from analysis.sequential.until_width.rule import width_at
from analysis.sequential.until_width.seeds import in_words, seeds_for_width, with_another
from analysis.tables.runs_table import RunsTable
from plain_files.numbers import as_given, interval, number
from plain_files.stopping_rules import RULE, change_sentences


def width_sentences(table: RunsTable) -> list[str]:
    """What must be known of the interval of a study that ran until r* was narrow; none of any other."""
    found = _found(table)
    if not found:
        return []
    rule = table.info[RULE]
    return [
        *change_sentences(rule_changes(table)),
        f"This study runs until r* is known to within {rule['target_width']:.0%}. {found['says']}. kappa is "
        f"{number(found['kappa'])} {interval(found['low'], found['high'])}, an interval that is widened by "
        f"{rule['wider'] - 1:.0%} because it is looked at after every seed.",
        *what_is_open(table),
        "Its number of seeds depends on what was seen of kappa alone; verdicts of comparisons are those of one look.",
    ]


def what_is_open(table: RunsTable) -> list[str]:
    """How many seeds would do where r* is not narrow enough, and what else; none where it is, or of any other study."""
    found = _found(table)
    if not found or found["settled"]:
        return []
    rule = table.info[RULE]
    said = [_what_it_takes(rule, found, seconds_of(table))]
    expected, _, _ = seeds_for_width(rule, found)
    if expected > float(rule["max_seeds"]):
        said.append(what_would_carry(rule, found, narrowest=_narrowest(table)))
    return said


def what_would_carry(
    rule: Mapping[str, Any], found: Mapping[str, Any], *, narrowest: float | None
) -> str:
    """What would make r* narrow where more seeds are too many: a larger ratio, as far as the channels have room for it.

    Args:
        rule: As declared: `ratios` and what `seeds_for_width` reads.
        found: What a look says.
        narrowest: Channels of the narrowest block; None where they are not known.
    """
    ratios = np.array(list(rule["ratios"].values()), dtype=float)
    more = 2 * ratios.max()
    if narrowest is not None and more > narrowest:
        return (
            f"Larger ratios would tell more, since the loss of a curve with an r* rises as r², but blocks of "
            f"{as_given(narrowest)} channels have room for {as_given(ratios.max())} and no {as_given(more)}: make the "
            f"network wider."
        )
    if found["kappa"] <= 0:
        return f"A larger ratio, as {as_given(more)}, would tell whether it rises at all."
    with_it = in_words(seeds_for_width(rule, found, noisier=with_another(ratios, more)))
    return f"With the ratio {as_given(more)} as well, if the loss rises on as r², {with_it}."


def _what_it_takes(
    rule: Mapping[str, Any], found: Mapping[str, Any], seconds: Mapping[str, float]
) -> str:
    """How many seeds would do, and how long they take."""
    if found["kappa"] <= 0:
        most = max(float(r) for r in rule["ratios"].values())
        return (
            f"These ratios carry no r* so far: the loss does not rise with the ratio up to {as_given(most)} (kappa = "
            f"{number(found['kappa'])}), so that nothing bounds r* from above."
        )
    seeds = seeds_for_width(rule, found)
    if np.isnan(seeds[0]):
        return f"{in_words(seeds).capitalize()}."
    text = f"With kappa and its noise as estimated, {in_words(seeds)}"
    if not np.isfinite(seeds[0]):
        return f"{text}: give a wider --target-width, or more and larger ratios."
    each = [seconds.get(arm, np.nan) for arm in rule["ratios"]]
    time = f", {duration(seeds[0] * sum(each))} of training" if np.isfinite(each).all() else ""
    return (
        f"{text}{time}: another study with more than --max-seeds {seeds[0]:.0f}, or a wider "
        "--target-width."
    )


def _narrowest(table: RunsTable) -> float | None:
    """Channels of the narrowest block that has attention; None where the table does not say."""
    frame = table.frame
    if "channels" not in frame:
        return None
    arms = frame["arm"].astype(str).isin(table.info[RULE]["ratios"])
    known = [channels for channels in frame.loc[arms, "channels"] if isinstance(channels, list)]
    return min((float(c) for channels in known for c in channels), default=None)


def _found(table: RunsTable) -> dict[str, Any]:
    """How well r* is known from the whole seeds; empty where nothing tells it, or of any other study."""
    if until_of(table) != "width" or table.info[RULE].get("metric") != table.metric:
        return {}
    rule = table.info[RULE]
    try:
        ratios = [float(r) for r in rule["ratios"].values()]
        for name in ("target_width", "wider", "first_look", "max_seeds"):
            float(rule[name])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TableError(
            "the rule for when this study stops (`until` in study.json) is damaged. Restore it from a copy."
        ) from None
    if len(set(ratios)) < 2:
        return {}
    values = values_of(table)
    seeds = min(len(values.get(arm, ())) for arm in rule["ratios"])
    if seeds < 2:
        return {}
    found = width_at(rule, {arm: values[arm][:seeds] for arm in rule["ratios"]})
    return {} if found["kappa"] is None else found
