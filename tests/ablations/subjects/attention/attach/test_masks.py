"""A mask that a module is given reaches the attention that is attached to it."""

import pickle

import pytest
import torch
from torch import nn

from ablations import Attention, SettingError, attach


class Masked(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, channels)

    def forward(self, x, keep=None):
        return self.linear(x)


class Host(nn.Module):
    """Tokens (n, t, 4) with a mask, given by position to one layer and by name to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Masked(4), Masked(4)

    def forward(self, x, keep=None):
        return self.second(self.first(x, keep), keep=keep)


def padded(host: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """What three tokens become alone, and with two of padding behind them."""
    x, more = torch.randn(2, 3, 4), torch.randn(2, 2, 4)
    with torch.no_grad():
        alone = host(x)
        keep = (torch.arange(5) < 3).expand(2, -1)
        return alone, host(torch.cat((x, 9 * more), 1), keep)[:, :3]


@pytest.fixture
def host() -> Host:
    torch.manual_seed(0)
    return Host()


EXAMPLE = torch.ones(2, 3, 4), torch.ones(2, 3, dtype=torch.bool)


@pytest.mark.parametrize("placement", ["standard", "pre"])
def test_padding_is_in_no_squeeze(host: Host, placement: str) -> None:
    attention = Attention(reduction=2, excitation="linear_bottleneck", placement=placement)
    attach(host, at=["first", "second"], attention=attention, example=EXAMPLE, seed=0, mask="keep")
    torch.testing.assert_close(*padded(host.eval()))
    torch.testing.assert_close(*padded(pickle.loads(pickle.dumps(host))))


def test_padding_counts_where_no_mask_is_named(host: Host) -> None:
    attention = Attention(reduction=2, excitation="linear_bottleneck")
    attach(host, at=["first", "second"], attention=attention, example=EXAMPLE, seed=0)
    alone, behind = padded(host.eval())
    assert (alone - behind).abs().max() > 1e-4


def test_a_module_must_take_the_mask(host: Host) -> None:
    with pytest.raises(
        SettingError, match=r"`Linear\.forward` takes input and no 'keep'\. Match a"
    ):
        attach(
            host, at="first.linear", attention=Attention(reduction=2), example=EXAMPLE, mask="keep"
        )


@pytest.mark.parametrize(
    "mask", [torch.ones(2, 3), torch.ones(2, 4, dtype=torch.bool)], ids=["numbers", "longer"]
)
def test_a_mask_must_be_of_its_map(host: Host, mask: torch.Tensor) -> None:
    with pytest.raises(SettingError, match=r"must be of type bool and shape \(2, 3\), True at the"):
        attach(
            host,
            at="first",
            attention=Attention(reduction=2),
            example=(EXAMPLE[0], mask),
            mask="keep",
        )
    assert not host.first._forward_hooks
