from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis.effects.winner import WinnerReport, winner_report
from analysis.errors import TableError
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable

ARMS, SEEDS = 60, 10


@cache
def every_run() -> RunsTable:
    """A run of the search and ten confirm runs of each arm; it is read once, for all the tables that are drawn."""
    stages = [(0, "search"), *((seed, "confirm") for seed in range(1, SEEDS + 1))]
    return from_frame(pd.DataFrame([
        {"arm": f"a{k}", "label": f"arm {k}", "width": k, "seed": seed, "val_loss": 1.0, "stage": stage}
        for k in range(ARMS) for seed, stage in stages
    ]))  # fmt: skip


def searched(*, confirmed: int = 4, random: int = 0) -> RunsTable:
    """A search over arms that are all the same, and a confirm stage over its best."""
    noise = np.random.default_rng(random)
    first = 1 + 0.1 * noise.normal(size=ARMS)
    frame = every_run().frame
    best = [
        frame[(frame["width"] == k) & (frame["seed"] > 0)] for k in np.argsort(first)[:confirmed]
    ]
    frame = pd.concat([frame[frame["seed"] == 0], *best], ignore_index=True)
    fresh = 1 + 0.1 * noise.normal(size=len(frame) - ARMS)
    return replace(every_run(), frame=frame.assign(val_loss=[*first, *fresh]))


@cache
def many_reports() -> list[WinnerReport]:
    """Of searches that differ in their noise alone."""
    return [winner_report(searched(random=k)) for k in range(80)]


def test_the_winners_curse_is_what_theory_says() -> None:
    # E[min of 60] of a standard normal is -2.319.
    gaps = [report.optimism for report in many_reports()]
    assert np.mean(gaps) == pytest.approx(0.2319, abs=0.04)


def test_fresh_seeds_bring_the_truth_into_the_intervals_of_all_arms_at_once() -> None:
    frames = [report.frame for report in many_reports()]
    hold = [((frame["low"] <= 1) & (frame["high"] >= 1)).all() for frame in frames]
    assert np.mean(hold) == pytest.approx(0.95, abs=0.06)


def test_the_arms_come_in_the_order_of_the_search() -> None:
    found = winner_report(searched())
    assert found.frame["searched"].is_monotonic_increasing
    assert found.frame["optimism"].tolist() == pytest.approx(
        (found.frame["mean"] - found.frame["searched"]).tolist()
    )
    assert found.winner == found.frame["label"][found.frame["mean"].idxmin()]
    assert found.searched_runs == 60


def test_a_seed_that_the_search_used_is_not_fresh() -> None:
    table = searched()
    frame = table.frame
    frame.loc[(frame["stage"] == "confirm") & (frame["seed"] == 1), "seed"] = 0
    assert set(winner_report(table).frame["n"]) == {9}


def test_a_search_without_confirmation_is_told_what_to_do() -> None:
    with pytest.raises(TableError, match="no arm of the search was confirmed with fresh seeds"):
        winner_report(searched(confirmed=0))
    only = from_frame(pd.DataFrame({"reduction": [2, 4], "seed": 0, "val_loss": 1.0}))
    with pytest.raises(TableError, match="has no complete run of stage `search`"):
        winner_report(only)
