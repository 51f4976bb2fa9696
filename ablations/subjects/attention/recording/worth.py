"""Are the gates right? What the loss and the accuracy become where channels are dropped: their factors set to 0.

A channel's usefulness is the mean rise of the loss, in nats per example, when it alone is dropped. Each example of a
pass has another channel dropped, so that all channels of all blocks together take T E / N passes: T channels, E
examples for each, N examples in a pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.recording.sample import parts
from ablations.subjects.attention.recording.watching import Gated, Network, evaluating, watched

FEWEST, MOST = 16, 256
"""Examples that a channel's usefulness is measured on."""
SHARES = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
"""Of each block's channels; at least one channel."""


@dataclass(frozen=True, kw_only=True)
class Usefulness:
    """Of the channels of one block; NaN of those that were not measured."""

    mean_c: Tensor
    """Rise of the loss without the channel, nats per example."""
    error_c: Tensor
    """Its standard error over examples."""


def usefulness(
    network: Network,
    examples: Examples,
    channels: Mapping[str, int],
    blocks: Mapping[str, Gated],
    *,
    budget: int,
    beat: Callable[[], None],
) -> dict[str, Usefulness]:
    """The usefulness of every channel, or of an equal share of each block's where the budget asks for it.

    Args:
        network: A classifier.
        examples: With labels.
        channels: How many each block has.
        blocks: By name.
        budget: Examples that may pass the network, all passes together.
        beat: Called after each pass.
    """
    total = sum(channels.values())
    share = min(1.0, budget / (FEWEST * total))
    pairs = [
        (name, int(c))
        for name, count in channels.items()
        for c in torch.linspace(0, count - 1, max(1, int(share * count))).round()
    ]
    each = max(FEWEST, min(MOST, budget // len(pairs)))
    names = list(channels)
    block_t = torch.tensor([names.index(name) for name, _ in pairs])
    channel_t = torch.tensor([c for _, c in pairs])
    n = len(examples)
    draws = torch.Generator().manual_seed(0)
    # Slot s drops pair s mod T; which example gets a slot is drawn anew in each pass.
    slots = torch.arange(each * len(pairs)) % len(pairs)
    sums = torch.zeros(3, len(pairs), dtype=torch.float64)
    with evaluating(network), torch.no_grad():
        intact_n, _ = _scored(network, examples, blocks, {})
        for some in torch.split(slots, n):
            rows = torch.randperm(n, generator=draws)[: len(some)]
            keep = {name: torch.ones(n, channels[name]) for name in names}
            for number, name in enumerate(names):
                mine = block_t[some] == number
                keep[name][rows[mine], channel_t[some][mine]] = 0
            loss_n, _ = _scored(network, examples, blocks, keep)
            rise = (loss_n - intact_n)[rows]
            sums.index_add_(1, some, torch.stack([torch.ones_like(rise), rise, rise**2]))
            beat()
    count_t, mean_t = sums[0], sums[1] / sums[0]
    error_t = ((sums[2] / count_t - mean_t**2).clamp_min(0) / (count_t - 1)).sqrt()
    found = {}
    for number, name in enumerate(names):
        mine = block_t == number
        mean_c, error_c = torch.full((2, channels[name]), torch.nan, dtype=torch.float64)
        mean_c[channel_t[mine]], error_c[channel_t[mine]] = mean_t[mine], error_t[mine]
        found[name] = Usefulness(mean_c=mean_c, error_c=error_c)
    return found


@dataclass(frozen=True, kw_only=True)
class Drop:
    """What is left when a share of every block's channels is dropped at once."""

    order: str
    """`most` opened, or `least` opened of their block, since blocks differ in level; empty where none is dropped."""
    share: float
    accuracy: float
    loss: float


def drops(
    network: Network,
    examples: Examples,
    opened: Mapping[str, Tensor],
    blocks: Mapping[str, Gated],
    *,
    beat: Callable[[], None],
) -> list[Drop]:
    """Accuracy and loss with the most, and with the least opened channels dropped.

    Args:
        network: A classifier.
        examples: With labels.
        opened: How far each channel is opened, (C,) of each block.
        blocks: By name.
        beat: Called after each pass.
    """
    found = []
    with evaluating(network), torch.no_grad():
        for order, share in [("", 0.0), *((o, s) for o in ("most", "least") for s in SHARES)]:
            keep = {name: _kept(g_c, order, share) for name, g_c in opened.items()}
            loss_n, right_n = _scored(network, examples, blocks, keep if order else {})
            found.append(
                Drop(
                    order=order,
                    share=share,
                    accuracy=float(right_n.mean()),
                    loss=float(loss_n.mean()),
                )
            )
            beat()
    return found


def _kept(g_c: Tensor, order: str, share: float) -> Tensor:
    count = max(1, round(share * len(g_c)))
    kept = torch.ones(len(g_c))
    kept[torch.argsort(g_c.cpu(), descending=order == "most", stable=True)[:count]] = 0
    return kept


def _scored(
    network: Network, examples: Examples, blocks: Mapping[str, Gated], keep: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Of each example, on the CPU, the loss in nats and whether the likeliest class is right."""
    losses, rights = [], []
    for mine, some in parts(examples):
        x, y, *mask = some.batch()
        here = {
            name: (kept if kept.dim() == 1 else kept[mine]).to(x.device)
            for name, kept in keep.items()
        }
        with watched(blocks, keep=here):
            logits = network(x, *mask)
        losses.append(F.cross_entropy(logits, y, reduction="none").double().cpu())
        rights.append((logits.argmax(1) == y).double().cpu())
    return torch.cat(losses), torch.cat(rights)
