"""What the maps should say of a batch's boxes.

n counts images, m boxes of an image, k classes; (h, w) are places of the maps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ablations.subjects.tasks.detection.network import STRIDE

SPREAD = 6.0
"""A box as wide as this many standard deviations of the heat around its centre."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The truth at the places of the maps.

    Attributes:
        heat_nkhw: 1 at the centre of each box of class k, falling around it; the nearest box of a class counts.
        there_nm: Which boxes there are.
        place_nm: At which place, y w + x, the centre of each one lies.
        size_nm2: Width and height, in strides.
        offset_nm2: Of the centre within its place, 0 to 1.
    """

    heat_nkhw: Tensor
    there_nm: Tensor
    place_nm: Tensor
    size_nm2: Tensor
    offset_nm2: Tensor


def make_targets(
    boxes_nm4: Tensor, labels_nm: Tensor, *, classes: int, height: int, width: int
) -> Targets:
    """The truth of boxes in pixels of the image, for maps of (height, width).

    Args:
        boxes_nm4: Left, top, right, bottom.
        labels_nm: Their classes; negative where there is no box to be found.
        classes: How many there are.
        height: Places from top to bottom.
        width: Places from left to right.
    """
    there_nm = labels_nm >= 0
    size_nm2 = (boxes_nm4[..., 2:] - boxes_nm4[..., :2]) / STRIDE
    centre_nm2 = (boxes_nm4[..., 2:] + boxes_nm4[..., :2]) / (2 * STRIDE)
    limit = centre_nm2.new_tensor([width - 1, height - 1])
    place_nm2 = centre_nm2.floor().clamp_min(0).minimum(limit)
    return Targets(
        heat_nkhw=_heat(place_nm2, size_nm2, labels_nm, classes, height, width),
        there_nm=there_nm,
        place_nm=(place_nm2[..., 1] * width + place_nm2[..., 0]).long(),
        size_nm2=size_nm2,
        offset_nm2=centre_nm2 - place_nm2,
    )


def _heat(
    place_nm2: Tensor, size_nm2: Tensor, labels_nm: Tensor, classes: int, height: int, width: int
) -> Tensor:
    """A normal curve over each box, 1 at its centre's place, the largest for each class."""
    deviation_nm2 = (size_nm2 / SPREAD).clamp_min(1e-3)
    across_nmw = _curve(place_nm2[..., 0], deviation_nm2[..., 0], width)
    down_nmh = _curve(place_nm2[..., 1], deviation_nm2[..., 1], height)
    heat_nmhw = down_nmh[..., :, None] * across_nmw[..., None, :]
    there_nm11 = (labels_nm >= 0)[..., None, None]
    heat_nkhw = heat_nmhw.new_zeros(len(labels_nm), classes, height, width)
    index_nmhw = labels_nm.clamp_min(0)[..., None, None].expand_as(heat_nmhw)
    return heat_nkhw.scatter_reduce(1, index_nmhw, heat_nmhw * there_nm11, "amax")


def _curve(centre_nm: Tensor, deviation_nm: Tensor, places: int) -> Tensor:
    at = torch.arange(places, device=centre_nm.device, dtype=centre_nm.dtype)
    away_nmp = (at - centre_nm[..., None]) / deviation_nm[..., None]
    return (-(away_nmp**2) / 2).exp()
