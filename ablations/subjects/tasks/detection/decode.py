"""From the maps to boxes: peaks of the heat, the hottest first."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ablations.subjects.tasks.detection.network import STRIDE, Maps


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """Boxes that were found in n images, d of each, the surest first.

    Attributes:
        boxes_nd4: Left, top, right, bottom in pixels.
        labels_nd: Their classes.
        scores_nd: 0 to 1.
    """

    boxes_nd4: Tensor
    labels_nd: Tensor
    scores_nd: Tensor


def decode(found: Maps, *, most: int) -> Boxes:
    """The boxes of the hottest peaks. A place is a peak of its class where no neighbour of the eight is hotter."""
    heat_nkhw = found.heat_nkhw.sigmoid()
    is_peak = heat_nkhw == max_pool2d(heat_nkhw, 3, stride=1, padding=1)
    places = heat_nkhw.shape[2] * heat_nkhw.shape[3]
    peaks_ni = (heat_nkhw * is_peak).flatten(1)
    scores_nd, at_nd = peaks_ni.topk(min(most, peaks_ni.shape[1]))
    labels_nd = at_nd.div(places, rounding_mode="floor")
    place_nd = at_nd % places
    size_nd2, offset_nd2 = (
        x.flatten(2).gather(2, place_nd[:, None].expand(-1, 2, -1)).movedim(1, 2)
        for x in (found.size_n2hw, found.offset_n2hw)
    )
    width = heat_nkhw.shape[3]
    corner_nd2 = torch.stack((place_nd % width, place_nd.div(width, rounding_mode="floor")), -1)
    centre_nd2 = corner_nd2 + offset_nd2
    half_nd2 = size_nd2.clamp_min(0) / 2
    boxes_nd4 = torch.cat((centre_nd2 - half_nd2, centre_nd2 + half_nd2), -1) * STRIDE
    return Boxes(boxes_nd4=boxes_nd4, labels_nd=labels_nd, scores_nd=scores_nd)
