"""A hash of what a batch holds, equal where two arms see the same numbers."""

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten


def batch_digest(batch: Any) -> str:
    """Sixteen hexadecimal digits for the structure, types, shapes and numbers of a batch.

    Arrays and tensors count with their content; anything else with what it is printed as.
    """
    leaves, structure = tree_flatten(batch)
    digest = hashlib.blake2b(str(structure).encode(), digest_size=8)
    for leaf in leaves:
        array = leaf.detach().cpu().contiguous() if isinstance(leaf, Tensor) else leaf
        if isinstance(array, Tensor):
            digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
            digest.update(array.flatten().view(torch.uint8).numpy().data)
        elif isinstance(array, np.ndarray):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(array.tobytes())
        else:
            digest.update(repr(leaf).encode())
    return digest.hexdigest()
