"""What an arm puts into its host: attention at its places, or a widening that costs as much."""

from dataclasses import dataclass

from ablations.subjects.attention.networks.hosts import positions
from ablations.subjects.attention.networks.sites import Sites
from ablations.subjects.attention.placing.map_sizes import sites_for
from ablations.subjects.attention.placing.widening import matched_widening
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.attention.settings.rules import WIDENINGS


@dataclass(frozen=True, kw_only=True)
class ArmSites:
    """The sites of an arm."""

    sites: Sites
    mismatch: float | None = None
    """Of a host widened to match: the share by which it missed. None for all others."""


def arm_sites(
    backbone: Backbone,
    attention: Attention,
    *,
    in_channels: int,
    classes: int,
    image: int | tuple[int, ...] | None,
) -> ArmSites:
    """What the arm puts into its host.

    Args:
        backbone: The host.
        attention: What is in it.
        in_channels: Channels of the image, or of the sequence.
        classes: Outputs.
        image: As for `hosts.positions`; needed where the host is widened to equal multiply-adds, and
            where a block's weights are as large as the map.

    Raises:
        SettingError: If the arm is illegal in this host, or needs the size of the image.
    """
    given = {"in_channels": in_channels, "classes": classes}
    if image is not None:
        positions(backbone.name, image)
    if attention.placement == "none" or attention.control not in WIDENINGS:
        return ArmSites(sites=sites_for(backbone, attention, image=image, **given))
    matched = matched_widening(backbone, attention, image=image, **given)
    return ArmSites(sites=Sites(attention, widening=matched.share), mismatch=matched.mismatch)
