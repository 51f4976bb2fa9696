"""What a network costs, exactly and before training: it is built and traced without any weights.

Conventions, all for one image. `macs`: multiply-adds of convolutions, linear layers and matrix products (what the
SENet paper calls FLOPs); pooling, gates, activations and norms are not in it. `attention_flops`: for each block 2
operations for a multiply-add and 1 for each element that is pooled, scaled or shifted, in each pass over the map that
the block makes (`passes`); 2CHW + 4C h (4C²/r) for the plain block. `activation_bytes`: what autograd keeps for the
backward pass, in float32, without weights.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ablations.subjects.attention.counting.tracing import Trace, trace_network
from ablations.subjects.attention.networks.hosts import build_host, positions
from ablations.subjects.attention.networks.sites import Sites, Unit
from ablations.subjects.attention.settings.groups import Backbone
from ablations.subjects.attention.settings.rules import has_own_parts

OWN_PASSES = 2
"""Of a user's own block that has no `passes`: its elements are taken to be pooled once and scaled once."""


@dataclass(frozen=True, kw_only=True)
class BlockCost:
    """One block of attention."""

    name: str
    """The unit that it is in."""
    channels: int
    base: int
    """Channels that the reduction divides."""
    size: tuple[int, ...]
    hidden: int | None
    """None where there are no hidden units."""
    params: int
    macs: int
    elementwise: int
    """Elements that are pooled, scaled or shifted, once for each time."""

    @property
    def height(self) -> int:
        """Rows of the map; 1 for a sequence."""
        return self.size[-2] if len(self.size) > 1 else 1

    @property
    def width(self) -> int:
        """Columns of the map."""
        return self.size[-1]

    @property
    def realised_reduction(self) -> float | None:
        """C/h, after any rounding; None where there are no hidden units."""
        return self.channels / self.hidden if self.hidden else None

    @property
    def flops(self) -> int:
        """2 per multiply-add, 1 per element pooled, scaled or shifted: 2CHW + 4C h for the plain block."""
        return self.elementwise + 2 * self.macs

    @property
    def excitation_half_from(self) -> float | None:
        """The C from which on the excitation is at least half of the block's cost, r H W / 2.

        None where the block does not cost 2CHW + 4C h, for which alone that holds.
        """
        r, positions = self.realised_reduction, math.prod(self.size)
        if r is None or self.hidden is None:
            return None
        excitation = self.macs == 2 * self.channels * self.hidden
        map_twice = self.elementwise == 2 * self.channels * positions
        return r * positions / 2 if excitation and map_twice else None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "channels": self.channels,
            "height": self.height,
            "width": self.width,
            "hidden": self.hidden,
            "realised_reduction": self.realised_reduction,
            "params": self.params,
            "macs": self.macs,
            "flops": self.flops,
            "excitation_half_from": self.excitation_half_from,
        }


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one arm's network costs, for one image."""

    params: int
    macs: int
    activation_bytes: int
    blocks: tuple[BlockCost, ...]
    mismatch: float | None = None
    """Of a host widened to match: the share by which it missed. None for all others."""

    @property
    def attention_params(self) -> int:
        """Parameters of all blocks of attention."""
        return sum(block.params for block in self.blocks)

    @property
    def attention_flops(self) -> int:
        """The blocks' `flops`, summed."""
        return sum(block.flops for block in self.blocks)

    @property
    def c2_eff(self) -> int:
        """The sum of C² over the blocks (C times the base that r divides): their weights are 2 c2_eff / r."""
        return sum(block.channels * block.base for block in self.blocks)

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

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "params": self.params,
            "attention_params": self.attention_params,
            "macs": self.macs,
            "attention_flops": self.attention_flops,
            "activation_bytes": self.activation_bytes,
            "c2_eff": self.c2_eff,
            "mismatch": self.mismatch,
            "blocks": [block.to_json() for block in self.blocks],
        }


def count(
    backbone: Backbone,
    sites: Sites,
    *,
    image: int | tuple[int, ...],
    in_channels: int,
    classes: int,
    mismatch: float | None = None,
) -> Cost:
    """The cost of a host with what the sites put in it.

    Raises:
        SettingError: If the arm is illegal in this host, or the image too small for it.
    """
    size = positions(backbone.name, image)
    with torch.device("meta"):
        network = build_host(backbone, sites, in_channels=in_channels, classes=classes)
    own = has_own_parts(sites.attention)
    trace = trace_network(network, (in_channels, *size), has_own_parts=own)
    units = {
        name: unit
        for name, unit in network.named_modules()
        if isinstance(unit, Unit) and unit.attention is not None
    }
    return Cost(
        params=count_params(network),
        macs=sum(trace.macs.values()),
        activation_bytes=trace.kept_bytes,
        blocks=tuple(_block_cost(name, unit, trace) for name, unit in units.items()),
        mismatch=mismatch,
    )


def count_params(module: nn.Module) -> int:
    """Elements of all parameters; buffers are not counted."""
    return sum(parameter.numel() for parameter in module.parameters())


def _block_cost(name: str, unit: Unit, trace: Trace) -> BlockCost:
    block = unit.attention
    assert block is not None
    _, channels, *size = trace.maps[name]
    inside = f"{name}.attention."
    return BlockCost(
        name=name,
        channels=channels,
        base=unit.base,
        size=tuple(size),
        hidden=getattr(block, "hidden", None),
        params=count_params(block),
        macs=sum(macs for layer, macs in trace.macs.items() if layer.startswith(inside)),
        elementwise=getattr(block, "passes", OWN_PASSES) * math.prod((channels, *size)),
    )
