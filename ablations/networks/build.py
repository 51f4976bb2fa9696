"""From settings to a network."""

from torch import nn

from ablations.errors import SettingError, one_of
from ablations.networks.cifar_resnet import CifarResNet, cifar_depth
from ablations.networks.sites import Sites
from ablations.settings import Attention, Backbone


def build_network(
    backbone: Backbone, attention: Attention, *, in_channels: int, classes: int
) -> nn.Module:
    """The host network with the arm's attention in it: images (N, in_channels, H, W) to logits.

    Raises:
        SettingError: If the name is unknown or the arm is illegal in this host.
    """
    if not backbone.name.startswith("cifar_resnet"):
        raise SettingError(
            one_of("backbone.name", backbone.name, ["cifar_resnet8", "cifar_resnet20"])
        )
    return CifarResNet(
        cifar_depth(backbone.name),
        width=backbone.width,
        shortcut=backbone.shortcut,
        sites=Sites(attention),
        in_channels=in_channels,
        classes=classes,
    )
