"""Batches of tensors that already lie on the device; no worker processes, no copies per batch."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ablations.errors import SettingError
from ablations.streams import epoch_order, generator
from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.settings.groups import Arm

VALIDATION_BATCH = 1024
"""Or a little less, where that would leave a single example over (`validation_batch`)."""


def validation_batch(examples: int, *, largest: int, world_size: int = 1) -> int:
    """The largest batch size up to `largest` whose last batch leaves at least two examples to each rank.

    Too few examples for that are left to `largest`: no size would do.
    """
    sizes = range(largest, 2 * world_size - 1, -1)
    return next((size for size in sizes if (examples % size or size) // world_size > 1), largest)


def check_batches(arm: Arm, *, train: int, val: int, world_size: int = 1) -> None:
    """Refuse a batch that is larger than the data, and a shuffled gate where a process gets one example.

    Args:
        arm: What is to be trained.
        train: Examples that train.
        val: Examples that validate.
        world_size: Processes that share each batch.

    Raises:
        SettingError: If so.
    """
    if arm.training.batch_size > train:
        raise SettingError(
            f"`training.batch_size` must be at most {train}, the number of training examples, but is "
            f"{arm.training.batch_size}. Use a smaller one (--set training.batch_size={train // 2 or 1})."
        )
    if arm.attention.placement == "none" or arm.attention.control != "shuffled":
        return
    for name, given in (("batch_size", arm.training.batch_size), ("validation examples", val)):
        if given < 2 * world_size:
            raise SettingError(
                "`control='shuffled'` gives each image another one's gate, so each process needs two: "
                f"`{name} >= {2 * world_size}` must hold with {world_size} process(es), but got {given}. "
                "Use more, or fewer processes for a run."
            )


class Batches:
    """An iterable over (x, y) or (x, y, mask); each epoch has its own order, a function of seed and epoch.

    Args:
        examples: All of them, on the device that trains.
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
        examples: Examples,
        *,
        batch_size: int,
        seed: int | None = None,
        epoch: Callable[[], int] = lambda: 0,
        augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.examples, self.batch_size, self.seed, self.epoch = examples, batch_size, seed, epoch
        self.augment, self.rank, self.world_size = augment, rank, world_size

    def __len__(self) -> int:
        n = len(self.examples)
        return -(-n // self.batch_size) if self.seed is None else n // self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        if self.seed is None:
            for begin in range(0, len(self.examples), self.batch_size):
                mine = slice(begin + self.rank, begin + self.batch_size, self.world_size)
                yield self.examples[mine].batch()
            return
        y = self.examples.y
        epoch = self.epoch()
        order = epoch_order(len(y), seed=self.seed, epoch=epoch).to(y.device)
        draws = generator(self.seed, f"augment/{epoch}")
        for step in range(len(self)):
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            batch = self.examples[chosen]
            if self.augment is not None:
                # The whole batch is augmented before it is shared out, so that ranks do not matter.
                batch = replace(batch, x=self.augment(batch.x, draws))
            mine = slice(self.rank, None, self.world_size)
            yield (batch if self.world_size == 1 else batch[mine]).batch()
