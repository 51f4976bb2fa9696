"""Augmentation of whole batches on their device, drawn from a generator."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Augment = Callable[[Tensor, torch.Generator], Tensor]


def shift(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Each image moved by up to one pixel along both axes, zero-padded."""
    return _crop(x_nchw, draws, pad=1)


def crop_flip(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Each image padded by 4, cropped back at random, and mirrored half of the time."""
    flips = torch.rand(len(x_nchw), generator=draws) < 0.5
    cropped = _crop(x_nchw, draws, pad=4)
    return torch.where(flips.to(x_nchw.device)[:, None, None, None], cropped.flip(3), cropped)


AUGMENTATIONS: dict[str, Augment | None] = {"none": None, "shift": shift, "crop_flip": crop_flip}


def _crop(x_nchw: Tensor, draws: torch.Generator, *, pad: int) -> Tensor:
    n, _, height, width = x_nchw.shape
    padded = F.pad(x_nchw, (pad, pad, pad, pad))
    top, left = torch.randint(0, 2 * pad + 1, (2, n), generator=draws).to(x_nchw.device)
    rows = (top[:, None] + torch.arange(height, device=x_nchw.device))[:, None, :, None]
    columns = (left[:, None] + torch.arange(width, device=x_nchw.device))[:, None, None, :]
    images = torch.arange(n, device=x_nchw.device)[:, None, None, None]
    channels = torch.arange(x_nchw.shape[1], device=x_nchw.device)[None, :, None, None]
    return padded[images, channels, rows, columns]
