"""A user's loaders with every random number in them drawn from streams of (seed, epoch, position).

Order, workers' seeds, augmentation, and what a step draws (dropout) are then the same in every arm of a seed,
whether the examples are read in this process or in workers, and after a resume. The loaders stay the
user's own: a copy is given another sampler, and everything else about it is as it was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from lightning.pytorch.utilities.combined_loader import CombinedLoader
from torch.utils._pytree import tree_map
from torch.utils.data import DataLoader, IterableDataset, default_collate

from ablations.randomness import seed_all
from ablations.streams import stream_seed
from ablations.subjects.lightning.loading.batch_digest import batch_digest
from ablations.subjects.lightning.loading.reading import StreamedDataset, StreamedIndices
from ablations.subjects.lightning.loading.rows import Rows, as_read, holds_rows

HOOKS = ("train_dataloader", "val_dataloader", "test_dataloader")
HASHED_BATCHES = 2


@dataclass(kw_only=True)
class Order:
    """The streams of one training, and what was seen of its data.

    Attributes:
        seed: Which run's streams.
        epochs_done: Counts the finished epochs. Not the Trainer's `current_epoch`, which is stale when
            Lightning asks for batches on a resume.
        rank: This process's share of each epoch ...
        world_size: ... of how many.
        digests: Of the first batches that this process trained on, by `batch_digest`.
        limits: What cannot be had with these loaders, a sentence each.
        again: Why an epoch that is interrupted begins anew with the loader that trains, a clause; empty where it goes
            on with the batch that it had reached.
    """

    seed: int
    epochs_done: Callable[[], int]
    rank: int = 0
    world_size: int = 1
    digests: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    again: str = ""

    def apply(self, loaders: Any, *, name: str) -> Any:
        """The same structure of loaders (one, a list, a dict, a CombinedLoader), each under streams of its name."""
        if name == "train" and isinstance(loaders, CombinedLoader | list | tuple | dict):
            self.again = "it trains on several loaders at once"
        if isinstance(loaders, CombinedLoader):
            inner = self.apply(loaders.iterables, name=name)
            return CombinedLoader(inner, loaders._mode)
        if isinstance(loaders, list | tuple | dict):
            numbers = count()
            return tree_map(
                lambda one: StreamedLoader(one, f"{name}/{next(numbers)}", self), loaders
            )
        return loaders if loaders is None else StreamedLoader(loaders, name, self)

    def say(self, limit: str) -> None:
        """Note what cannot be had, once."""
        if limit not in self.limits:
            self.limits.append(limit)


@contextmanager
def ordered(owner: Any, order: Order) -> Iterator[None]:
    """Put the loaders that a DataModule (or a LightningModule) gives out under streams, for the length of the block."""
    wrapped = [name for name in HOOKS if _written(getattr(owner, name, None))]
    theirs = {name: vars(owner)[name] for name in wrapped if name in vars(owner)}
    try:
        for name in wrapped:
            kind = name.removesuffix("_dataloader")
            # Lightning asks whether a hook is overridden, and looks through a `partial` for that.
            setattr(owner, name, partial(_call, getattr(owner, name), kind, order))
        yield
    finally:
        for name in wrapped:
            vars(owner).pop(name, None)
        vars(owner).update(theirs)


def _written(hook: Any) -> bool:
    """Whether the user wrote the hook: Lightning's own raises."""
    return callable(hook) and not (hook.__module__ or "").startswith("lightning.pytorch.core")


def _call(hook: Callable[[], Any], name: str, order: Order) -> Any:
    return order.apply(hook(), name=name)


