"""Scenes of digits: what they are made of, and that their masks and boxes are theirs."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ablations import SettingError
from ablations.subjects.tasks.scenes.compose import Scenes, compose
from ablations.subjects.tasks.scenes.glyphs import INK, glyphs, ink_boxes, resized
from ablations.subjects.tasks.scenes.settings import SceneSettings


def made(*, part="train", count=60, **settings) -> Scenes:
    return compose(SceneSettings(**settings), part=part, count=count)


def test_no_digit_is_in_scenes_of_both_parts_as_itself_or_as_clutter() -> None:
    train, val = (
        set(made(part=part, count=400).sources_nk.ravel()) - {-1} for part in ("train", "val")
    )
    assert not train & val
    assert len(train) > 700
    assert len(val) > 300
    parts = [glyphs(part, seed=0).numbers_n for part in ("train", "val")]
    assert sorted(np.concatenate(parts)) == list(range(1797))


def test_the_same_settings_repeat_and_another_seed_or_part_differs() -> None:
    first, again = made(seed=3), made(seed=3)
    assert all(np.array_equal(x, again.arrays()[name]) for name, x in first.arrays().items())
    assert not np.array_equal(first.images_nhw, made(seed=4).images_nhw)
    assert not np.array_equal(first.images_nhw, made(seed=3, part="val").images_nhw)


def test_labels_are_those_of_the_digits_and_as_many_as_were_asked_for() -> None:
    found = made(least=1, most=4, overlap=1)
    is_there = found.labels_nk >= 0
    digits = load_digits().target
    assert (digits[found.sources_nk[:, :4][is_there]] == found.labels_nk[is_there]).all()
    assert (is_there == (found.sources_nk[:, :4] >= 0)).all()
    assert set(is_there.sum(1)) == {1, 2, 3, 4}
    assert (found.boxes_nk4[~is_there] == 0).all()


def test_a_box_is_tight_around_the_ink_of_its_digit_and_of_no_other() -> None:
    found = made(overlap=0, noise=0, clutter=0)
    for mask, boxes, labels in zip(
        found.masks_nhw, found.boxes_nk4.astype(int), found.labels_nk, strict=True
    ):
        ink = 0
        for (left, top, right, bottom), label in zip(boxes, labels, strict=True):
            if label < 0:
                continue
            inside = mask[top:bottom, left:right]
            assert set(np.unique(inside)) <= {0, label + 1}
            edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
            assert all(edge.any() for edge in edges)
            ink += (inside > 0).sum()
        assert ink == (mask > 0).sum()  # none lies outside of all boxes


def shared(a: np.ndarray, b: np.ndarray) -> float:
    """Of the smaller box, by hand."""
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return max(across, 0) * max(down, 0) / min(areas)


@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.6])
def test_no_two_boxes_share_more_than_they_may_and_some_share_nearly_as_much(overlap) -> None:
    found = made(overlap=overlap, most=5, count=200)
    most = 0.0
    for boxes, labels in zip(found.boxes_nk4, found.labels_nk, strict=True):
        there = boxes[labels >= 0]
        most = max([most, *(shared(a, b) for i, a in enumerate(there) for b in there[:i])])
    assert 0.8 * overlap <= most <= overlap + 1e-9


def test_where_two_digits_overlap_the_later_one_is_seen() -> None:
    found = made(least=2, most=2, overlap=1, noise=0, clutter=0, smallest=16, side=20, count=300)
    covered = 0
    for mask, (_, over), (below, label) in zip(
        found.masks_nhw, found.boxes_nk4.astype(int), found.labels_nk, strict=True
    ):
        left, top, right, bottom = over
        inside = mask[top:bottom, left:right] == label + 1
        edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
        assert all(edge.any() for edge in edges)  # nothing covers it
        covered += below >= 0
    assert covered == 300


def test_clutter_and_noise_are_in_the_images_and_in_no_mask() -> None:
    bare, full = made(noise=0, clutter=0), made(noise=0, clutter=5)
    assert (bare.images_nhw[bare.masks_nhw == 0] < 256 * INK).all()
    assert (full.images_nhw[full.masks_nhw == 0] > 256 * INK).any()
    assert full.sources_nk.shape == (60, 3 + 5)
    assert made(noise=0.3).images_nhw[made(noise=0.3).masks_nhw == 0].std() > 25


def test_a_digit_keeps_its_pixels_at_its_own_size_and_a_ramp_stays_one_at_another() -> None:
    images = glyphs("train", seed=0).images_n88[:5]
    assert np.array_equal(resized(images, 8), images)
    ramp = np.broadcast_to(np.arange(8.0), (1, 8, 8))
    twice = resized(ramp, 16)[0]
    assert np.allclose(twice[:, 1:-1], np.arange(0.25, 7, 0.5))
    assert np.allclose(twice[:, [0, -1]], [0, 7])


def test_ink_boxes_by_hand() -> None:
    image = np.zeros((1, 8, 8))
    image[0, 2:5, 3] = 1
    image[0, 4, 3:7] = 1
    assert ink_boxes(image).tolist() == [[3, 2, 7, 5]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"least": 4}, r"`least <= most` must hold, but got 4 and 3\."),
        ({"smallest": 20}, r"`smallest <= largest` must hold, but got 20 and 16\."),
        ({"largest": 40}, r"`largest <= side` must hold, but got 40 and 32\."),
        (
            {"smallest": 7},
            r"`smallest >= 8` must hold, but got 7\. The digits have 8 by 8 pixels\.",
        ),
        ({"overlap": 1.5}, r"`overlap <= 1` must hold, but got 1\.5\."),
        ({"side": 8}, r"`side >= 16` must hold, but got 8\."),
    ],
)
def test_settings_that_cannot_be_drawn_are_refused(settings, message) -> None:
    with pytest.raises(SettingError, match=f"^{message}$"):
        SceneSettings(**settings)
