"""What an arm costs, exactly and before training: the network is built and traced without any weights.

Conventions: `macs` are multiply-adds of convolutions, linear layers and attention's products for one image (what
the SENet paper calls FLOPs); pooling, gates, activations and normalisation are not in it. `attention_flops` is
2CHW + 4C h for each block (4C²/r), with 2 operations for a multiply-add and 1 for each element that is pooled
and each that is scaled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ablations.attention.block import SqueezeExcite
from ablations.networks.build import build_network
from ablations.networks.sites import Unit
from ablations.settings import Attention, Backbone


@dataclass(frozen=True, kw_only=True)
class BlockCost:
    """One block of attention."""

    name: str
    channels: int
    height: int
    width: int
    hidden: int
    params: int

    @property
    def realised_reduction(self) -> float:
        """C/h, after any rounding."""
        return self.channels / self.hidden

    @property
    def flops(self) -> int:
        """2CHW + 4C h."""
        return 2 * self.channels * self.height * self.width + 4 * self.channels * self.hidden


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one arm's network costs, for one image."""

    params: int
    macs: int
    blocks: tuple[BlockCost, ...]

    @property
    def attention_params(self) -> int:
        """Parameters of all blocks of attention."""
        return sum(block.params for block in self.blocks)

    @property
    def attention_flops(self) -> int:
        """2CHW + 4C h, summed over the blocks."""
        return sum(block.flops for block in self.blocks)

    @property
    def c2_eff(self) -> int:
        """The sum of C² over the blocks: the blocks' weights are 2 c2_eff / r."""
        return sum(block.channels**2 for block in self.blocks)

    def columns(self) -> dict[str, Any]:
        """What the runs table records of it."""
        return {
            "hidden": [block.hidden for block in self.blocks],
            "channels": [block.channels for block in self.blocks],
            "c2_eff": self.c2_eff,
            "params": self.params,
            "attention_params": self.attention_params,
            "macs": self.macs,
        }


def cost(
    backbone: Backbone,
    attention: Attention,
    *,
    image: int | tuple[int, ...],
    in_channels: int,
    classes: int,
) -> Cost:
    """The exact cost of an arm's network, for one image.

    Args:
        backbone: The host.
        attention: The attention in it.
        image: Side of a square image, or its height and width.
        in_channels: Channels of the image.
        classes: Outputs.

    Raises:
        SettingError: If the arm is illegal in this host.
    """
    with torch.device("meta"):
        network = build_network(backbone, attention, in_channels=in_channels, classes=classes)
        size = (image, image) if isinstance(image, int) else image
        macs, maps = _trace(network, torch.empty(1, in_channels, *size))
    blocks = tuple(
        _block_cost(name, unit.attention, maps[name])
        for name, unit in network.named_modules()
        if isinstance(unit, Unit) and unit.attention is not None
    )
    return Cost(params=_count(network), macs=macs, blocks=blocks)


def _block_cost(name: str, block: nn.Module, shape: torch.Size) -> BlockCost:
    assert isinstance(block, SqueezeExcite)
    _, channels, height, width = shape
    return BlockCost(
        name=name,
        channels=channels,
        height=height,
        width=width,
        hidden=block.hidden,
        params=_count(block),
    )


def _trace(network: nn.Module, x: Tensor) -> tuple[int, dict[str, torch.Size]]:
    """Multiply-adds of one forward pass, and the shape that each block of attention sees."""
    macs = 0
    maps: dict[str, torch.Size] = {}

    def count(layer: nn.Module, inputs: Any, output: Tensor) -> None:
        nonlocal macs
        macs += _macs(layer, output)

    def see(name: str) -> Callable[..., None]:
        def hook(block: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            maps[name] = inputs[0].shape

        return hook

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
        if isinstance(module, Unit) and module.attention is not None:
            module.attention.register_forward_hook(see(name))
    network.eval()(x)
    return macs, maps


def _macs(layer: nn.Module, output: Tensor) -> int:
    """One multiply-add for each output element and each weight that reaches it."""
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    return output.numel() * layer.weight[0].numel()


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
