"""Augmentation of whole batches on their device, drawn from a generator.

The images are standardised, so a zero is the mean of its channel. Names are torchvision's, where it has one.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ablations.subjects.attention.data.colour_policies import POLICIES
from ablations.subjects.attention.data.colours import Colours

Augment = Callable[[Tensor, torch.Generator], Tensor]


def augmentation(words: str, colours: Colours | None = None) -> Augment | None:
    """What the words of `data.augmentation` do, one after the other; None where they are `none`.

    Args:
        words: Joined by +.
        colours: Of the standardised images; needed for those words that change colours.
    """
    if words == "none":
        return None
    steps = [AUGMENTATIONS.get(word) or _of_colours(word, colours) for word in words.split("+")]

    def augment(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
        for step in steps:
            x_nchw = step(x_nchw, draws)
        return x_nchw

    return augment


def shift(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Each image moved by up to one pixel along both axes, zero-padded."""
    return _crop(x_nchw, draws, pad=1)


def crop(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Each image padded by 4 and cropped back at random."""
    return _crop(x_nchw, draws, pad=4)


def flip(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Each image mirrored left-right half of the time."""
    flips = torch.rand(len(x_nchw), generator=draws) < 0.5
    return torch.where(flips.to(x_nchw.device)[:, None, None, None], x_nchw.flip(3), x_nchw)


def crop_flip(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Each image padded by 4, cropped back at random, and mirrored half of the time."""
    flips = torch.rand(len(x_nchw), generator=draws) < 0.5
    cropped = _crop(x_nchw, draws, pad=4)
    return torch.where(flips.to(x_nchw.device)[:, None, None, None], cropped.flip(3), cropped)


def random_resized_crop(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """A part of each image, of 8 to 100 % of its area and 3:4 to 4:3, bilinearly scaled to the whole."""
    n, _, height, width = x_nchw.shape
    tall, wide = _boxes(n, draws, size=(height, width), area=(0.08, 1.0), ratio=(3 / 4, 4 / 3))
    top, left = torch.rand(2, n, generator=draws) * torch.stack([1 - tall, 1 - wide])
    # From the output's coordinates in [-1, 1] to the part's.
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = wide, 2 * left + wide - 1
    theta[:, 1, 1], theta[:, 1, 2] = tall, 2 * top + tall - 1
    grid = F.affine_grid(theta, [n, 1, height, width], align_corners=False)
    return F.grid_sample(
        x_nchw, grid.to(x_nchw), mode="bilinear", padding_mode="border", align_corners=False
    )


def erasing(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Of half of the images a rectangle of 2 to 33 % of the area, 0.3:1 to 3.3:1, set to the mean."""
    n, _, height, width = x_nchw.shape
    tall, wide = _boxes(n, draws, size=(height, width), area=(0.02, 0.33), ratio=(0.3, 3.3))
    top, left = torch.rand(2, n, generator=draws) * torch.stack([1 - tall, 1 - wide])
    chosen = torch.rand(n, generator=draws) < 0.5
    return _blank(x_nchw, top, top + tall * chosen, left, left + wide)


def cutout(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Of each image a square of half its side, about a centre anywhere, set to the mean (arXiv 1708.04552)."""
    middle = torch.rand(2, len(x_nchw), generator=draws)
    (top, left), (bottom, right) = middle - 0.25, middle + 0.25
    return _blank(x_nchw, top, bottom, left, right)


AUGMENTATIONS: dict[str, Augment] = {
    "shift": shift,
    "crop": crop,
    "flip": flip,
    "crop_flip": crop_flip,
    "random_resized_crop": random_resized_crop,
    "erasing": erasing,
    "cutout": cutout,
}


def _of_colours(word: str, colours: Colours | None) -> Augment:
    assert colours is not None, f"{word} needs the images' colours"
    policy = POLICIES[word]
    return lambda x_nchw, draws: colours.standardised(policy(colours.of(x_nchw), draws))


def _crop(x_nchw: Tensor, draws: torch.Generator, *, pad: int) -> Tensor:
    n, _, height, width = x_nchw.shape
    padded = F.pad(x_nchw, (pad, pad, pad, pad))
    top, left = torch.randint(0, 2 * pad + 1, (2, n), generator=draws).to(x_nchw.device)
    rows = (top[:, None] + torch.arange(height, device=x_nchw.device))[:, None, :, None]
    columns = (left[:, None] + torch.arange(width, device=x_nchw.device))[:, None, None, :]
    images = torch.arange(n, device=x_nchw.device)[:, None, None, None]
    channels = torch.arange(x_nchw.shape[1], device=x_nchw.device)[None, :, None, None]
    return padded[images, channels, rows, columns]


TRIES = 10


def _boxes(
    n: int,
    draws: torch.Generator,
    *,
    size: tuple[int, int],
    area: tuple[float, float],
    ratio: tuple[float, float],
) -> tuple[Tensor, Tensor]:
    """Heights and widths of n rectangles as shares of the image's, each (n,).

    The area is uniform and the ratio of width to height in pixels log-uniform; of ten draws the first that fits
    into the image, else the whole image.
    """
    drawn_area, drawn_ratio = torch.rand(2, TRIES, n, generator=draws)
    share = area[0] + (area[1] - area[0]) * drawn_area
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(low + (high - low) * drawn_ratio) * size[0] / size[1]
    tall, wide = (share / aspect).sqrt(), (share * aspect).sqrt()
    fits = (tall <= 1) & (wide <= 1)
    first = fits.int().argmax(0, keepdim=True)
    some = fits.any(0)
    one = torch.ones(n)
    return (
        torch.where(some, tall.gather(0, first)[0], one),
        torch.where(some, wide.gather(0, first)[0], one),
    )


def _blank(x_nchw: Tensor, top: Tensor, bottom: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Zero where a pixel's middle lies inside the rectangle, given in shares of the image, each (n,)."""
    height, width = x_nchw.shape[2:]
    rows, columns = (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width
    inside_rows = (rows >= top[:, None]) & (rows < bottom[:, None])
    inside_columns = (columns >= left[:, None]) & (columns < right[:, None])
    inside = (inside_rows[:, :, None] & inside_columns[:, None, :])[:, None]
    return x_nchw.masked_fill(inside.to(x_nchw.device), 0.0)
