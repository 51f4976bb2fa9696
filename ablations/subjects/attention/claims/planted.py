"""Data with a planted truth, and trainings of a minute or less that show whether gates find it.

Each `train_*` is a study of its own (`search_spaces/claims/`): of a config and a seed, it returns one number.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ablations.errors import SettingError
from ablations.streams import initialise
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone, Data

EXAMPLES = 1024
STEPS = 400
PEAK = 4.0
"""Of the one position that says the class, in standard deviations of the noise."""
SHIFT = 0.3
"""Of all positions together, likewise."""


def train_gates(config: dict[str, Any], seed: int) -> float:
    """The mean gate of the channels that carry the class, or of those that are noise, after learning."""
    network, x_nchw, _ = learnt_gates(seed)
    block = network[0]
    assert isinstance(block, SqueezeExcite)
    with torch.no_grad():
        gates_c = block.gates(x_nchw)[0].mean(0)
    return float({"informative": gates_c[:4], "noise": gates_c[4:]}[config["group"]].mean())


def learnt_gates(seed: int) -> tuple[nn.Sequential, Tensor, Tensor]:
    """A block and a head that learnt two classes, with their examples (n, 8, 4, 4) and classes (n,), 0 or 1.

    Eight channels of 4x4 positions; in the first four the mean is the class's sign times 1, in the others there is
    noise of the same size. A block with r = 2 and a sigmoid, average pooling and a linear head learn from all examples.
    """
    torch.manual_seed(seed)
    y_n = torch.randint(0, 2, (EXAMPLES,)).float()
    x_nchw = torch.randn(EXAMPLES, 8, 4, 4)
    x_nchw[:, :4] += (2 * y_n - 1)[:, None, None, None]
    x_nchw[:, 4:] += torch.randn(EXAMPLES, 4)[:, :, None, None]
    block, head = SqueezeExcite(8, reduction=2), nn.Linear(8, 1)
    _learn([block, head], lambda at: head(block(x_nchw[at]).mean((2, 3)))[:, 0], y_n)
    return nn.Sequential(block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head), x_nchw, y_n


def train_coded(config: dict[str, Any], seed: int) -> float:
    """The error on new examples where one channel says the class, by a peak or by its mean.

    The head sees one gate alone, that of a channel that is constant; so the class can come through the squeeze only.
    A peak is taken back from the other positions: the mean does not tell it.
    """
    torch.manual_seed(seed)
    x_nchw, y_n = _coded(config["coding"], 2 * EXAMPLES)
    block = SqueezeExcite(4, reduction=1, squeeze=config["squeeze"], bias=True)
    wrong_n = (_by_one_gate(block, x_nchw, y_n) > 0) != (y_n[EXAMPLES:] > 0)
    return float(wrong_n.float().mean())


def train_pairs(config: dict[str, Any], seed: int) -> float:
    """The loss on new examples, in nats, where the class is that exactly one of two far channels is on.

    Sixteen channels; the evidence is in the second and the tenth, and the head sees the gate of the last alone.
    """
    torch.manual_seed(seed)
    on_n2 = torch.randint(0, 2, (2 * EXAMPLES, 2)).float()
    x_nchw = 0.3 * torch.randn(2 * EXAMPLES, 16, 4, 4)
    for channel, on_n in zip((1, 9), on_n2.T, strict=True):
        x_nchw[:, channel] += (2 * on_n - 1)[:, None, None]
    x_nchw[:, -1] = 1.0
    block = SqueezeExcite(16, **_excitation(config["excitation"]))
    y_n = (on_n2.sum(1) == 1).float()
    return float(binary_cross_entropy_with_logits(_by_one_gate(block, x_nchw, y_n), y_n[EXAMPLES:]))


def train_depth(config: dict[str, Any], seed: int) -> float:
    """How much more the gates of a block vary between classes than within them, after five epochs on the digits.

    The ratio of the variances, averaged over channels, in the first or the last block of a ResNet-8 (r = 4), on digits
    that were not learnt from (SENet paper, section 7.2).
    """
    x, y = load_digits(return_X_y=True)
    x_nchw = torch.tensor(x, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    y_n = torch.tensor(y)
    backbone, attention = Backbone(name="cifar_resnet8"), Attention(reduction=4)
    network = build_network(backbone, attention, in_channels=1, classes=10)
    initialise(network, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    for _ in range(5):
        for at in torch.randperm(1257, generator=rng)[:1216].split(64):  # type: ignore[no-untyped-call]
            optimiser.zero_grad()
            cross_entropy(network(x_nchw[at]), y_n[at]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    blocks = [m for m in network.modules() if isinstance(m, SqueezeExcite)]
    block = {"first": blocks[0], "last": blocks[-1]}[config["block"]]
    seen: list[Tensor] = []
    block.register_forward_pre_hook(lambda module, given: seen.append(module.gates(given[0])[0]))
    network.eval()
    with torch.no_grad():
        network(x_nchw[1257:])
    return _between_over_within(seen[0], y_n[1257:])


def scenes(data: Data) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Four digits in a square of 16x16, the class being the upper left one's; each digit is a class once.

    The other three are drawn at random, without regard to the split: they say nothing of the class.
    """
    x, y = load_digits(return_X_y=True)
    images = (x / 16).astype(np.float32).reshape(-1, 8, 8)
    others = np.random.default_rng(data.split_seed).integers(len(images), size=(len(images), 3))
    top = np.concatenate([images, images[others[:, 0]]], axis=2)
    bottom = np.concatenate([images[others[:, 1]], images[others[:, 2]]], axis=2)
    return np.concatenate([top, bottom], axis=1)[:, None], y.astype(np.int64)


