import io

import numpy as np
import pytest

from ablations.subjects.attention.data.layouts.listing import Unreadable
from ablations.subjects.attention.data.stored.decode import (
    Draw,
    View,
    decoded,
    middle,
    random_part,
)

image = pytest.importorskip("PIL.Image")
ROWS, COLUMNS = np.mgrid[0:120, 0:200]
RAMP = np.stack([ROWS, COLUMNS, 0 * ROWS], axis=2).astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str = "png", **given) -> bytes:
    out = io.BytesIO()
    image.fromarray(pixels).save(out, format=kind, **given)
    return out.getvalue()


def test_the_middle_is_a_square_of_a_share_of_the_shorter_side() -> None:
    assert middle(200, 120, share=0.5) == (70, 30, 130, 90)
    seen = decoded(encoded(RAMP), View(60, 0.5), place=0)
    assert np.array_equal(seen, RAMP[30:90, 70:130])


def test_pixels_are_seen_as_an_encoded_image_is() -> None:
    for view in (View(), View(30, 0.9)):
        assert np.array_equal(decoded(RAMP, view, place=0), decoded(encoded(RAMP), view, place=0))


def test_a_part_is_cut_out_of_the_upright_image() -> None:
    exif = image.Exif()
    exif[0x112] = 6
    seen = decoded(encoded(RAMP, exif=exif), View(60, 0.5), place=0)
    assert np.array_equal(seen, np.rot90(RAMP, -1)[70:130, 30:90])


@pytest.mark.parametrize("side", [10, 40, 120, 300])
def test_a_jpeg_that_is_decoded_small_is_what_it_is_whole(side: int) -> None:
    smooth = encoded(RAMP, "jpeg", quality=95)
    whole = decoded(np.asarray(image.open(io.BytesIO(smooth))), View(side, 1.0), place=0)
    small = decoded(smooth, View(side, 1.0), place=0)
    assert small.shape == (side, side, 3)
    assert np.abs(small.astype(int) - whole).max() <= 6


def test_random_parts_are_of_the_areas_and_ratios_that_are_named() -> None:
    boxes = np.array([random_part(400, 400, Draw(0, 0), place) for place in range(1000)])
    left, top, right, bottom = boxes.T
    wide, tall = right - left, bottom - top
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= 400).all()
    assert (bottom <= 400).all()
    area, ratio = wide * tall / 160_000, wide / tall
    assert 0.078 < area.min() < 0.1
    assert 0.95 < area.max() <= 1
    assert 0.45 < area.mean() < 0.54
    assert 0.74 < ratio.min() < 0.77
    assert 1.3 < ratio.max() < 1.37
    assert (left == 0).mean() < 0.1
    assert (right == 400).mean() < 0.1


@pytest.mark.parametrize(
    ("size", "part"), [((400, 10), (193, 0, 206, 10)), ((10, 400), (0, 193, 10, 206))]
)
def test_an_image_that_no_part_fits_is_cut_in_the_middle(size, part) -> None:
    boxes = {random_part(*size, Draw(0, 0), place) for place in range(300)}
    assert part in boxes


def test_a_part_repeats_and_differs_with_each_of_seed_epoch_and_place() -> None:
    def part(seed: int, epoch: int, place: int) -> tuple[float, ...]:
        return random_part(400, 300, Draw(seed, epoch), place)

    assert part(1, 2, 3) == part(1, 2, 3)
    assert len({part(1, 2, 3), part(0, 2, 3), part(1, 0, 3), part(1, 2, 0)}) == 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_of_8_bits_becomes_colour(mode: str) -> None:
    out = io.BytesIO()
    image.fromarray(RAMP).convert(mode).save(out, format="tiff")
    assert decoded(out.getvalue(), View(20), place=0).shape == (20, 20, 3)


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (b"", "UnidentifiedImageError"),
        (b"no image", "UnidentifiedImageError"),
        (encoded(RAMP)[:300], "OSError|SyntaxError"),
        (encoded(RAMP, "jpeg")[:900], "OSError: image file is truncated"),
    ],
)
@pytest.mark.parametrize("view", [View(), View(50)])
def test_what_is_no_image_is_unreadable(stored: bytes, why: str, view: View) -> None:
    with pytest.raises(Unreadable, match=why):
        decoded(stored, view, place=0)
