"""The loss of an anchor-free detector: where centres are, to a part of a place, and how large the boxes."""

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, logsigmoid

from ablations.subjects.tasks.detection.network import Maps
from ablations.subjects.tasks.detection.targets import Targets

SIZE_WEIGHT = 0.1
"""As in CenterNet (arXiv 1904.07850, section 3)."""


def detection_loss(found: Maps, true: Targets) -> Tensor:
    """Focal loss of the heat, and mean distances of offset and (a tenth of) size at the boxes' centres."""
    there_nm1 = true.there_nm[..., None]
    boxes = there_nm1.sum().clamp_min(1)
    size_nm2, offset_nm2 = (_at(x, true.place_nm) for x in (found.size_n2hw, found.offset_n2hw))
    size, offset = (
        (l1_loss(guess, truth, reduction="none") * there_nm1).sum() / boxes
        for guess, truth in ((size_nm2, true.size_nm2), (offset_nm2, true.offset_nm2))
    )
    return focal_loss(found.heat_nkhw, true.heat_nkhw) + SIZE_WEIGHT * size + offset


def focal_loss(heat_nkhw: Tensor, true_nkhw: Tensor) -> Tensor:
    """The penalty-reduced focal loss for each box (CornerNet, arXiv 1808.01244, equation 1; alpha 2, beta 4).

    Places near a centre, where the truth is below 1 and above 0, are hardly punished for heat.

    Args:
        heat_nkhw: Logits.
        true_nkhw: 0 to 1; exactly 1 at the centres.
    """
    heat = heat_nkhw.sigmoid()
    is_centre = true_nkhw == 1
    missed = (1 - heat) ** 2 * logsigmoid(heat_nkhw)
    false = (1 - true_nkhw) ** 4 * heat**2 * logsigmoid(-heat_nkhw)
    return -torch.where(is_centre, missed, false).sum() / is_centre.sum().clamp_min(1)


def _at(map_n2hw: Tensor, place_nm: Tensor) -> Tensor:
    """(n, m, 2), what a map says at the boxes' centres."""
    return map_n2hw.flatten(2).gather(2, place_nm[:, None].expand(-1, 2, -1)).movedim(1, 2)
