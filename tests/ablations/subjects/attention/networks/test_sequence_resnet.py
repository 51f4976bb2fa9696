from typing import get_args

import pytest
import torch

from ablations.streams import initialise
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings import choices
from ablations.subjects.attention.settings.groups import Attention, Backbone


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


@pytest.mark.parametrize(
    "settings",
    [
        *({"squeeze": word} for word in get_args(choices.Squeeze) if word != "gem"),
        {"squeeze": "gem", "order": "after"},
        *({"kind": word} for word in get_args(choices.Kind)),
        *({"kind": "gather_excite", "extent": extent} for extent in (2, 4, 8)),
        {"kind": "cbam", "placement": "pre"},
        {"kind": "gather_excite", "extent": 8, "placement": "pre"},
        {"kind": "gather_excite", "extent": 4, "excitation": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("length", [24, 32])
def test_the_length_of_the_padding_does_not_change_the_logits(settings, length):
    network = network_with(**settings)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.3 * noise)
    x = torch.randn(2, 3, 20, generator=generator, dtype=torch.float64)
    padded = torch.cat((x, torch.full((2, 3, length - 20), 7.0, dtype=torch.float64)), dim=2)
    mask = (torch.arange(length) < 20).expand(2, length)
    torch.testing.assert_close(network(padded, mask), network(x), rtol=0, atol=1e-9)
