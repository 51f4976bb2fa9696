import copy
import re

import pytest
import torch
from torch import Tensor, nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.settings.groups import Attention

SQUARE = torch.randn(2, 6, 6, 6, generator=torch.Generator().manual_seed(0))


class Network(nn.Module):
    """Runs a function of its modules."""

    def __init__(self, forward, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.function = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


class NormFirst(nn.LayerNorm):
    """A layer norm of channels that come second, as several libraries have."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def branches(conv: nn.Module, mixed: bool) -> nn.Module:
    """Two maps side by side, whose shape no layer gives."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        return torch.cat((x, m.conv(x)), 1)

    inside = Network(forward, conv=conv)
    if mixed:
        inside.fc = nn.Linear(6, 6)
        inside.function = lambda m, x: torch.cat((m.fc(x), m.conv(x)), 1)
    return inside


def found(network: nn.Module, at: str, x: Tensor, **options):
    attached = attach(
        network, at=at, attention=Attention(reduction=2), example=x, seed=0, **options
    )
    (site,) = attached.sites
    return site.layout, site.channels, site.size


def chain(**modules: nn.Module) -> nn.Module:
    def forward(m: nn.Module, x: Tensor) -> Tensor:
        for name in modules:
            x = m.get_submodule(name)(x)
        return x

    return Network(forward, **modules)


@pytest.mark.parametrize(
    ("network", "at", "x", "expected"),
    [
        (chain(a=nn.Conv1d(3, 4, 1)), "a", torch.randn(2, 3, 9), ("channels_first", 4, (9,))),
        (chain(a=nn.Conv2d(3, 4, 1)), "a", torch.randn(2, 3, 5, 6), ("channels_first", 4, (5, 6))),
        (chain(a=nn.Conv3d(3, 4, 1)), "a", torch.randn(2, 3, 2, 3, 4), ("channels_first", 4, (2, 3, 4))),
        (chain(a=nn.Linear(3, 4)), "a", torch.randn(2, 9, 3), ("channels_last", 4, (9,))),
        (chain(a=nn.Linear(3, 4)), "a", torch.randn(2, 5, 6, 3), ("channels_last", 4, (5, 6))),
        (chain(a=nn.LayerNorm(6)), "a", SQUARE, ("channels_last", 6, (6, 6))),
        (chain(a=nn.Conv2d(6, 6, 1)), "a", SQUARE, ("channels_first", 6, (6, 6))),
        (chain(a=nn.Linear(3, 4), b=nn.ReLU()), "b", torch.randn(2, 9, 3), ("channels_last", 4, (9,))),
        (chain(a=nn.Conv2d(3, 4, 1), b=nn.ReLU()), "b", torch.randn(2, 3, 5, 6), ("channels_first", 4, (5, 6))),
        (chain(a=nn.MaxPool2d(2)), "a", SQUARE, ("channels_first", 6, (3, 3))),
        (chain(a=NormFirst(8)), "a", torch.randn(2, 8, 5, 5), ("channels_first", 8, (5, 5))),
        (chain(a=branches(nn.Conv2d(6, 2, 1), False)), "a", SQUARE, ("channels_first", 8, (6, 6))),
    ],
)  # fmt: skip
def test_the_layers_show_where_the_channels_are(network, at, x, expected):
    assert found(network, at, x) == expected


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (chain(a=nn.ReLU()), "(2, 6, 6, 6)"),
        (chain(a=NormFirst(6)), "(2, 6, 6, 6)"),
        (chain(a=branches(nn.Conv2d(6, 2, 1), True)), "(2, 8, 6, 6)"),
    ],
)
@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
def test_what_no_layer_shows_must_be_said(network, shape, layout):
    with pytest.raises(
        SettingError,
        match=re.escape(
            f"gives {shape}, whose channels may come second or last; say which by layout='channels_first' or "
            "'channels_last'."
        ),
    ):
        found(network, "a", SQUARE)
    assert found(copy.deepcopy(network), "a", SQUARE, layout=layout)[0] == layout


def test_an_unknown_layout_is_refused():
    with pytest.raises(
        SettingError,
        match=r"`layout` must be one of 'infer', 'channels_first', 'channels_last', but got 'nhwc'\.",
    ):
        found(chain(a=nn.ReLU()), "a", SQUARE, layout="nhwc")


def test_tokens_are_gated_by_channel():
    network = chain(a=nn.Linear(3, 4))
    x = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0))
    before = network(x)
    attach(network, at="a", attention=Attention(excitation="full"), example=x, seed=0)
    ratio = network(x) / before
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
    by_hand = network.a.channel_attention(before.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(network(x), by_hand)
    assert len(ratio[0, 0].unique()) == 4


def test_what_a_module_takes_shows_where_the_channels_are_too():
    network = chain(a=nn.Linear(8, 4))
    x = torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(0))
    before = network.a
    attach(network, at="a", attention=Attention(reduction=2, placement="pre"), example=x, seed=0)
    gated = before.channel_attention(x.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(network(x), nn.functional.linear(gated, before.weight, before.bias))
