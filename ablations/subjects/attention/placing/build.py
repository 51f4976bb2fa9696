"""From settings to a network."""

from torch import nn

from ablations.subjects.attention.networks.hosts import build_host
from ablations.subjects.attention.placing.arm_sites import arm_sites
from ablations.subjects.attention.settings.groups import Attention, Backbone


def build_network(
    backbone: Backbone,
    attention: Attention,
    *,
    in_channels: int,
    classes: int,
    image: int | tuple[int, ...] | None = None,
) -> nn.Module:
    """The host network with the arm's attention in it: images (N, in_channels, H, W) to logits.

    Args:
        backbone: The host.
        attention: What is in it; `own_attention.own_attention(name)` is the literature's.
        in_channels: Channels of the image, or of the sequence.
        classes: Outputs.
        image: Side of the image, its height and width, or length of the sequence; needed where the
            host is widened to equal multiply-adds, and where a block's weights are as large as the map.

    Raises:
        SettingError: If the name is unknown or the arm is illegal in this host.
    """
    given = {"in_channels": in_channels, "classes": classes}
    return build_host(backbone, arm_sites(backbone, attention, image=image, **given).sites, **given)
