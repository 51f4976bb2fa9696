"""From 100 to 5 000 examples with a known share of wrong labels: what a network learns by heart is exactly known.

The class is the sign of the mean of four channels, so strong that nothing is lost by reading it; a fifth of the labels
are the other class. No network can do better on new examples than H(1/5) = 0.5004 nats, and one that has learnt what
there is to learn does just that: what it loses beyond is overfitting (or what it has not learnt yet).
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ablations.errors import SettingError
from ablations.streams import initialise
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone

CHANNELS, SIDE = 8, 8
SHIFT = 0.3
"""Of every position in the first half of the channels, in deviations of the noise; of their mean it is 4.8."""
WRONG = 0.2
LEAST = -(WRONG * math.log(WRONG) + (1 - WRONG) * math.log(1 - WRONG))
"""The loss of a network that knows the class and the share of wrong labels, in nats."""
STEPS, BATCH, TESTED = 200, 64, 1024
BLOCKS = {
    "none": Attention(placement="none"),
    "attention": Attention(reduction=1),
    "wider": Attention(reduction=1, control="widen_params"),
}
"""`wider`: no attention, and convolutions wide enough to have as many parameters."""


def train_size(config: Mapping[str, Any], seed: int) -> float:
    """The loss on new examples beyond the least one, in nats, after 200 steps of a ResNet-8.

    Raises:
        SettingError: If there are too few examples, or the block is none of the three.
    """
    if (name := config["block"]) not in BLOCKS:
        raise SettingError(f"`block` must be {', '.join(BLOCKS)}, but got {name!r}.")
    if (count := int(config["examples"])) < BATCH:
        raise SettingError(f"`examples >= {BATCH}` must hold, but got {count}.")
    rng = torch.Generator().manual_seed(seed)
    x_nchw, y_n = labelled(count, rng)
    backbone = Backbone(name="cifar_resnet8", width=8)
    network = build_network(backbone, BLOCKS[name], in_channels=CHANNELS, classes=2)
    initialise(network, seed=seed)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    for _ in range(STEPS):
        at = torch.randint(0, count, (BATCH,), generator=rng)
        optimiser.zero_grad()
        cross_entropy(network(x_nchw[at]), y_n[at]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    network.eval()
    # Of their own stream: the same for all numbers of examples.
    x_nchw, y_n = labelled(TESTED, torch.Generator().manual_seed(seed + 2**31))
    with torch.no_grad():
        return float(cross_entropy(network(x_nchw), y_n)) - LEAST


def labelled(count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Maps (count, 8, 8, 8), and labels 0 or 1 of which a fifth are wrong."""
    y_n = torch.randint(0, 2, (count,), generator=rng)
    x_nchw = torch.randn(count, CHANNELS, SIDE, SIDE, generator=rng)
    x_nchw[:, : CHANNELS // 2] += SHIFT * (2 * y_n - 1)[:, None, None, None]
    wrong_n = torch.rand(count, generator=rng) < WRONG
    return x_nchw, torch.where(wrong_n, 1 - y_n, y_n)
