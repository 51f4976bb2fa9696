import pandas as pd
import pytest

from analysis.tables.csv_table import from_frame

TABLE = {"avg": [0.5, 0.625, 0.4], "max": [0.5, 0.625, 0.4], "std": [0.5, 0.3, 0.2]}


def doubts(values: dict[str, list[float]], **more: list[float]) -> list[str]:
    rows = [
        {"pool": pool, "seed": seed, "val_loss": value}
        for pool, given in values.items()
        for seed, value in enumerate(given)
    ]
    return from_frame(pd.DataFrame(rows).assign(**more), factors=["pool"]).doubts


def test_two_arms_with_one_number_on_every_seed_are_named() -> None:
    assert doubts(TABLE) == [
        "'pool=avg' and 'pool=max' measured the same val_loss on each of 3 seeds: one of them may change nothing."
    ]


def test_only_the_seeds_that_both_have_count_and_one_is_not_enough() -> None:
    (said,) = doubts({**TABLE, "max": TABLE["max"][:2]})
    assert "on each of 2 seeds" in said
    assert doubts({**TABLE, "max": TABLE["max"][:1]}) == []


@pytest.mark.parametrize("other", [[0.5, 0.625, 0.41], [0.625, 0.5, 0.4]])
def test_arms_that_differ_on_one_seed_are_two(other: list[float]) -> None:
    assert doubts({**TABLE, "max": other}) == []


def test_another_number_that_differs_tells_them_apart() -> None:
    assert doubts(TABLE, val_accuracy=[0.1 * i for i in range(9)]) == []
    same = [0.1, 0.2, 0.3] * 2 + [0.7, 0.8, 0.9]
    assert len(doubts(TABLE, val_accuracy=same)) == 1


def test_coarse_numbers_tie_by_chance() -> None:
    ties = {"avg": [0.9, 0.9, 0.95], "max": [0.9, 0.9, 0.95], "std": [0.95, 0.9, 0.95]}
    assert not any("may change nothing" in said for said in doubts(ties))


def test_of_many_pairs_the_first_are_named() -> None:
    said = doubts({str(pool): [0.5, 0.625, 0.4] for pool in "abcdef"})
    assert len(said) == 4
    assert said[-1] == "So do 2 more pairs of arms."
