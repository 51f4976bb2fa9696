"""Reading examples so that what one draws depends on seed, epoch and its position, not on the process that reads."""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import torch
from torch.utils.data import BatchSampler, Dataset, SequentialSampler, Subset

from ablations.errors import SettingError
from ablations.randomness import drawn_since, seed_all, states_kept
from ablations.streams import stream_seed

UNDRAWN = stream_seed(0, "nothing draws")
"""Where the shared states begin while reading is expected not to draw."""


class Places(list[Any]):
    """Indices of the examples of a batch that know where in the epoch they stand.

    Attributes:
        stream: The pass over the data.
        begin: Position of the first of them in the epoch ...
        step: ... and how far apart they stand.
        single: Whether this is one index of a loader that batches nothing.
    """

    def __init__(
        self,
        indices: Any = (),
        *,
        stream: str = "",
        begin: int = 0,
        step: int = 1,
        single: bool = False,
    ) -> None:
        super().__init__(indices)
        self.stream, self.begin, self.step, self.single = stream, begin, step, single


class StreamedIndices:
    """A sampler, or a batch sampler, that draws from the stream of the epoch and says where its indices stand.

    Args:
        sampler: The user's.
        seed: Which run's streams.
        stream: Names the pass over the data when iteration begins.
        rank: Which share of the examples ...
        world_size: ... of how many.

    Attributes:
        begin: Batches (of a sampler: indices) of the next pass that are left out, because they were read before.
        own: Name of a sampler that is not torch's; None where it is.

    Raises:
        SettingError: If a sampler of the user's own would have to be shared among processes.
    """

    def __init__(
        self, sampler: Any, *, seed: int, stream: Callable[[], str], rank: int, world_size: int
    ) -> None:
        self._seed, self._stream, self._rank, self._world_size = seed, stream, rank, world_size
        self._generator = torch.Generator()
        self._known, self._sampler = self._with_generator(sampler)
        self.begin = 0
        theirs = getattr(sampler, "sampler", sampler)
        self.own = None if self._known else type(theirs).__name__
        if world_size > 1 and self.own is not None:
            raise SettingError(
                f"a `{self.own}` cannot be shared among the {world_size} processes of a run. Let the "
                "loader shuffle by itself, or give a run one device."
            )

    def __len__(self) -> int:
        return len(self._sampler)

    def __getattr__(self, name: str) -> Any:
        if name == "_sampler":
            raise AttributeError(name)
        return getattr(self._sampler, name)

    def __iter__(self) -> Iterator[Places]:
        stream, left_out = self._stream(), self.begin
        position = 0
        for number, chosen in enumerate(self._drawn(stream)):
            single = not isinstance(chosen, list | tuple)
            indices = [chosen] if single else chosen
            begin = position * self._world_size + self._rank
            step = self._world_size
            if number >= left_out:
                yield Places(indices, stream=stream, begin=begin, step=step, single=single)
            position += len(indices)

    def _drawn(self, stream: str) -> Iterator[Any]:
        number = stream_seed(self._seed, f"{stream}/order")
        self._generator.manual_seed(number)
        if self._known:
            return iter(self._sampler)
        # One of the user's own draws from the shared states; all at once, because what stands between two
        # batches would draw in between.
        with states_kept():
            seed_all(number)
            return (
                iter(list(self._sampler))
                if hasattr(self._sampler, "__len__")
                else iter(self._sampler)
            )

    def _with_generator(self, sampler: Any) -> tuple[bool, Any]:
        """Whether torch wrote the sampler, and a copy of it that draws from the generator of this one."""
        if type(sampler) is BatchSampler:
            known, inner = self._with_generator(sampler.sampler)
            batches = copy(sampler)
            if known and self._world_size > 1:
                inner = _Share(inner, rank=self._rank, world_size=self._world_size)
            batches.sampler = inner
            return known, batches
        theirs = type(sampler).__module__ == "torch.utils.data.sampler"
        if theirs and (isinstance(sampler, SequentialSampler) or hasattr(sampler, "generator")):
            mine = copy(sampler)
            if hasattr(mine, "generator"):
                mine.generator = self._generator
            return True, mine
        return False, sampler


class _Share:
    """Every n-th of the indices; filled up from their beginning, so that all processes have equally many."""

    def __init__(self, sampler: Any, *, rank: int, world_size: int) -> None:
        self._sampler, self._rank, self._world_size = sampler, rank, world_size

    def __len__(self) -> int:
        return -(-len(self._sampler) // self._world_size)

    def __iter__(self) -> Iterator[Any]:
        indices = list(self._sampler)
        indices += indices[: -len(indices) % self._world_size]
        return iter(indices[self._rank :: self._world_size])


def whole(dataset: Any) -> Any:
    """The data set that a `Subset`, of `random_split` say, is part of; else the data set itself."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return dataset


class StreamedDataset(Dataset[Any]):
    """A data set whose reading draws from the streams of where its examples stand; else the data set itself.

    An example that draws is read under its own stream, so that arms with other batch sizes see the same
    augmentations; what puts a batch together draws from the batch's. To seed before each example takes longer than to
    read a small one. So a process reads batches as they are as long as nothing draws; the first batch in which
    something does is read again, and from there on every example under its stream.

    Args:
        dataset: The user's.
        seed: Which run's streams.
        may_mix: Whether what puts a batch together may draw.
    """

    def __init__(self, dataset: Any, *, seed: int, may_mix: bool) -> None:
        self.dataset, self._seed, self._may_mix = dataset, seed, may_mix
        self._begun = self._draws = False

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # not there yet while this is unpickled in a spawned worker
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, Places):  # of a loader that batches nothing
            self._start(index, 0)
            return self.dataset[index[0] if index.single else list(index)]
        return self.dataset[index]

    def __getitems__(self, places: Places) -> Any:
        """The examples of a batch."""
        # A `Subset` passes a batch on, whether or not what it is part of reads batches.
        if getattr(whole(self.dataset), "__getitems__", None):
            self._start(places, 0)
            return self.dataset.__getitems__(list(places))
        examples = self._undrawn(places) or [self._read(places, i) for i in range(len(places))]
        if self._may_mix:
            seed_all(stream_seed(self._seed, f"{places.stream}/together/{places.begin}"))
        return examples

    def _undrawn(self, places: Places) -> list[Any]:
        """The examples, if this process has read none yet whose reading draws; else nothing."""
        examples: list[Any] = []
        # Mostly the first example shows it, so that no whole batch is read in vain.
        for part in (places,) if self._begun else (places[:1], places[1:]):
            if not self._draws:
                seed_all(UNDRAWN)
                examples += [self.dataset[index] for index in part]
                self._draws = drawn_since(UNDRAWN)
        self._begun = True
        return [] if self._draws else examples

    def _read(self, places: Places, i: int) -> Any:
        self._start(places, i)
        return self.dataset[places[i]]

    def _start(self, places: Places, i: int) -> None:
        position = places.begin + i * places.step
        seed_all(stream_seed(self._seed, f"{places.stream}/example/{position}"))