class StreamedLoader:
    """A loader, or any iterable of batches, whose random numbers come from streams; else the loader itself.

    Args:
        loader: The user's.
        name: What distinguishes it from the training's other loaders.
        order: The training's streams.
    """

    def __init__(self, loader: Any, name: str, order: Order) -> None:
        self._name, self._order = name, order
        self._epoch, self._cycle = -1, 0
        self._reads_here = True
        self._given = 0
        self._found: dict[str, int] | None = None
        self._indices: StreamedIndices | None = None
        self.loader = self._copied(loader) if isinstance(loader, DataLoader) else loader
        if name == "train":
            order.again = self._why_again()

    def __len__(self) -> int:
        return len(self.loader)

    def __getattr__(self, name: str) -> Any:
        if name == "loader":
            raise AttributeError(name)
        return getattr(self.loader, name)

    @property
    def _iterator(self) -> Any:
        # Lightning ends persistent workers through this attribute, and then sets it.
        return self.loader._iterator

    @_iterator.setter
    def _iterator(self, iterator: Any) -> None:
        self.loader._iterator = iterator

    def __iter__(self) -> Iterator[Any]:
        epoch = self._order.epochs_done()
        if epoch != self._epoch:
            self._epoch, self._cycle = epoch, 0
        _tell_epoch(self.loader, epoch)
        stream = self.stream
        begin, self._found = self._begin(epoch), None
        self._given = begin
        if self._indices is not None:
            self._indices.begin = begin
        # At once, not at the first `next`: workers start and read ahead from here on.
        self._seed(f"{stream}/start")
        return self._batches(iter(self.loader), stream, begin)

    def state_dict(self) -> dict[str, int]:
        """The batches given in an epoch; Lightning's checkpoints hold it."""
        return {"epoch": self._epoch, "given": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin that epoch, if it is the next one here, after these batches."""
        self._found = state

    def _begin(self, epoch: int) -> int:
        """Batches to leave out; none of an epoch that had come to its end."""
        found = self._found
        goes_on = found is not None and found["epoch"] == epoch and not self._order.again
        return found["given"] if found is not None and goes_on else 0

    @property
    def stream(self) -> str:
        """The name of this pass over the data; a loader that is begun again in an epoch has another."""
        return f"{self._name}/{self._epoch}/{self._cycle}"

    def _batches(self, iterator: Iterator[Any], stream: str, begin: int) -> Iterator[Any]:
        for number in count(begin):
            if self._reads_here:
                self._seed(f"{stream}/read/{number}")
            try:
                batch = next(iterator)
            except StopIteration:
                self._cycle += 1
                return
            if number < HASHED_BATCHES and stream == "train/0/0" and begin == 0:
                self._order.digests.append(batch_digest(batch))
            # From here to the next batch everything that is drawn belongs to this step.
            self._seed(f"{stream}/step/{number}")
            self._given += 1
            yield batch

    def _seed(self, name: str) -> None:
        rank = f"/{self._order.rank}" if self._order.world_size > 1 else ""
        seed_all(stream_seed(self._order.seed, name + rank))

    def _copied(self, loader: DataLoader[Any]) -> DataLoader[Any]:
        """A copy whose indices say where in the epoch they stand, and whose data set draws accordingly."""
        mine = copy(loader)
        mine._iterator = None
        own = vars(mine)  # the loader itself refuses to be changed
        own["generator"] = None  # its workers' seeds come from the shared state, which `_seed` set
        if isinstance(loader.dataset, IterableDataset):
            self._say_limits(loader)
            self._reads_here = loader.num_workers == 0
            return mine
        self._reads_here = False
        rows = loader.collate_fn is default_collate and holds_rows(loader.dataset)
        if rows and loader.batch_sampler is not None:
            own["dataset"], own["collate_fn"] = Rows(loader.dataset), as_read
        else:
            may_mix = loader.collate_fn is not default_collate
            own["dataset"] = StreamedDataset(loader.dataset, seed=self._order.seed, may_mix=may_mix)
        which = "sampler" if loader.batch_sampler is None else "batch_sampler"
        own[which] = self._indices = StreamedIndices(
            getattr(loader, which),
            seed=self._order.seed,
            stream=lambda: self.stream,
            rank=self._order.rank,
            world_size=self._order.world_size,
        )
        return mine

    def _why_again(self) -> str:
        """What stands in the way of leaving out the first batches of an epoch; empty where nothing does."""
        kind = type(self.loader)
        if not isinstance(self.loader, DataLoader) or kind.__iter__ is not DataLoader.__iter__:
            return f"`{kind.__name__}` is a loader of its own"
        if self._indices is None:
            return f"`{type(self.loader.dataset).__name__}` is iterable, without places to go on at"
        own = self._indices.own
        return f"`{own}` draws an order of its own" if own else ""

    def _say_limits(self, loader: DataLoader[Any]) -> None:
        kind = type(loader.dataset).__name__
        self._order.say(
            f"`{kind}` is iterable: its order is its own, drawn from streams of the epoch and the worker; "
            f"`num_workers` ({loader.num_workers} here) is part of what is drawn."
        )
        if loader.num_workers and loader.persistent_workers:
            self._order.say(
                f"the persistent workers of the iterable `{kind}` go on from epoch to epoch with states that no "
                "checkpoint holds, so a resumed run is not equal to an uninterrupted one. Set "
                "`persistent_workers=False` where that matters."
            )


def _tell_epoch(loader: Any, epoch: int) -> None:
    """Tell samplers and data sets that ask for it; Lightning does so too late where it resumes."""
    batches = getattr(loader, "batch_sampler", None)
    within = getattr(batches, "sampler", None)
    for one in (*(getattr(loader, name, None) for name in ("dataset", "sampler")), batches, within):
        tell = getattr(one, "set_epoch", None)
        if callable(tell):
            tell(epoch)
