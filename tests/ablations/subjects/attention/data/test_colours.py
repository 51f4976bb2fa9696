import colorsys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ablations.streams import generator
from ablations.subjects.attention.data import colour_operations as op
from ablations.subjects.attention.data.augmentation import augmentation
from ablations.subjects.attention.data.colour_policies import POLICIES
from ablations.subjects.attention.data.colours import Colours
from ablations.subjects.attention.data.dataset import load
from ablations.subjects.attention.data.sources.digits import digits
from ablations.subjects.attention.settings.groups import AUGMENTATIONS, Data

WORDS = sorted(POLICIES)
X = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def one(*rows: list[float]) -> Tensor:
    """An image of one channel."""
    return torch.tensor([[rows]])


def number(value: float) -> Tensor:
    return torch.tensor([value])


def test_colours_are_the_data_sets_own_numbers_between_black_and_its_highest() -> None:
    split = load(Data())
    assert split.colours is not None
    pixels, _ = digits(Data())
    shown = torch.cat([split.train.x, split.val.x])
    seen = {row.tobytes() for row in (split.colours.of(shown) * 16).round().int().numpy()}
    assert seen == {row.tobytes() for row in pixels.astype(np.int32)}
    again = split.colours.standardised(split.colours.of(shown))
    assert torch.allclose(again, shown, atol=1e-5)


@pytest.mark.parametrize("word", WORDS)
def test_each_image_has_draws_of_its_own_that_the_seed_repeats(word: str) -> None:
    same = X[:1].expand(64, -1, -1, -1)
    first, again, other = (POLICIES[word](same, generator(seed, "a")) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(torch.unique(first.flatten(1), dim=0)) > 8
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert torch.equal(same, X[:1].expand(64, -1, -1, -1))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_numbers_of_channels_and_tiny_images_are_augmented(word: str, channels: int) -> None:
    for size in (1, 2, 5):
        x = torch.rand(40, channels, size, size, generator=torch.Generator().manual_seed(1))
        assert POLICIES[word](x, generator(0, "a")).shape == x.shape


def test_the_words_are_those_that_settings_know_and_work_on_standardised_images() -> None:
    assert set(WORDS) < set(AUGMENTATIONS)
    colours = Colours(spread=torch.tensor([0.25, 0.2, 0.3]), middle=torch.tensor([0.5, 0.4, 0.6]))
    x = colours.standardised(X)
    joined = augmentation("flip+color_jitter", colours)
    assert joined is not None
    found = colours.of(joined(x, generator(3, "a")))
    draws = generator(3, "a")
    flip = augmentation("flip")
    assert flip is not None
    wanted = POLICIES["color_jitter"](flip(X, draws), draws)
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("operation", "value", "before", "after"),
    [
        (op.brightness, 1.5, one([0.2, 0.8]), one([0.3, 1.0])),
        (op.contrast, 0.5, one([0.2, 0.8]), one([0.35, 0.65])),
        (op.saturation, 0.0, one([0.2, 0.8]), one([0.2, 0.8])),
        (op.solarize, 127.5, one([0.2, 0.8]), one([0.2, 0.2])),
        (op.posterize, 1.0, one([0.2, 0.8]), one([0.0, 128 / 255])),
        (op.autocontrast, 0.0, one([0.2, 0.7]), one([0.0, 1.0])),
        (op.autocontrast, 0.0, one([0.4, 0.4]), one([0.4, 0.4])),
        (op.translate_x, 1.0, one([0.1, 0.2, 0.3]), one([0.0, 0.1, 0.2])),
        (op.translate_y, -1.0, one([0.1], [0.2]), one([0.2], [0.0])),
        (op.rotate, 90.0, one([0.1, 0.2], [0.3, 0.4]), one([0.2, 0.4], [0.1, 0.3])),
        (op.shear_x, 2.0, one([0.1, 0.2], [0.3, 0.4]), one([0.2, 0.0], [0.0, 0.0])),
    ],
)  # fmt: skip
def test_an_operation_by_hand(
    operation: Callable[[Tensor, Tensor], Tensor], value: float, before: Tensor, after: Tensor
) -> None:
    assert torch.allclose(operation(before, number(value)), after, atol=1e-6)


def test_equalized_colours_are_about_equally_frequent() -> None:
    levels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2)) ** 3
    found = op.equalize(levels, torch.zeros(2))
    quarters = torch.histc(found, bins=4, min=0, max=1) / found.numel()
    assert torch.allclose(quarters, torch.full((4,), 0.25), atol=0.03)
    assert float((levels < 0.25).float().mean()) > 0.6
    # Each image and channel by its own counts.
    assert torch.equal(op.equalize(levels[1:, 2:], torch.zeros(1)), found[1:, 2:])


def test_hue_is_turned_as_by_pythons_colorsys() -> None:
    x = X[:3].double()
    x[0, :, 0, 0], x[0, :, 0, 1] = 0.5, 0  # grey, and black
    x[0, :, 0, 2] = torch.tensor([1.0, 1.0, 0.0])  # two channels are the highest
    turns = torch.tensor([-0.5, 0.1, 0.93])
    found = op.hue(x, turns)
    for image, turned, turn in zip(x, found, turns.tolist(), strict=True):
        pixels = image.flatten(1).T.tolist()
        hsv = [colorsys.rgb_to_hsv(*pixel) for pixel in pixels]
        wanted = [colorsys.hsv_to_rgb((h + turn) % 1, s, v) for h, s, v in hsv]
        assert torch.allclose(turned.flatten(1).T, torch.tensor(wanted).double(), atol=1e-6)
    assert torch.equal(op.hue(X[:, :1], torch.ones(64)), X[:, :1])


def test_the_jitter_without_hue_draws_as_before_there_was_one() -> None:
    draws, again = generator(0, "a"), generator(0, "a")
    wanted = X
    for k in torch.randperm(3, generator=again).tolist():
        factor = 0.6 + 0.8 * torch.rand(64, generator=again)
        wanted = (op.brightness, op.contrast, op.saturation)[k](wanted, factor)
    assert torch.allclose(POLICIES["color_jitter"](X, draws), wanted, atol=1e-6)
