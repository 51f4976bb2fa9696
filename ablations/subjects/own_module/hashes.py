"""The hashes of a module's tensors: as it starts, and as it is."""

import hashlib
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ablations.subjects.lightning.loading.batch_digest import batch_digest
from ablations.subjects.lightning.pairing.construct import Constructed
from ablations.subjects.lightning.pairing.names import named_tensors
from ablations.subjects.started import Started


def started(built: Constructed[Any], module: nn.Module) -> Started:
    """The beginning of a run, before its first step.

    Args:
        built: How the module came about.
        module: The same, with what was attached to it.
    """
    odd = ("elsewhere", "own generator")
    return Started(
        tensors={name: _told(tensor) for name, tensor in named_tensors(module).items()},
        random=tuple(one.name for one in built.tensors if one.source in ("drawn", *odd)),
        unnamed=built.unnamed,
        elsewhere=tuple(one.name for one in built.tensors if one.source in odd),
        problems=built.problems,
    )


def state_hash(module: nn.Module) -> str:
    """One hash of all tensors of a module as they are now."""
    return _hash(named_tensors(module))


def learnable_hash(module: nn.Module) -> str:
    """One hash of the parameters that need a gradient, as they are now."""
    return _hash({name: x for name, x in module.named_parameters() if x.requires_grad})


def _hash(tensors: Mapping[str, Tensor]) -> str:
    told = "\n".join(f"{name} {_told(x)}" for name, x in tensors.items())
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def _told(tensor: Tensor) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"{kind}[{','.join(map(str, tensor.shape))}] {batch_digest(tensor)}"
