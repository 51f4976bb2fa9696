import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.report.evidence.arms import cell_means, crossed, front, summarise

LOSSES = {
    "dear": [0.10, 0.11, 0.12],
    "cheap": [0.20, 0.21, 0.22],
    "silly": [0.30, 0.31, 0.32],
    "near": [0.101, 0.109, 0.122],
}
COST = {"dear": 300.0, "cheap": 100.0, "silly": 200.0, "near": 400.0}


def runs():
    rows = [
        {"arm": arm, "label": arm, "stage": "grid", "seed": seed, "val_loss": loss, "val_accuracy": 0.9,
         "params": COST[arm], "attention_params": 0.0, "macs": 1.0, "seconds": 2.0}
        for arm, losses in LOSSES.items() for seed, loss in enumerate(losses)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_an_arms_interval_is_the_t_interval_of_its_mean():
    row = summarise(runs(), metric="val_loss").iloc[0]
    low, high = stats.t.interval(0.95, 2, loc=0.11, scale=0.01 / np.sqrt(3))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.11, low, high))


def test_the_front_holds_what_nothing_cheaper_beats():
    arms = front(runs(), metric="val_loss", cost="params").arms.set_index("label")["standing"]
    assert arms.to_dict() == {
        "cheap": "front",
        "dear": "front",
        "silly": "dominated",
        "near": "unclear",
    }


def test_the_front_of_a_metric_to_maximise_is_that_of_its_negative():
    score = runs().assign(score=-runs()["val_loss"])
    found = front(score, metric="score", cost="params", highest_is_best=True)
    same = front(runs(), metric="val_loss", cost="params")
    assert found.arms["standing"].tolist() == same.arms["standing"].tolist()
    assert found.arms["mean"].tolist() == (-same.arms["mean"]).tolist()
    assert found.switches["price"].tolist() == same.switches["price"].tolist()
    assert found.switches["mean_to"].tolist() == (-same.switches["mean_to"]).tolist()


def test_a_switch_price_makes_both_arms_cost_the_same():
    switches = front(runs(), metric="val_loss", cost="params").switches
    edge = switches.iloc[0]
    assert (edge["best_below"], edge["best_above"]) == ("dear", "cheap")
    paid = [
        edge["mean_from"] + edge["price"] * edge["cost_from"],
        edge["mean_to"] + edge["price"] * edge["cost_to"],
    ]
    assert paid[0] == pytest.approx(paid[1])


def grid():
    rows = [
        {"a": a, "b": b, "seed": seed, "val_loss": base + 100 * seed}
        for (a, b), base in {(1, "x"): 1.0, (1, "y"): 2.0, (2, "x"): 3.0, (2, "y"): 6.0}.items()
        for seed in range(3)
    ]
    return pd.DataFrame(rows)


def test_cell_means_take_the_seeds_own_level_out():
    cells = cell_means(grid(), rows="a", columns="b", metric="val_loss")
    assert cells["mean"].tolist() == pytest.approx([101.0, 102.0, 103.0, 106.0])
    assert (cells["high"] - cells["low"]).tolist() == pytest.approx([0, 0, 0, 0], abs=1e-9)


def test_factors_are_crossed_only_if_every_combination_was_run():
    assert crossed(grid(), ["a", "b"]) == [("a", "b")]
    assert crossed(grid().query("not (a == 2 and b == 'y')"), ["a", "b"]) == []
