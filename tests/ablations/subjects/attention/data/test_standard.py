import re

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.standard import Channel, table


def of_bytes(values: np.ndarray) -> Channel:
    whole = values.astype(np.int64)
    return Channel.of_bytes(
        total=int(whole.sum()),
        squares=int((whole**2).sum()),
        count=values.size,
        low=int(values.min()),
        high=int(values.max()),
        number=0,
    )


@pytest.mark.parametrize("seed", range(5))
def test_sums_of_whole_numbers_give_what_the_numbers_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, 5000, dtype=np.uint8) // rng.integers(1, 9)
    ours, theirs = of_bytes(values), Channel.of(values.astype(np.float64), 0)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)
    looked_up = table([ours])[0][values]
    assert np.array_equal(looked_up, theirs.standard(values.astype(np.float64)).astype(np.float32))


def test_a_channel_of_one_value_is_refused() -> None:
    message = re.escape(
        "channel 0 of the data has one value in all training examples, so it cannot be standardised; leave it out."
    )
    with pytest.raises(SettingError, match=message):
        of_bytes(np.full(9, 7, dtype=np.uint8))
    with pytest.raises(SettingError, match=message):
        Channel.of(np.full(9, 0.5), 0)


@pytest.mark.parametrize("seed", range(6))
def test_mean_and_deviation_are_numpys_to_the_last_digit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(700, 30)) * 10.0 ** (60 * seed - 150)
    found = Channel.of(values, 0)
    in_units = values / np.abs(values).max()
    assert (found.mean, found.deviation) == (in_units.mean(), in_units.std())
