"""Which part of the evidence a figure shows."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.report.evidence.evidence import gather
from analysis.report.evidence.gates import Gates
from analysis.report.evidence.shown import curves_named, gate_classes

EDGES = np.linspace(0, 1, 21)


def gates_of(means: list[float]) -> Gates:
    """One stage whose classes have all their gates at one height each."""
    middles = (EDGES[:-1] + EDGES[1:]) / 2
    shares = [np.eye(20)[np.abs(middles - mean).argmin()] for mean in means]
    groups = {"all": np.mean(shares, axis=0), **{f"c{i}": s for i, s in enumerate(shares)}}
    rows = [
        pd.DataFrame({"stage": "one", "group": name, "low": EDGES[:-1], "high": EDGES[1:], "share": share})
        for name, share in groups.items()
    ]  # fmt: skip
    none = pd.DataFrame()
    return Gates(
        label="a", runs=1, bins=pd.concat(rows), stages=none, blocks=none, gradients=none, arms=none
    )


def test_up_to_six_classes_all_have_a_colour() -> None:
    assert gate_classes(gates_of([0.5] * 6)) == [f"c{i}" for i in range(6)]


def test_of_ten_classes_six_have_a_colour_and_the_others_are_behind_them() -> None:
    assert len(gate_classes(gates_of([0.5] * 10))) == 6


@pytest.mark.parametrize("lower", [1, 3])
def test_of_more_classes_those_that_differ_most_have_one_from_low_to_high(lower: int) -> None:
    apart = [0.9] * (6 - lower) + [0.1] * lower
    found = gate_classes(gates_of([0.5] * 20 + apart))
    assert sorted(found) == [f"c{i}" for i in range(20, 26)]
    assert set(found[:lower]) == {f"c{i}" for i in range(26 - lower, 26)}


def test_of_a_metric_to_maximise_the_highest_are_on_the_front_and_are_named(
    study: Callable[..., Path],
) -> None:
    folder = study("ordinary")
    lowest = gather(folder)
    info = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**info, "direction": "maximize"}))
    highest = gather(folder)
    assert lowest.front is not None
    assert highest.front is not None
    for found, pick in ((lowest, "idxmin"), (highest, "idxmax")):
        best = found.arms.set_index("label")["mean"]
        named = best.drop(found.baseline)
        assert curves_named(found)[2] == getattr(named.drop("no attention"), pick)()
        standing = found.front.arms.set_index("label")["standing"]
        assert standing[getattr(best, pick)()] == "front"
    assert lowest.front.arms["standing"].tolist() != highest.front.arms["standing"].tolist()
