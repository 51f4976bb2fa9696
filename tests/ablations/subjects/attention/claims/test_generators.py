"""What the planted data promise, exactly; and that training finds it."""

import math

import pytest
import torch

from ablations import SettingError
from ablations.subjects.attention.claims.quadrant import (
    least_error_of_means,
    quadrants,
    train_quadrant,
)
from ablations.subjects.attention.claims.sizes import LEAST, labelled, train_size


def test_the_marked_quadrant_says_the_class_and_the_means_do_not() -> None:
    torch.manual_seed(0)
    x_nchw, y_n = quadrants(4000)
    means_ck = x_nchw.reshape(-1, 4, 2, 4, 2, 4).mean((3, 5)).flatten(2)
    marked = means_ck[:, 1].argmax(1)
    said = means_ck[:, 0].gather(1, marked[:, None])[:, 0] > 0
    assert torch.equal(said, y_n > 0)
    # The best rule on the mean over all: its sign, and a guess where the four cancel out.
    total = (4 * means_ck[:, 0].mean(1)).round()
    wrong = ((total > 0) != (y_n > 0)).double()
    wrong[total == 0] = 0.5
    assert least_error_of_means() == 5 / 16
    assert float(wrong.mean()) == pytest.approx(5 / 16, abs=0.02)  # 3 standard errors


def test_a_fifth_of_the_labels_are_wrong_and_the_rest_can_be_read() -> None:
    x_nchw, y_n = labelled(8000, torch.Generator().manual_seed(0))
    read_n = x_nchw[:, :4].mean((1, 2, 3)) > 0
    right = (read_n == (y_n > 0)).double()
    assert float(right.mean()) == pytest.approx(0.8, abs=0.014)  # 3 standard errors
    assert abs(float(x_nchw[:, 4:].mean((1, 2, 3)).mean())) < 0.003
    loss = -(right * math.log(0.8) + (1 - right) * math.log(0.2)).mean()
    assert float(loss) == pytest.approx(LEAST, abs=0.02)
    assert pytest.approx(0.5004, abs=1e-4) == LEAST


@pytest.mark.integration
def test_spatial_attention_finds_the_quadrant_and_channel_attention_cannot() -> None:
    assert train_quadrant({"kind": "squeeze_excite"}, 11) > 5 / 16 - 0.05
    assert train_quadrant({"kind": "cbam"}, 11) < 0.2


@pytest.mark.integration
def test_few_examples_are_learnt_by_heart_and_many_are_not() -> None:
    few, many = (train_size({"examples": n, "block": "none"}, 11) for n in (100, 5000))
    assert few > 0.3
    assert 0 < many < 0.2
    assert train_size({"examples": 100, "block": "none"}, 11) == few


def test_what_a_generator_does_not_know_is_refused() -> None:
    with pytest.raises(SettingError, match="`kind` must be squeeze_excite or cbam, but got 'eca'"):
        train_quadrant({"kind": "eca"}, 0)
    with pytest.raises(SettingError, match="`block` must be none, attention, wider, but got 'x'"):
        train_size({"examples": 100, "block": "x"}, 0)
    with pytest.raises(SettingError, match="`examples >= 64` must hold, but got 10"):
        train_size({"examples": 10, "block": "none"}, 0)
