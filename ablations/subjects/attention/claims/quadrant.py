"""Evidence in one quadrant: what channel attention cannot see, and spatial attention can.

Notation: y = -1 or 1 is the class, q the quadrant of an example, d_1 to d_3 = -1 or 1 what stands in the other three,
which says nothing. Channel 0 has y in q and d_i elsewhere, channel 1 marks q.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.build import build_block
from ablations.subjects.attention.settings.groups import Attention

KINDS = ("squeeze_excite", "cbam")
EXAMPLES, STEPS, BATCH = 1024, 400, 128
CHANNELS, SIDE = 4, 8
MARK, NOISE = 2.0, 0.3
"""Of the marked quadrant, and the deviation of every position's noise."""


def train_quadrant(config: Mapping[str, Any], seed: int) -> float:
    """The error on new examples of one block, average pooling and a linear head.

    Raises:
        SettingError: If the kind is none of the two.
    """
    if (kind := config["kind"]) not in KINDS:
        raise SettingError(f"`kind` must be {' or '.join(KINDS)}, but got {kind!r}.")
    torch.manual_seed(seed)
    x_nchw, y_n = quadrants(2 * EXAMPLES)
    settings = Attention(kind=kind, reduction=1, bias=True)
    block = build_block(settings, channels=CHANNELS, base=CHANNELS, dims=2)
    network = nn.Sequential(block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, 1))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for step in range(STEPS):
        at = torch.arange(BATCH) + BATCH * (step % (EXAMPLES // BATCH))
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(network(x_nchw[at])[:, 0], y_n[at])
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    network.eval()
    with torch.no_grad():
        said_n = network(x_nchw[EXAMPLES:])[:, 0] > 0
    return float((said_n != (y_n[EXAMPLES:] > 0)).float().mean())


def quadrants(count: int) -> tuple[Tensor, Tensor]:
    """Maps (count, 4, 8, 8) and classes 0 or 1, from the global random state."""
    y_n = torch.randint(0, 2, (count,)).float()
    values_nk = 2.0 * torch.randint(0, 2, (count, 4)) - 1
    q_n = torch.randint(0, 4, (count,))
    values_nk[torch.arange(count), q_n] = 2 * y_n - 1
    marks_nk = MARK * nn.functional.one_hot(q_n, 4)
    x_nchw = NOISE * torch.randn(count, CHANNELS, SIDE, SIDE)
    x_nchw[:, 0] += _spread(values_nk)
    x_nchw[:, 1] += _spread(marks_nk)
    return x_nchw, y_n


def least_error_of_means() -> float:
    """The smallest error of any rule on the means of the channels: 5/16.

    Noise apart, the mean of channel 0 is (y + d_1 + d_2 + d_3) / 4 and the others say nothing; the best rule names the
    class that is the more frequent one for each sum.
    """
    right: dict[int, dict[int, int]] = {}
    for y, *others in product((-1, 1), repeat=4):
        of_sum = right.setdefault(y + sum(others), {})
        of_sum[y] = of_sum.get(y, 0) + 1
    return 1 - sum(max(counts.values()) for counts in right.values()) / 2**4


def _spread(values_nk: Tensor) -> Tensor:
    """One value for each quadrant, in reading order, as a map (N, 8, 8)."""
    half = SIDE // 2
    return values_nk.reshape(-1, 2, 2).repeat_interleave(half, 1).repeat_interleave(half, 2)
