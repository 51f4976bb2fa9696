"""Batches of tensors that already lie on the device; no worker processes, no copies per batch."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ablations.data import Images
from ablations.streams import epoch_order, generator


class Batches:
    """An iterable over (x, y) batches; each epoch has its own order, a function of seed and epoch.

    Args:
        images: All examples, on the device that trains.
        batch_size: Examples in a batch, over all ranks together.
        seed: Names the streams of the order and of the augmentation; None keeps the given order
            and includes the last, incomplete batch (validation).
        epoch: Says which epoch it is, from 0, when iteration begins.
        augment: Function of a batch's x (n, channels, height, width) and a generator.
        rank: Which share of each batch this process takes ...
        world_size: ... of how many.
    """

    def __init__(
        self,
        images: Images,
        *,
        batch_size: int,
        seed: int | None = None,
        epoch: Callable[[], int] = lambda: 0,
        augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.images, self.batch_size, self.seed, self.epoch = images, batch_size, seed, epoch
        self.augment, self.rank, self.world_size = augment, rank, world_size

    def __len__(self) -> int:
        n = len(self.images.y)
        return -(-n // self.batch_size) if self.seed is None else n // self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        x, y = self.images.x, self.images.y
        if self.seed is None:
            for begin in range(0, len(y), self.batch_size):
                mine = slice(begin + self.rank, begin + self.batch_size, self.world_size)
                yield x[mine], y[mine]
            return
        epoch = self.epoch()
        order = epoch_order(len(y), seed=self.seed, epoch=epoch).to(y.device)
        draws = generator(self.seed, f"augment/{epoch}")
        for step in range(len(self)):
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            batch = x[chosen]
            if self.augment is not None:
                # The whole batch is augmented before it is shared out, so that ranks do not matter.
                batch = self.augment(batch, draws)
            mine = slice(self.rank, None, self.world_size)
            yield batch[mine], y[chosen][mine]
