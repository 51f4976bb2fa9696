"""The blocks that multiply channels, and their factors as a pass computes them: seen, and set to 0 where asked.

Notation: g_nc, factors of shape (examples, channels); (examples, ..., channels) where they differ by position.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.controls import StaticGate
from ablations.subjects.attention.blocks.gates import GATES, AdjustedGate
from ablations.subjects.attention.blocks.kin import GatherExcite, Gct

Gated = SqueezeExcite | Gct | GatherExcite | StaticGate
"""Each computes its factors in a method `gates`, and multiplies the map by what it gives."""

NO_GATES = (
    "No gates are recorded: no block of this network multiplies each channel by a factor of its own that can be looked "
    "at (`kind=global_context` adds instead, `control=constant` has one factor for all, and a kind of your own is not "
    "looked into)."
)


@dataclass(frozen=True)
class Through:
    """A module that examples pass by a function, instead of its own `forward`."""

    module: nn.Module
    forward: Callable[..., Tensor]

    def __call__(self, *given: Tensor) -> Tensor:
        """What the function gives."""
        return self.forward(*given)


Network = nn.Module | Through


def modules_of(network: Network) -> nn.Module:
    """The module whose blocks are meant."""
    return network.module if isinstance(network, Through) else network


UNBOUNDED = 4.0
"""Where the histogram of a gate without an end stops; gates beyond it are in the last bin."""


def gated_blocks(network: Network) -> dict[str, Gated]:
    """Name of the place -> block with a factor of its own for each channel, from input to output."""
    return {
        short_name(name): module
        for name, module in modules_of(network).named_modules()
        if isinstance(module, Gated)
    }


def short_name(name: str) -> str:
    """The place's name: without the word for the attention that sits there, and for its channel part."""
    for end in (".channel", ".attention", ".channel_attention"):
        name = name.removesuffix(end)
    return name


def gate_range(block: Gated) -> tuple[float, float]:
    """The ends of what the gate can give, cut where it has none."""
    if isinstance(block, Gct):
        return 0.0, 2.0
    gate = block.gate
    scale, offset = 1.0, 0.0
    if isinstance(gate, AdjustedGate):
        scale, offset, gate = gate.scale, gate.offset, gate.function
    known = next((one for one in GATES.values() if one.function is gate), None)
    low, high = (-math.inf, math.inf) if known is None else (known.low, known.high)
    return max(scale * low + offset, -UNBOUNDED), min(scale * high + offset, UNBOUNDED)


@contextmanager
def watched(
    blocks: Mapping[str, Gated],
    *,
    keep: Mapping[str, Tensor] | None = None,
    gradients: bool = False,
) -> Iterator[dict[str, Tensor]]:
    """What each block multiplies by in the passes of this context, an entry for each example.

    Args:
        blocks: By name.
        keep: For some blocks 0 where a channel is dropped and 1 where it stays, (C,) or (N, C).
        gradients: Whether a gradient must reach what is seen, frozen gates included.
    """
    seen: dict[str, Tensor] = {}

    def watch(name: str, block: Gated) -> None:
        compute = type(block).gates

        def gates(x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
            factor, shift = compute(block, x, mask)  # type: ignore[arg-type]
            factor = factor.expand(len(x), *factor.shape[1:])
            if gradients and not factor.requires_grad:
                # A frozen gate has no gradient of its own; make it a leaf that has.
                factor = factor.detach().requires_grad_()
            seen[name] = factor
            if keep is None or name not in keep:
                return factor, shift
            kept = keep[name].to(factor.dtype)
            return _times(factor, kept), None if shift is None else _times(shift, kept)

        block.gates = gates  # type: ignore[method-assign, assignment]

    for name, block in blocks.items():
        watch(name, block)
    try:
        yield seen
    finally:
        for block in blocks.values():
            del block.gates


@contextmanager
def evaluating(network: Network) -> Iterator[None]:
    """Each module in evaluation, and afterwards in the mode that it was in."""
    modes = [(module, module.training) for module in modules_of(network).modules()]
    modules_of(network).eval()
    # A compiled network shows its gates to nobody.
    with torch.compiler.set_stance("force_eager"):
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def per_channel(g: Tensor) -> Tensor:
    """(N, C): the mean over the positions, where there are some."""
    return g.flatten(1, -2).mean(dim=1) if g.dim() > 2 else g


def _times(g: Tensor, kept: Tensor) -> Tensor:
    middle = (1,) * (g.dim() - 2)
    return g * (kept if kept.dim() == 1 else kept.reshape(len(kept), *middle, -1))
