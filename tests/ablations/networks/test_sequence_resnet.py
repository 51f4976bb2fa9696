import pytest
import torch

from ablations.networks.build import build_network
from ablations.settings import Attention, Backbone
from ablations.streams import initialise


def network_with(**settings):
    network = build_network(
        Backbone(name="sequence_resnet8", width=8),
        Attention(reduction=2, **settings),
        in_channels=3,
        classes=4,
    )
    initialise(network, seed=0)
    return network.double().eval()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"squeeze": "max"},
        {"squeeze": "attention"},
        {"squeeze": "avg_std"},
        {"squeeze": "none"},
        {"kind": "gct"},
        {"placement": "none"},
        {"placement": "post"},
        {"placement": "pre"},
        {"placement": "identity"},
        {"placement": "inner", "order": "after"},
    ],
)
def test_padding_does_not_change_the_logits_of_a_sequence(settings):
    network = network_with(**settings)
    x = torch.randn(1, 3, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    padded = torch.cat((x, torch.full((1, 3, 8), 7.0, dtype=torch.float64)), dim=2)
    mask = (torch.arange(20) < 12)[None]
    torch.testing.assert_close(network(padded, mask), network(x))
    assert not torch.allclose(network(padded), network(x))
