"""Reading examples so that what one draws depends on seed, epoch and its position, not on the process that reads."""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import torch
from torch.utils.data import BatchSampler, Dataset, SequentialSampler, Subset

from ablations.errors import SettingError
from ablations.randomness import drawn_since, seed_all, states_kept
from ablations.streams import stream_seed


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

    In each pass the first example that a process reads shows whether reading draws at all. If so every example
    is read under its own stream, so that arms with other batch sizes see the same augmentations; if not, only
    each batch is, which is cheaper.

    Args:
        dataset: The user's.
        seed: Which run's streams.
    """

    def __init__(self, dataset: Any, *, seed: int) -> None:
        self.dataset, self._seed = dataset, seed
        self._looked_at, self._draws = "", False

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
        self._start(places, 0)
        # A `Subset` passes a batch on, whether or not what it is part of reads batches.
        if getattr(whole(self.dataset), "__getitems__", None):
            return self.dataset.__getitems__(list(places))
        examples = [self._first(places)]
        if not self._draws:
            return examples + [self.dataset[index] for index in places[1:]]
        for i in range(1, len(places)):
            self._start(places, i)
            examples.append(self.dataset[places[i]])
        return examples

    def _first(self, places: Places) -> Any:
        """The first example; where it is the first of this pass, note whether reading draws."""
        if self._looked_at == places.stream:
            return self.dataset[places[0]]
        self._looked_at = places.stream
        example = self.dataset[places[0]]
        self._draws = drawn_since(self._number(places, 0))
        return example

    def _start(self, places: Places, i: int) -> None:
        seed_all(self._number(places, i))

    def _number(self, places: Places, i: int) -> int:
        position = places.begin + i * places.step
        return stream_seed(self._seed, f"{places.stream}/example/{position}")
