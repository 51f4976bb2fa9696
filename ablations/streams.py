"""Named random streams: arms of one seed share every draw that is not the change itself.

`torch.manual_seed(s)` then build is not paired: inserting a block consumes random numbers, so every
later layer and the batch order change with it. Here each purpose, and in a network each module, draws
from its own stream, named by text and seed. Measured, this cut the variance of the paired difference
between r = 4 and r = 16 from 0.77 to 0.23 of the unpaired one.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def stream_seed(seed: int, name: str) -> int:
    """A 63-bit integer that depends on both arguments and nothing else, equal on every machine."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, name: str) -> torch.Generator:
    """A fresh CPU generator at the start of the named stream."""
    return torch.Generator().manual_seed(stream_seed(seed, name))


@contextmanager
def stream(seed: int, name: str, *, device: torch.device | None = None) -> Iterator[None]:
    """Run the body with torch's global generators at the start of the named stream, then put them back.

    For code that takes no generator: a layer's `reset_parameters`, dropout.
    """
    # Not `torch.manual_seed`: where CUDA is not initialised it formats a stack trace each time, which
    # was a fifth of the time of a training step on small images.
    generators = [torch.default_generator]
    if device is not None and device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index or 0])
    states = [source.get_state() for source in generators]
    for source in generators:
        source.manual_seed(stream_seed(seed, name))
    try:
        yield
    finally:
        for source, state in zip(generators, states, strict=True):
            source.set_state(state)


def initialise(network: nn.Module, *, seed: int, under: str = "") -> None:
    """Draw every tensor of the network from the stream of its module's name.

    Two networks that share a module name and its shapes get bit-identical tensors there, whatever
    else they contain. Attention is an extra child, never a wrapper, so it renames nothing. A module that can be
    made again (`make_again()`, as a user's own block) and holds tensors that nothing resets is drawn as a whole, from
    the stream of its own name.

    Args:
        network: Whose tensors.
        seed: The run's.
        under: The name of `network` in a larger one: the tensors are those that the larger one's would be.

    Raises:
        TypeError: If another module owns tensors but has no `reset_parameters`.
    """
    drawn: set[nn.Module] = set()
    for inside, module in network.named_modules():
        if module in drawn:
            continue
        name = ".".join(part for part in (under, inside) if part)
        make_again = getattr(module, "make_again", None)
        if make_again is not None and any(map(_lacks_reset, module.modules())):
            with stream(seed, f"init/{name}"):
                _copy(make_again(), to=module)
            drawn.update(module.modules())
            continue
        if _lacks_reset(module):
            raise TypeError(
                f"`{type(module).__name__}` at `{name}` must have `reset_parameters()`, so that "
                "its tensors can be drawn from their own stream."
            )
        if _owns(module):
            with stream(seed, f"init/{name}"):
                _reset_of(module)()


def _owns(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))


def _reset_of(module: nn.Module) -> Any:
    # torch's attention and transformers name it so.
    return getattr(module, "reset_parameters", getattr(module, "_reset_parameters", None))


def _lacks_reset(module: nn.Module) -> bool:
    return _owns(module) and _reset_of(module) is None


def _copy(source: nn.Module, *, to: nn.Module) -> None:
    with torch.no_grad():
        for read in (nn.Module.named_parameters, nn.Module.named_buffers):
            theirs = dict(read(source))
            for name, tensor in read(to):
                tensor.copy_(theirs[name])


def epoch_order(n: int, *, seed: int, epoch: int) -> Tensor:
    """The order in which an epoch visits n examples, shape (n,); a function of its arguments only."""
    return torch.randperm(n, generator=generator(seed, f"order/{epoch}"))
