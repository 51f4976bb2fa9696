"""Batches of examples: in which order, augmented how, and which share of each is this process's."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ablations.errors import SettingError
from ablations.streams import epoch_order, generator
from ablations.subjects.attention.data.examples import Examples, Labelled, Step
from ablations.subjects.attention.settings.groups import Arm, Data

VALIDATION_BATCH = 1024
"""Or a little less, where that would leave a single example over (`validation_batch`)."""
VALIDATION_BYTES = 2**26
"""Of a batch that validates: fewer examples where they are large."""


def largest_validation_batch(shape: tuple[int, ...], *, world_size: int = 1) -> int:
    """How many examples of a shape validate together at most, two for each rank at least."""
    return max(2 * world_size, min(VALIDATION_BATCH, VALIDATION_BYTES // (4 * math.prod(shape))))


def workers_of(data: Data) -> int:
    """Processes that read ahead what is streamed: those of the settings, or as many as this one has threads."""
    return torch.get_num_threads() if data.workers is None else data.workers


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
        examples: All of them, for the device that trains.
        batch_size: Examples in a batch, over all ranks together.
        seed: Names the streams of the order and of the augmentation; None keeps the given order
            and includes the last, incomplete batch (validation).
        epoch: Says which epoch it is, from 0, when iteration begins.
        augment: Function of a batch's x (n, channels, height, width) and a generator.
        rank: Which share of each batch this process takes ...
        world_size: ... of how many.
        workers: Processes that read ahead, where the examples are streamed.
    """

    def __init__(
        self,
        examples: Labelled,
        *,
        batch_size: int,
        seed: int | None = None,
        epoch: Callable[[], int] = lambda: 0,
        augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
    ) -> None:
        self.examples, self.batch_size, self.seed, self.epoch = examples, batch_size, seed, epoch
        self.augment, self.rank, self.world_size, self.workers = augment, rank, world_size, workers
        self._given, self._draws = 0, torch.Generator()
        self._found: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """How far the present epoch is: the batches given, and where its augmentation stands."""
        return {"given": self._given, "draws": self._draws.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Begin the next epoch where another one stood; Lightning says so where an epoch goes on."""
        self._found = state

    def __len__(self) -> int:
        n = len(self.examples)
        return -(-n // self.batch_size) if self.seed is None else n // self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        if self.seed is None:
            steps: list[Step] = [
                slice(begin + self.rank, begin + self.batch_size, self.world_size)
                for begin in range(0, len(self.examples), self.batch_size)
            ]
            for batch in self.examples.fetched(steps, draw=None, workers=self.workers):
                yield batch.batch()
            return
        epoch = self.epoch()
        order = epoch_order(len(self.examples), seed=self.seed, epoch=epoch)
        order = order.to(self.examples.y.device)
        shares: list[Step] = [
            order[step * self.batch_size : (step + 1) * self.batch_size][
                self.rank :: self.world_size
            ]
            for step in range(len(self))
        ]
        self._given, self._draws = 0, generator(self.seed, f"augment/{epoch}")
        if self._found is not None:
            self._given = self._found["given"]
            self._draws.set_state(self._found["draws"])
            self._found = None
        left = shares[self._given :]
        for batch in self.examples.fetched(left, draw=(self.seed, epoch), workers=self.workers):
            augmented = batch if self.augment is None else self._augmented(batch, self._draws)
            self._given += 1
            yield augmented.batch()

    def _augmented(self, batch: Examples, draws: torch.Generator) -> Examples:
        """This rank's share of the augmented batch: drawn for the whole batch, so that ranks do not matter."""
        assert self.augment is not None
        if self.world_size == 1:
            return replace(batch, x=self.augment(batch.x, draws))
        # What the others' places hold does not matter, but that there are so many does.
        whole = batch.x[torch.arange(self.batch_size, device=batch.x.device) % len(batch.x)]
        whole[self.rank :: self.world_size] = batch.x
        return replace(batch, x=self.augment(whole, draws)[self.rank :: self.world_size])
