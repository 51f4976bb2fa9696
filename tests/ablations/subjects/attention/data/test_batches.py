import pytest
import torch

from ablations.streams import generator
from ablations.subjects.attention.data.augmentation import (
    AUGMENTATIONS,
    augmentation,
    crop_flip,
    cutout,
    erasing,
    random_resized_crop,
    shift,
)
from ablations.subjects.attention.data.batches import Batches, validation_batch
from ablations.subjects.attention.data.examples import Examples

N = 23
IMAGES = Examples(torch.arange(N * 16, dtype=torch.float32).view(N, 1, 4, 4), torch.arange(N))


def labels(batches: Batches) -> list[list[int]]:
    return [y.tolist() for _, y in batches]


def flat(batches: Batches) -> list[int]:
    return [label for batch in labels(batches) for label in batch]


def test_validation_visits_every_image_once_in_order() -> None:
    assert flat(Batches(IMAGES, batch_size=5)) == list(range(N))
    assert len(Batches(IMAGES, batch_size=5)) == 5


@pytest.mark.parametrize(
    ("examples", "world_size", "size"),
    [
        *((n, 1, 1024) for n in (1, 2, 540, 1023, 1024, 1026, 2048, 2050, 4096)),
        (1025, 1, 1023),
        (2049, 1, 1023),
        (1024 * 1023 + 1, 1, 1022),  # one more than a multiple of 1023, too: 1024 - 1 is
        (1025, 2, 1021),
        (1027, 2, 1023),
        (1028, 2, 1024),
        (3, 2, 1024),
    ],
)
def test_the_validation_batch_leaves_no_single_example_over(examples, world_size, size):
    assert validation_batch(examples, largest=1024, world_size=world_size) == size


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
def test_every_share_of_every_validation_batch_has_two_examples(world_size):
    for n in range(2 * world_size, 300):
        size = validation_batch(n, largest=32, world_size=world_size)
        shares = [
            len(range(begin + rank, min(begin + size, n), world_size))
            for begin in range(0, n, size)
            for rank in range(world_size)
        ]
        assert min(shares) >= 2
        assert sum(shares) == n


def test_training_leaves_the_last_incomplete_batch_out() -> None:
    batches = Batches(IMAGES, batch_size=5, seed=0)
    seen = flat(batches)
    assert (len(batches), len(seen), len(set(seen))) == (4, 20, 20)


def test_the_order_follows_seed_and_epoch_only() -> None:
    epoch = 0
    batches = Batches(IMAGES, batch_size=5, seed=0, epoch=lambda: epoch)
    first = labels(batches)
    assert first == labels(batches)
    epoch = 1
    assert first != labels(batches)
    assert first != labels(Batches(IMAGES, batch_size=5, seed=1))


@pytest.mark.parametrize("augment", [None, shift])
def test_ranks_share_each_batch_out_without_changing_it(augment) -> None:
    whole = list(Batches(IMAGES, batch_size=6, seed=0, augment=augment))
    parts = [
        list(Batches(IMAGES, batch_size=6, seed=0, augment=augment, rank=rank, world_size=2))
        for rank in (0, 1)
    ]
    for (x, y), (x0, y0), (x1, y1) in zip(whole, *parts, strict=True):
        assert torch.equal(x[0::2], x0)
        assert torch.equal(x[1::2], x1)
        assert torch.equal(torch.stack([y0, y1], dim=1).flatten(), y)


def test_shift_moves_by_at_most_one_pixel_and_pads_with_zeros() -> None:
    x = torch.zeros(200, 1, 5, 5)
    x[:, 0, 2, 2] = 1
    moved = shift(x, generator(0, "a")).nonzero()
    assert len(moved) == 200
    assert set(moved[:, 2].tolist()) == set(moved[:, 3].tolist()) == {1, 2, 3}


def test_crop_flip_mirrors_about_half_of_the_images() -> None:
    ramp = torch.arange(16.0).expand(400, 1, 16, 16)
    out = crop_flip(ramp, generator(0, "a"))
    middle = out[:, 0, 8]
    falling = (middle[:, 7] > middle[:, 8]).float().mean()
    assert 0.4 < falling < 0.6


def test_augmentation_repeats_with_the_seed_and_differs_with_another() -> None:
    x = torch.rand(8, 3, 6, 6)
    assert torch.equal(crop_flip(x, generator(0, "a")), crop_flip(x, generator(0, "a")))
    assert not torch.equal(crop_flip(x, generator(0, "a")), crop_flip(x, generator(1, "a")))


def test_a_resized_crop_is_a_part_of_the_image_of_the_size_that_was_drawn() -> None:
    n, size = 2000, 16
    middles = (torch.arange(size) + 0.5) / size
    rows = middles[:, None].expand(size, size)
    x = torch.stack([rows, rows.T]).expand(n, 2, size, size)
    out = random_resized_crop(x, generator(0, "a"))
    tall = (out[:, 0, 8, 8] - out[:, 0, 7, 8]) * size
    wide = (out[:, 1, 8, 8] - out[:, 1, 8, 7]) * size
    area, ratio = tall * wide, wide / tall
    assert 0.079 < area.min() < 0.12
    assert 0.9 < area.max() <= 1.0001
    # Large areas of a long shape do not fit, and are drawn again.
    assert 0.45 < area.mean() < 0.54
    assert 0.749 < ratio.min() < 0.8
    assert 1.25 < ratio.max() < 1.334
    assert (out >= middles[0] - 1e-6).all()
    assert (out <= middles[-1] + 1e-6).all()


def test_erasing_sets_a_rectangle_of_half_of_the_images_to_the_mean() -> None:
    out = erasing(torch.ones(1000, 2, 32, 32), generator(0, "a"))
    erased = (out[:, 0] == 0).float().mean((1, 2))
    assert torch.equal(out[:, 0], out[:, 1])
    assert 0.45 < (erased > 0).float().mean() < 0.55
    assert erased[erased > 0].min() > 0.01
    assert 0.15 < erased[erased > 0].mean() < 0.2
    assert erased.max() < 0.37


def test_cutout_blanks_a_square_of_half_the_side_that_the_border_may_cut() -> None:
    out = cutout(torch.ones(500, 1, 16, 16), generator(0, "a"))
    sides = (out[:, 0] == 0).any(2).sum(1)
    assert sides.max() == 8
    assert 4 <= sides.min() < 8


def test_words_are_done_one_after_the_other() -> None:
    x = torch.rand(32, 1, 8, 8)
    both = augmentation("crop_flip+cutout")
    assert both is not None
    draws = generator(0, "a")
    assert torch.equal(both(x, generator(0, "a")), cutout(crop_flip(x, draws), draws))
    assert augmentation("none") is None


@pytest.mark.parametrize("word", AUGMENTATIONS)
def test_every_augmentation_repeats_and_leaves_shape_type_and_input_alone(word: str) -> None:
    x = torch.rand(6, 3, 8, 12).contiguous(memory_format=torch.channels_last)
    before = x.clone()
    out = AUGMENTATIONS[word](x, generator(0, "a"))
    assert torch.equal(x, before)
    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    assert torch.equal(out, AUGMENTATIONS[word](x, generator(0, "a")))
    assert not torch.equal(out, AUGMENTATIONS[word](x, generator(1, "a")))
