import re

import pytest
import torch
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.networks.cifar_resnet import CifarResNet
from ablations.subjects.attention.networks.sites import Sites
from ablations.subjects.attention.settings.groups import Attention

IMAGES = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
MAP = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))


def put(network: nn.Module, at: str, example: torch.Tensor = MAP, **fields) -> list[str]:
    attached = attach(
        network, at=at, attention=Attention(reduction=4, **fields), example=example, seed=0
    )
    return [site.name for site in attached.sites]


def test_the_units_of_a_resnet_are_seen_with_and_without_a_projection():
    network = CifarResNet(
        "cifar_resnet8",
        width=8,
        shortcut="project",
        sites=Sites(Attention(placement="none")),
        in_channels=3,
        classes=2,
    )
    units = ["layer1.0", "layer2.0", "layer3.0"]
    assert put(network, "layer?.0", IMAGES, placement="post") == units


def test_post_gates_the_sum(unit):
    network = unit(last=nn.ReLU())
    before = network(MAP)
    put(network, "unit", placement="post")
    assert torch.equal(network(MAP), network.unit.channel_attention(before))


def test_identity_gates_the_shortcut_alone(unit):
    network = unit(last=nn.Identity())
    branch = network(MAP) - MAP
    put(network, "unit", placement="identity")
    gated = network.unit.channel_attention(MAP)
    assert not torch.allclose(gated, MAP)
    torch.testing.assert_close(network(MAP), branch + gated)


@pytest.mark.parametrize(
    ("placement", "last", "inplace", "message"),
    [
        (
            "standard",
            nn.ReLU(),
            False,
            "attention with placement='standard' fits 0 of the 1 modules that `at` matches; it does not fit: `unit` "
            "(Unit): a residual unit, where placement='standard' is inside: match the last module of its branch, or "
            "gate the sum by placement='post'.",
        ),
        (
            "standard",
            nn.BatchNorm2d(8),
            False,
            "`unit` (Unit): a residual unit, where placement='standard' is inside",
        ),
        (
            "pre",
            nn.Identity(),
            False,
            "`unit` (Unit): a residual unit, where placement='pre' is seen by the branch alone: match the first "
            "module of its branch.",
        ),
        (
            "identity",
            nn.ReLU(),
            False,
            "`unit` (Unit): gives more than the sum of its input and its branch (a projection, or an activation "
            "after the sum), so a hook cannot gate the shortcut alone; match the shortcut's own module by "
            "placement='standard'.",
        ),
        (
            "identity",
            nn.ReLU(inplace=True),
            False,
            "gives more than the sum of its input and its branch",
        ),
        (
            "identity",
            nn.Identity(),
            True,
            "`unit` (Unit): changes its input in place, so placement='identity' cannot see its shortcut; make it "
            "`inplace=False`.",
        ),
        (
            "post",
            nn.Conv2d(8, 8, 1),
            False,
            "`unit` (Unit): no residual unit, which placement='post'",
        ),
    ],
)
def test_a_placement_that_the_unit_does_not_allow_is_refused(
    placement, last, inplace, message, unit
):
    network = unit(last=last, inplace=inplace)
    with pytest.raises(SettingError, match=re.escape(message)):
        put(network, "unit", placement=placement)


@pytest.mark.parametrize("placement", ["post", "identity"])
def test_a_module_without_a_sum_is_no_unit(placement, unit):
    with pytest.raises(
        SettingError,
        match=rf"`unit\.conv` \(Conv2d\): no residual unit, which placement='{placement}' gates the (sum|shortcut) "
        r"of; use placement='standard'\.",
    ):
        put(unit(last=nn.Identity()), "unit.conv", placement=placement)


class Embedded(nn.Module):
    """A sum of two embeddings of its input, which is no map."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.kinds = nn.Embedding(9, 8), nn.Embedding(9, 8)

    def forward(self, x):
        return self.words(x) + self.kinds(x % 2)


def test_a_sum_of_embeddings_is_no_residual_unit():
    network = nn.ModuleDict({"embedded": Embedded()})
    network.forward = lambda x: network["embedded"](x)
    assert put(network, "embedded", torch.arange(6).view(2, 3)) == ["embedded"]
