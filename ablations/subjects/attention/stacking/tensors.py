"""Tensors of a stack, whose parts are the members' tensors.

What an optimiser changes in a member has changed in the stack, and a member can be validated, saved or
trained alone at any time.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Gradients = list[tuple[nn.Parameter, Tensor]]


class Joined:
    """The parameters that a stack computes with instead of its members'."""

    def __init__(self, k: int) -> None:
        self.k = k
        self._pairs: list[tuple[nn.Parameter, list[nn.Parameter]]] = []

    def parameter(self, members: Sequence[nn.Parameter]) -> nn.Parameter:
        """One parameter over all members', along its first dimension."""
        whole = nn.Parameter(
            join([member.data for member in members]), requires_grad=members[0].requires_grad
        )
        for member, part in zip(members, whole.data.chunk(self.k), strict=True):
            member.data = part
        self._pairs.append((whole, list(members)))
        return whole

    def own(self, network: nn.Module, k: int) -> list[nn.Parameter]:
        """The parameters of the k-th member's network that are not joined."""
        joined = {id(members[k]) for _, members in self._pairs}
        return [each for each in network.parameters() if id(each) not in joined]

    def take_gradients(self) -> list[Gradients]:
        """The gradients of the joined parameters, by member; afterwards the stack holds none."""
        taken: list[Gradients] = [[] for _ in range(self.k)]
        for whole, members in self._pairs:
            if whole.grad is None:
                continue
            parts = whole.grad.chunk(self.k)
            for gradients, member, part in zip(taken, members, parts, strict=True):
                gradients.append((member, part))
            whole.grad = None
        return taken


def join(members: Sequence[Tensor]) -> Tensor:
    """All members' tensors along the first dimension, in their memory layout; numbers become a vector."""
    return torch.stack(list(members)) if members[0].dim() == 0 else torch.cat(list(members))


def joined_buffer(members: Sequence[Tensor]) -> Tensor:
    """One buffer over all members'; theirs become its parts."""
    whole = join(members)
    parts = whole.unbind() if members[0].dim() == 0 else whole.chunk(len(members))
    for member, part in zip(members, parts, strict=True):
        member.data = part
    return whole
