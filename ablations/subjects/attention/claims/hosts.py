"""Where the block goes: into networks of every kind, under other losses, over sequences, graphs and tokens."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from ablations.finding import Finding
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.claims.drawn import drawn, drawn_block
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone

SAME = 1e-5
CONVOLUTIONAL = {
    "resnet18": "basic residual units",
    "resnet50": "bottlenecks",
    "googlenet": "Inception modules",
    "mobilenet_v3_small": "inverted residuals",
}


def any_network() -> Finding:
    """Each network is built, an image passes, and every block's weights get a gradient."""
    blocks = {}
    for name in CONVOLUTIONAL:
        after = "after" if name == "googlenet" else "before"
        network = _network(Backbone(name=name), Attention(reduction=8, order=after))
        blocks[name] = _blocks_with_gradient(
            network, cross_entropy(network(drawn(2, 3, 32, 32)), torch.tensor([1, 2]))
        )
    # VGG's own has 133 million weights; a few of its layers do.
    plain = _plain()
    attach(
        plain,
        at="torch.nn:ReLU",
        attention=Attention(reduction=8),
        example=drawn(2, 3, 32, 32),
        seed=0,
    )
    blocks["VGG"] = _blocks_with_gradient(
        plain, cross_entropy(plain(drawn(2, 3, 32, 32)), torch.tensor([1, 2]))
    )
    names = {**CONVOLUTIONAL, "VGG": "plain layers"}
    shown = ", ".join(f"{name} ({what}) {blocks[name][0]}" for name, what in names.items())
    return Finding(
        agrees=all(total > 0 and total == learning for total, learning in blocks.values()),
        computed=f"blocks, each with a gradient in its weights: {shown}",
        number=sum(total for total, _ in blocks.values()),
    )


def margin_loss() -> Finding:
    """The gradient of ArcFace and CosFace losses in the blocks of a ResNet-8 that embeds digits' sized images."""
    y_n = torch.arange(8) % 10
    found = {}
    for name, (angle, cosine) in {"ArcFace": (0.5, 0.0), "CosFace": (0.0, 0.35)}.items():
        network = _network(Backbone(name="cifar_resnet8"), Attention(reduction=4), in_channels=1)
        embedding_nd = network(drawn(8, 1, 8, 8))
        centres_kd = normalize(drawn(10, embedding_nd.shape[1], seed=1), dim=1)
        cos_nk = (normalize(embedding_nd, dim=1) @ centres_kd.T).clamp(-1 + 1e-6, 1 - 1e-6)
        own = nn.functional.one_hot(y_n, 10).bool()
        logits_nk = torch.where(own, torch.cos(torch.acos(cos_nk) + angle) - cosine, cos_nk)
        found[name] = _blocks_with_gradient(network, cross_entropy(64 * logits_nk, y_n))
    shown = ", ".join(f"{name} {learning} of {total}" for name, (total, learning) in found.items())
    return Finding(
        agrees=all(total > 0 and total == learning for total, learning in found.values()),
        computed=f"blocks of a ResNet-8 that get a gradient: {shown}. Whether accuracy rises is not asked",
        only_where="working means that learning reaches the gates",
    )


def sequences_and_graphs() -> Finding:
    """Padding under a mask, and nodes in any order: a graph's block is one over its nodes."""
    block = drawn_block(16, reduction=4)
    x_ncl = drawn(2, 16, 10)
    mask_nl = torch.arange(10) < torch.tensor([[10], [6]])
    padded = torch.cat([x_ncl, 9 * drawn(2, 16, 5, seed=1)], dim=2)
    longer = torch.cat([mask_nl, torch.zeros(2, 5, dtype=torch.bool)], dim=1)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        padding = float((block(x_ncl, mask_nl) - block(padded, longer)[:, :, :10]).abs().max())
        nodes = float((block(x_ncl)[:, :, order] - block(x_ncl[:, :, order])).abs().max())
        volume = tuple(block(drawn(1, 16, 3, 4, 5)).shape)
    return Finding(
        agrees=padding < SAME and nodes < SAME and volume == (1, 16, 3, 4, 5),
        computed=f"padding behind a mask changes sequences by {padding:.1g}, renumbering nodes commutes "
        f"with the block up to {nodes:.1g}, and a volume keeps its shape",
        number=nodes,
    )


def tokens() -> Finding:
    """A small vision transformer with a block in every layer; and that the block does not see the tokens' order."""
    network = _network(Backbone(name="small_vit"), Attention(reduction=4))
    total, learning = _blocks_with_gradient(
        network, cross_entropy(network(drawn(2, 3, 16, 16)), torch.tensor([1, 2]))
    )
    return Finding(
        agrees=total > 0 and total == learning,
        computed=f"{total} blocks over the channels of the tokens, {learning} with a gradient",
        number=total,
    )


def _plain() -> nn.Module:
    """Two layers as VGG's, and a head."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
        )  # fmt: skip


def _network(backbone: Backbone, attention: Attention, *, in_channels: int = 3) -> nn.Module:
    """As it starts, in evaluation: no dropout is drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_network(backbone, attention, in_channels=in_channels, classes=10).eval()


def _blocks_with_gradient(network: nn.Module, loss: torch.Tensor) -> tuple[int, int]:
    """How many blocks there are, and how many have a gradient that is not zero in some weight."""
    loss.backward()  # type: ignore[no-untyped-call]
    blocks = [m for m in network.modules() if isinstance(m, SqueezeExcite)]
    learning = [
        any(p.grad is not None and bool(p.grad.abs().max() > 0) for p in block.parameters())
        for block in blocks
    ]
    return len(blocks), sum(learning)
