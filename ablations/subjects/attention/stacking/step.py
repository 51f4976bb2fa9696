"""One training step of several networks: their losses and gradients, from as few operations as can be.

In float64 the gradients are those of separate steps to 1e-12 of their norms; in float32 to rounding, which
training amplifies as it does that of another thread count. So a stacked run is another draw of the same
run's rounding, not equal bit for bit.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.subjects.attention.stacking.rules import stack
from ablations.subjects.attention.stacking.tensors import Gradients, Joined


class StackFailed(RuntimeError):
    """A step of several runs failed, whoever's fault it was; each is tried again by itself (`engine.retry`)."""

    def __init__(self, runs: int, error: Exception) -> None:
        super().__init__(
            f"a step of {runs} runs together failed: {type(error).__name__}: {error}. Each of them is tried again "
            "by itself; if memory was short, use a smaller --stack."
        )


class Stack:
    """Networks of one structure, computed as one."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.networks = list(networks)
        self._joined = Joined(len(networks))
        self._network = stack(networks, self._joined)
        self._own = [self._joined.own(network, k) for k, network in enumerate(networks)]

    def step(
        self, xs: Sequence[Tensor], ys: Sequence[Tensor], *, label_smoothing: float
    ) -> tuple[Tensor, list[Gradients]]:
        """Mean loss of each member's batch (K,), and each member's gradients.

        Args:
            xs: Each member's inputs (N, C, ...).
            ys: Each member's labels (N,).
            label_smoothing: As `cross_entropy` takes it.
        """
        for parameters in self._own:
            for parameter in parameters:
                parameter.grad = None
        k, n = len(xs), len(ys[0])
        logits = self._network(_side_by_side(xs)).reshape(n * k, -1)
        loss_nk = F.cross_entropy(
            logits, torch.stack(list(ys), 1).flatten(), reduction="none",
            label_smoothing=label_smoothing,
        ).reshape(n, k)  # fmt: skip
        losses = loss_nk.mean(0)
        torch.autograd.backward(losses.sum())
        gradients = self._joined.take_gradients()
        for taken, parameters in zip(gradients, self._own, strict=True):
            taken += [(each, each.grad) for each in parameters if each.grad is not None]
        return losses.detach(), gradients


def _side_by_side(xs: Sequence[Tensor]) -> Tensor:
    x = torch.cat(list(xs), dim=1)
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


@dataclass
class Part:
    """What one run brings to a step, and what it takes away."""

    network: nn.Module
    structure: Hashable | None
    """None: it can only be trained alone."""
    x: Tensor
    y: Tensor
    label_smoothing: float
    stack: Stack | None = None
    """In which it was the last time."""
    loss: Tensor | None = None
    """None afterwards where it is to train alone."""
    gradients: Gradients = field(default_factory=list)
    error: StackFailed | None = None
    """Why its stack's step failed, if it did."""

    @property
    def key(self) -> Hashable:
        """What parts of one stack have in common."""
        return self.structure, self.x.shape, self.x.dtype, self.x.device, self.label_smoothing


def train_in_step(parts: Sequence[Part]) -> None:
    """Give each part its loss and gradients, or its stack's error, where it has a mate; the others are left alone."""
    groups: dict[Hashable, list[Part]] = {}
    for part in parts:
        if part.structure is not None:
            groups.setdefault(part.key, []).append(part)
    for group in groups.values():
        if len(group) == 1:
            continue
        try:
            _step(group)
        except Exception as error:
            for part in group:
                part.error = StackFailed(len(group), error)
                part.error.__cause__ = error


def _step(group: list[Part]) -> None:
    members = {id(part.network): part for part in group}
    found = group[0].stack
    # A network that has been in another stack since has its tensors there.
    same = all(part.stack is found for part in group)
    if found is None or not same or len(found.networks) != len(group):
        found = Stack([part.network for part in group])
    ordered = [members[id(network)] for network in found.networks]
    xs, ys = [part.x for part in ordered], [part.y for part in ordered]
    losses, gradients = found.step(xs, ys, label_smoothing=ordered[0].label_smoothing)
    for part, loss, taken in zip(ordered, losses, gradients, strict=True):
        part.stack, part.loss, part.gradients = found, loss, taken
