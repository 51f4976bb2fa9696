from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis.effects.winner import WinnerReport, winner_report
from analysis.errors import TableError
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable


def searched(*, confirmed: int = 4, arms: int = 60, seeds: int = 10, random: int = 0) -> RunsTable:
    """A search over arms that are all the same, and a confirm stage over its best."""
    noise = np.random.default_rng(random)
    first = 1 + 0.1 * noise.normal(size=arms)
    rows = [{"arm": f"a{k}", "label": f"arm {k}", "width": k, "seed": 0, "val_loss": first[k], "stage": "search"}
            for k in range(arms)]  # fmt: skip
    for k in np.argsort(first)[:confirmed]:
        rows += [
            {"arm": f"a{k}", "label": f"arm {k}", "width": k, "seed": s, "stage": "confirm",
             "val_loss": 1 + 0.1 * noise.normal()}
            for s in range(1, seeds + 1)
        ]  # fmt: skip
    return from_frame(pd.DataFrame(rows))


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
