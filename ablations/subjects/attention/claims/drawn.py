"""Blocks and maps with drawn numbers, always the same ones; no random state moves."""

from typing import Any

import torch
from torch import Tensor

from ablations.subjects.attention.blocks.block import SqueezeExcite


def drawn_block(channels: int, **fields: Any) -> SqueezeExcite:
    """A block with weights as they start; `fields` are those of `Attention`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SqueezeExcite(channels, **fields)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers in float32."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
