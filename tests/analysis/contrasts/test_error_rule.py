import numpy as np
import pandas as pd
import pytest

from analysis.contrasts.error_rule import errors_of, noise_gate
from analysis.contrasts.seed_blocks import largest_share, unequal_noise
from analysis.effects.effects import effects
from analysis.tables.csv_table import from_frame


def frame_of(y):
    seeds, arms = y.shape
    frame = pd.DataFrame({"seed": np.repeat(np.arange(seeds), arms), "val_loss": y.ravel()})
    for k in range(arms - 1):
        frame[f"part{k}"] = np.where(np.tile(np.arange(arms), seeds) == k + 1, "off", "on")
    return frame


@pytest.mark.parametrize("error", ["auto", "pooled", "paired"])
def test_many_tables_at_once_have_the_errors_of_each_alone(error) -> None:
    random = np.random.default_rng(0)
    noise = np.array([[1, 1, 1, 1, 1], [2.5, 1, 1, 1, 1], [1, 1, 3, 1, 1], [1, 2, 1, 1.5, 1]])
    y = random.standard_normal((40, 6, 5)) * np.tile(noise, (10, 1))[:, None, :]
    together = errors_of(y, error=error)
    compared = 0
    for i, table in enumerate(y):
        # Near the gate the two simulations of its level may differ.
        if error == "auto" and abs(unequal_noise(table) - 0.2) < 0.03:
            continue
        alone = effects(from_frame(frame_of(table)), calibration_draws=0, error=error).frame
        rows = alone[alone["role"] != "cell"]
        rows = rows.set_index("factor").loc[[f"part{k}" for k in range(4)]]
        for name, found in (("estimate", together.size), ("se", together.se), ("df", together.df)):
            assert rows[name].to_numpy(float) == pytest.approx(found[i]), (i, name)
        compared += 1
    assert compared >= 30


def test_equal_arms_are_seen_to_differ_in_one_of_five_tables() -> None:
    y = np.random.default_rng(1).standard_normal((4000, 5, 9))
    # Monte-Carlo error 0.006, of the gate as well.
    assert np.mean(largest_share(y) > noise_gate(5, 9)) == pytest.approx(0.2, abs=0.03)
    assert noise_gate(2, 9) == float("inf")
