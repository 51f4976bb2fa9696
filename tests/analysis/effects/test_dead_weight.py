import itertools

import numpy as np
import pandas as pd
import pytest

from analysis.effects.component_report import component_report
from analysis.tables.csv_table import from_frame


def grid(params: dict[str, float], macs: dict[str, float]) -> pd.DataFrame:
    """A grid of three factors without effects; the gate alone has a cost."""
    noise = np.random.default_rng(0)
    arms = itertools.product("ab", "pqr", "uvwxyz", range(6))
    return pd.DataFrame(
        {
            "gate": gate, "squeeze": squeeze, "place": place, "seed": seed, "params": params[gate],
            "macs": macs[gate], "val_loss": 1 + 0.001 * noise.normal(),
        }
        for gate, squeeze, place, seed in arms
    )  # fmt: skip


def test_what_saves_nothing_but_rounding_is_no_dead_weight() -> None:
    costs = {"a": 272_474 / 7, "b": 272_474 / 7}
    report = component_report(from_frame(grid(costs, costs)), margin=0.05)
    assert (report.effects.frame["verdict"] == "negligible").all()
    assert (report.effects.frame["saved_params"] == 0).all()
    assert report.dead_weight.empty
    assert not any("saves" in line for line in report.sentences())


@pytest.mark.parametrize(
    ("params", "macs", "said"),
    [
        ((1000, 900), (5000, 5000), "gate=b saves 100 weights."),
        ((1000, 1000), (5000, 3000), "gate=b saves 2,000 multiply-adds."),
        ((1000, 900), (5000, 3000), "saves 100 weights and 2,000 multiply-adds."),
    ],
)
def test_what_can_go_says_what_it_saves(
    params: tuple[int, int], macs: tuple[int, int], said: str
) -> None:
    frame = grid(dict(zip("ab", params, strict=True)), dict(zip("ab", macs, strict=True)))
    report = component_report(from_frame(frame), margin=0.05)
    assert list(report.dead_weight["saved_params"]) == pytest.approx([params[0] - params[1]])
    (line,) = [line for line in report.sentences() if "saves" in line]
    assert said in line
