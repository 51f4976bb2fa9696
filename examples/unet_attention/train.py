"""A U-Net with and without channel attention in its encoder, on discs among squares: under a minute on one core.

python examples/unet_attention/train.py
"""

import statistics

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from unet import UNet

from ablations import (
    Attention,
    attach,
    attention_parameters,
    initialise,
    load_host_state_dict,
    sites,
)
from ablations.streams import generator
from ablations.subjects.attention.attach.table import words

AT = "encoder.*.norm2"
ARMS = {
    "no attention": Attention(placement="none"),
    "SE, r=4": Attention(reduction=4),
    "static gate": Attention(control="static"),
}
SEEDS, STEPS, BATCH, SIDE = 3, 60, 16, 32


def scenes(count: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images (n, 3, h, w) with a disc and a square in noise, and masks (n, 1, h, w) of the disc."""
    at = torch.rand(count, 2, 2, 1, 1, generator=draw) * 0.6 + 0.2
    axis = torch.linspace(0, 1, SIDE)
    down, across = axis.view(1, SIDE, 1), axis.view(1, 1, SIDE)
    disc = ((down - at[:, 0, 0]) ** 2 + (across - at[:, 0, 1]) ** 2 < 0.02).float()
    square = ((down - at[:, 1, 0]).abs().maximum((across - at[:, 1, 1]).abs()) < 0.12).float()
    colours = torch.rand(count, 2, 3, 1, 1, generator=draw)
    images = disc[:, None] * colours[:, 0] + square[:, None] * colours[:, 1]
    noise = 0.3 * torch.randn(images.shape, generator=draw)
    return images + noise, disc[:, None]


def dice(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """2 |A B| / (|A| + |B|) of the predicted and the true discs."""
    with torch.no_grad():
        found = (network.eval()(x) > 0).float()
    return float(2 * (found * y).sum() / (found.sum() + y.sum()))


def trained(attention: Attention, *, seed: int) -> float:
    """The Dice score after training; everything but the attention is the same for one seed."""
    network = UNet()
    initialise(network, seed=seed)
    x, _ = scenes(2, generator(seed, "example"))
    attach(network, at=AT, attention=attention, example=x, seed=seed)
    optimiser = torch.optim.AdamW(network.train().parameters(), lr=3e-3)
    data = generator(seed, "data")
    for _ in range(STEPS):
        x, y = scenes(BATCH, data)
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(network(x), y).backward()
        optimiser.step()
    return dice(network, *scenes(256, generator(0, "test")))


def main() -> None:
    """Print the places and their cost, a checkpoint's way in, and the scores."""
    torch.set_num_threads(1)
    x, _ = scenes(2, generator(0, "example"))
    print(words(sites(UNet(), AT, x, attention=ARMS["SE, r=4"])), end="\n\n")

    plain, attended = UNet(), UNet()
    attach(attended, at=AT, attention=ARMS["SE, r=4"], example=x, seed=0)
    load_host_state_dict(attended, plain.state_dict())
    print(f"tensors of the host: {len(plain.state_dict())}, all loaded")
    print("attention:", *attention_parameters(attended), sep="\n  ", end="\n\n")

    for name, attention in ARMS.items():
        scores = [trained(attention, seed=seed) for seed in range(SEEDS)]
        print(
            f"{name:<14} Dice {statistics.mean(scores):.3f}  {[round(s, 3) for s in scores]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
