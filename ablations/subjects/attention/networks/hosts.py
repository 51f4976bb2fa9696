"""The host networks by name."""

import re
from collections.abc import Callable
from typing import Any

from torch import nn

from ablations.errors import SettingError, one_of
from ablations.subjects.attention.networks import mobile, resnet, vgg
from ablations.subjects.attention.networks.cifar_resnet import CifarResNet
from ablations.subjects.attention.networks.googlenet import GoogLeNet
from ablations.subjects.attention.networks.regnet import LINES, RegNet
from ablations.subjects.attention.networks.sequence_resnet import SequenceResNet
from ablations.subjects.attention.networks.sites import Sites
from ablations.subjects.attention.networks.vit import SmallVit
from ablations.subjects.attention.settings.groups import Backbone

Host = Callable[..., nn.Module]


def build_host(backbone: Backbone, sites: Sites, *, in_channels: int, classes: int) -> nn.Module:
    """The host network with what the sites put in it.

    Raises:
        SettingError: If the name is unknown or the arm is illegal in this host.
    """
    network = _host(backbone.name)(backbone, sites=sites, in_channels=in_channels, classes=classes)
    sites.check()
    return network


def network_names() -> list[str]:
    """All names of networks, the families by their smallest members."""
    return [*NETWORKS, *(f"{family}8" for family in FAMILIES)]


def has_residual_units(name: str) -> bool:
    """Whether branches of the network can be left out (`networks.residual`)."""
    return _host(name) in (_resnet, _regnet, _cifar)


def position_dims(name: str) -> int:
    """Dimensions of an input's positions: 1 for sequences, 2 for images."""
    return 1 if name.startswith("sequence") else 2


def positions(name: str, image: int | tuple[int, ...]) -> tuple[int, ...]:
    """The size of an input's positions: (height, width) of an image, (length,) of a sequence.

    Args:
        name: Of the network.
        image: That, or one number for all dimensions.

    Raises:
        SettingError: If the network is for images and the input a sequence, or the other way round.
    """
    dims = position_dims(name)
    if isinstance(image, int):
        return (image,) * dims
    if len(image) != dims:
        takes, given = ("images", "sequences") if dims == 2 else ("sequences", "images")
        other = "sequence_resnet8" if dims == 2 else "cifar_resnet8"
        raise SettingError(
            f"`backbone.name` {name!r} takes {takes}, but the data are {given} of size "
            f"{'x'.join(map(str, image))}; use a network for {given} "
            f"(--set backbone.name={other})."
        )
    return image


def _host(name: str) -> Host:
    if name in NETWORKS:
        return NETWORKS[name]
    found = re.fullmatch(r"([a-z_]+resnet)(\d+)", name)
    if found and found[1] in FAMILIES:
        return FAMILIES[found[1]]
    raise SettingError(one_of("backbone.name", name, network_names()))


def _resnet(backbone: Backbone, **given: Any) -> nn.Module:
    return resnet.ResNet(resnet.DESIGNS[backbone.name], **given)


def _regnet(backbone: Backbone, **given: Any) -> nn.Module:
    return RegNet(backbone.name, **given)


def _vgg(backbone: Backbone, **given: Any) -> nn.Module:
    return vgg.Vgg(backbone.name, **given)


def _googlenet(_: Backbone, **given: Any) -> nn.Module:
    return GoogLeNet(**given)


def _mobile(backbone: Backbone, *, sites: Sites, in_channels: int, classes: int) -> nn.Module:
    build = {
        "mobilenet_v3_small": mobile.mobilenet_v3_small,
        "mobilenet_v3_large": mobile.mobilenet_v3_large,
        "efficientnet_b0": mobile.efficientnet_b0,
    }[backbone.name]
    return build(sites, in_channels, classes)


def _small_vit(backbone: Backbone, **given: Any) -> nn.Module:
    return SmallVit(width=backbone.width, **given)


def _cifar(backbone: Backbone, **given: Any) -> nn.Module:
    return CifarResNet(backbone.name, width=backbone.width, shortcut=backbone.shortcut, **given)


def _sequence(backbone: Backbone, **given: Any) -> nn.Module:
    return SequenceResNet(backbone.name, width=backbone.width, **given)


NETWORKS: dict[str, Host] = {
    **dict.fromkeys(resnet.DESIGNS, _resnet),
    "mobilenet_v3_small": _mobile,
    "mobilenet_v3_large": _mobile,
    "efficientnet_b0": _mobile,
    **dict.fromkeys(LINES, _regnet),
    **dict.fromkeys(vgg.COUNTS, _vgg),
    "googlenet": _googlenet,
    "small_vit": _small_vit,
}
FAMILIES: dict[str, Host] = {
    "cifar_resnet": _cifar,
    "cifar_preact_resnet": _cifar,
    "sequence_resnet": _sequence,
}
