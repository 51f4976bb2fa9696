"""Two images of a batch made one: mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899)."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Beta

from ablations.subjects.attention.settings.groups import Training


class Mixed(NamedTuple):
    """A batch whose images are of two: the share `own` of each is its own, the rest another one's."""

    x: Tensor
    other: Tensor
    """(n,): the labels of the other images."""
    own: float


def mix(x_nchw: Tensor, y: Tensor, recipe: Training) -> Mixed:
    """The batch mixed as the recipe says, by one share and one order for all; draws from torch's global generator.

    Args:
        x_nchw: Images, (n, channels, height, width), or sequences, (n, channels, length).
        y: Their labels, (n,).
        recipe: Says by what; where both, a coin says by which of the two.
    """
    cuts = recipe.cutmix > 0 and (recipe.mixup == 0 or bool(torch.rand(()) < 0.5))
    alpha = recipe.cutmix if cuts else recipe.mixup
    own = float(Beta(alpha, alpha).sample())
    order = torch.randperm(len(y)).to(y.device)
    if not cuts:
        return Mixed(x_nchw.lerp(x_nchw[order], 1 - own), y[order], own)
    box = tuple(_side(size, 1 - own, x_nchw.dim() - 2) for size in x_nchw.shape[2:])
    x = x_nchw.clone()
    inside = (slice(None), slice(None), *box)
    x[inside] = x_nchw[order][inside]
    return Mixed(x, y[order], 1 - x_nchw[0, 0][box].numel() / x_nchw[0, 0].numel())


def _side(size: int, share: float, dims: int) -> slice:
    """A rectangle's extent along one side, about a centre drawn anywhere, cut off at the border."""
    half = size * share ** (1 / dims) / 2
    centre = float(torch.rand(())) * size
    return slice(max(0, round(centre - half)), min(size, round(centre + half)))
