from collections.abc import Callable

import numpy as np
import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.data.dataset import load, shape
from ablations.subjects.attention.data.parts import parts_of
from ablations.subjects.attention.data.sources.content import Content
from ablations.subjects.attention.data.sources.read import SOURCES
from ablations.subjects.attention.data.split import split_into
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


@pytest.mark.parametrize(
    "scaled",
    [
        lambda z: (1e30 * z).astype(np.float32),
        lambda z: (1e-30 * z).astype(np.float32),
        lambda z: 1e6 + 1e-3 * z,
        lambda z: 1e300 * z,
        lambda z: 1e-300 * z,
        lambda z: (10 * z).astype(np.float16),
    ],
    ids=["1e30", "1e-30", "far from 0", "1e300", "1e-300", "half"],
)
def test_numbers_of_any_size_are_standardised(
    scaled: Callable[[np.ndarray], np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    z = np.random.default_rng(0).normal(size=(40, 2, 5, 5))
    name = request.node.name  # what was read is remembered by its name
    monkeypatch.setitem(SOURCES, name, lambda _: (scaled(z), np.arange(40) % 4))
    monkeypatch.setitem(SOURCES, "plain", lambda _: (z, np.arange(40) % 4))
    split, plain = load(Data(name=name)), load(Data(name="plain"))
    assert float(split.train.x.std(correction=0)) == pytest.approx(1, abs=1e-5)
    assert torch.allclose(split.train.x, plain.train.x, atol=3e-3)
    assert torch.allclose(split.val.x, plain.val.x, atol=3e-3)


def test_a_number_that_is_not_finite_when_standardised_is_refused() -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 1, 4, 4)), np.arange(40) % 4
    parts = parts_of(y, Data(), seed=0)
    held_out = split_into(parts, Content(x, y)).val.x[0].numpy().ravel()
    # Scaling leaves the correlation of an example with itself alone.
    place = int(np.argmax([np.corrcoef(held_out, one.ravel())[0, 1] for one in x]))
    # An outlier that trains widens the deviation; one that validates does not.
    x[place] = 1e200
    with pytest.raises(SettingError, match="must be finite at mean 0 and deviation 1, as float32"):
        split_into(parts, Content(x, y))


def test_how_many_examples_are_standardised_at_a_time_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    content = Content(
        x=rng.normal(size=(60, 2, 9)), y=np.arange(60) % 3, lengths=rng.integers(1, 10, 60)
    )
    parts = parts_of(content.y, Data(), seed=0)
    whole = split_into(parts, content)
    monkeypatch.setattr("ablations.subjects.attention.data.split.AT_A_TIME", 7)
    some = split_into(parts, content)
    for one, other in ((whole.train, some.train), (whole.val, some.val)):
        assert torch.equal(one.x, other.x)
