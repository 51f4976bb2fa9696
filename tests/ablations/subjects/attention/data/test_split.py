import numpy as np
import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.data.dataset import load, shape
from ablations.subjects.attention.data.sources.read import SOURCES
from ablations.subjects.attention.settings.groups import Data


def test_digits_are_the_real_ones_split_by_class() -> None:
    split = load(Data())
    assert len(split.train.y) + len(split.val.y) == 1797
    assert shape(Data()) == (1, (8, 8), 10)
    shares = torch.bincount(split.val.y) / (
        torch.bincount(split.val.y) + torch.bincount(split.train.y)
    )
    assert torch.allclose(shares, torch.full((10,), 0.3), atol=0.01)


def test_the_training_images_are_standardised_and_the_others_with_the_same_numbers() -> None:
    split = load(Data())
    assert abs(split.train.x.mean()) < 1e-5
    assert abs(split.train.x.std() - 1) < 1e-3
    assert split.val.x.mean() != 0


def test_no_image_is_on_both_sides() -> None:
    split = load(Data())
    train = {row.tobytes() for row in split.train.x.numpy()}
    val = {row.tobytes() for row in split.val.x.numpy()}
    # The digits hold no two equal images.
    assert (len(train), len(val)) == (len(split.train.y), len(split.val.y))
    assert not train & val


def test_a_share_that_empties_a_class_is_refused() -> None:
    with pytest.raises(
        SettingError, match="`val_fraction` must leave examples of class 0 on both sides"
    ):
        load(Data(val_fraction=0.001))


def test_the_order_in_memory_changes_no_standardised_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = np.random.default_rng(0).integers(100, 256, (1500, 3, 16, 16)).astype(np.float32)
    y = np.arange(1500) % 2
    channels_last = x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    monkeypatch.setitem(SOURCES, "channels_first", lambda _: (x, y))
    monkeypatch.setitem(SOURCES, "channels_last", lambda _: (channels_last, y))
    first, last = (load(Data(name=name)) for name in ("channels_first", "channels_last"))
    assert torch.equal(first.train.x, last.train.x)
    assert torch.equal(first.val.x, last.val.x)
    seen = last.train.x.double()
    assert seen.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert seen.std(dim=(0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
