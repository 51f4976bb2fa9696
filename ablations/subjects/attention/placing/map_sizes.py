"""The places for attention whose parameters depend on the size of the map, which the image decides."""

from functools import lru_cache

import torch

from ablations.errors import SettingError
from ablations.subjects.attention.counting.tracing import trace_network
from ablations.subjects.attention.networks.hosts import build_host, positions
from ablations.subjects.attention.networks.sites import Sites
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.attention.settings.rules import has_own_parts, needs_map_size


def sites_for(
    backbone: Backbone,
    attention: Attention,
    *,
    in_channels: int,
    classes: int,
    image: int | tuple[int, ...] | None,
) -> Sites:
    """What puts the arm's attention into the host, for images of this size.

    Raises:
        SettingError: If the arm needs the size of the image and it is not given, or it is illegal.
    """
    if not needs_map_size(attention):
        return Sites(attention)
    if image is None:
        raise SettingError(
            "`gather='depthwise'` over the whole map (`extent=0`) needs the size of the image, because "
            "its weights are as large as the map. Pass `image`, or use an `extent` of 2, 4 or 8."
        )
    given = {"in_channels": in_channels, "classes": classes}
    sizes = _map_sizes(backbone, attention, size=positions(backbone.name, image), **given)
    return Sites(attention, sizes=sizes)


@lru_cache(maxsize=128)
def _map_sizes(
    backbone: Backbone,
    attention: Attention,
    *,
    in_channels: int,
    classes: int,
    size: tuple[int, ...],
) -> dict[str, tuple[int, ...]]:
    """By unit, from one pass without numbers through the same host with the mean in place of the weights."""
    sites = Sites(attention.model_copy(update={"gather": "mean"}))
    with torch.device("meta"):
        network = build_host(backbone, sites, in_channels=in_channels, classes=classes)
    own = has_own_parts(attention)
    trace = trace_network(network, (in_channels, *size), has_own_parts=own)
    return {name: tuple(shape[2:]) for name, shape in trace.maps.items()}