def _coded(coding: str, count: int) -> tuple[Tensor, Tensor]:
    y_n = torch.randint(0, 2, (count,)).float()
    x_nchw = torch.randn(count, 4, 8, 8)
    if coding == "mean":
        x_nchw[:, 0] += SHIFT * y_n[:, None, None]
    else:
        peak_ns = torch.zeros(count, 64)
        peak_ns[torch.arange(count), torch.randint(0, 64, (count,))] = PEAK
        peak_ns -= PEAK / 64
        x_nchw[:, 0] += (peak_ns * y_n[:, None]).reshape(count, 8, 8)
    x_nchw[:, -1] = 1.0
    return x_nchw, y_n


def _excitation(name: str) -> dict[str, Any]:
    if name not in ("bottleneck", "linear_bottleneck", "eca"):
        raise SettingError(
            f"`excitation` must be bottleneck, linear_bottleneck or eca, but got {name!r}."
        )
    return (
        {"excitation": name}
        if name == "eca"
        else {"excitation": name, "reduction": 2, "bias": True}
    )


def _by_one_gate(block: SqueezeExcite, x_nchw: Tensor, y_n: Tensor) -> Tensor:
    """Learn from the first examples by the last channel's gate alone; the logits of the others."""
    head = nn.Linear(1, 1)

    def logits(x: Tensor) -> Tensor:
        return head(block.gates(x)[0][:, -1:])[:, 0]  # type: ignore[no-any-return]

    _learn([block, head], lambda at: logits(x_nchw[at]), y_n[:EXAMPLES])
    with torch.no_grad():
        return logits(x_nchw[EXAMPLES:])


def _learn(modules: list[nn.Module], logits: Callable[[Tensor], Tensor], y_n: Tensor) -> None:
    optimiser = torch.optim.Adam([p for m in modules for p in m.parameters()], lr=0.01)
    for step in range(STEPS):
        at = torch.arange(128) + 128 * (step % (len(y_n) // 128))
        optimiser.zero_grad()
        binary_cross_entropy_with_logits(logits(at), y_n[at]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _between_over_within(g_nc: Tensor, y_n: Tensor) -> float:
    """Variance of the classes' mean gates over the mean variance within classes, averaged over channels."""
    parts = [g_nc[y_n == k] for k in y_n.unique()]  # type: ignore[no-untyped-call]
    between = torch.stack([part.mean(0) for part in parts]).var(0)
    within = torch.stack([part.var(0) for part in parts]).mean(0)
    return float((between / within.clamp_min(1e-12)).mean())
