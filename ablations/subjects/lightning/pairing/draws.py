"""Which tensor each random draw of a constructor ends in, found by watching every operation of the construction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from ablations.streams import stream_seed

WORTH_WAITING = 2**14
"""Elements of a tensor whose draw waits until something reads it; a smaller one is drawn as fast as it is noted."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One random operation of a construction.

    Attributes:
        kind: The operation and the shapes that it drew, equal each time a constructor does the same.
        own: Whether it drew from a generator of the user's own.
    """

    kind: str
    own: bool


@dataclass
class _Stretch:
    """Bytes of a storage, and the draws that flowed into them: the draw's number and when it arrived."""

    begin: int
    end: int
    draws: dict[int, int] = field(default_factory=dict)


class WatchDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the random operations of its block and where their results flow.

    What a storage holds only grows: a tensor that is drawn, and then drawn anew or overwritten, is where
    both draws end. The storages that draws flowed into are kept until this object is gone, so that none
    of their addresses is taken twice.

    Where a draw fills a tensor, the numbers are of no interest here, and most of a network's are read by nothing before
    its first batch. So such a draw waits until an operation takes the tensor.

    Args:
        waits: Whether draws wait. What reads a tensor's memory around torch's operations (`tensor.data.numpy()`) then
            finds what lay there before.
    """

    def __init__(self, *, waits: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.draws: list[Draw] = []
        self._flows: dict[int, tuple[Any, list[_Stretch]]] = {}
        self._moment = 0
        self._waits = waits
        self._waiting: dict[int, list[Callable[[], Any]]] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation and note what flowed."""
        del types
        kwargs = kwargs or {}
        drawing = is_random(func)
        if drawing:
            self.draws.append(draw_of(func, args, kwargs))
        if drawing and self._can_wait(func, args):
            here = _storage(args[0])
            self._waiting.setdefault(here, []).append(partial(func, *args, **kwargs))
            result = args[0]
        else:
            if self._waiting:
                self._draw_what_is_taken(args, kwargs)
            result = func(*args, **kwargs)
        if drawing or self._flows:
            self._note(func, args, kwargs, result, drawing=drawing)
        return result

    def draw_all(self) -> None:
        """Draw what still waits."""
        with torch.no_grad():
            for storage in list(self._waiting):
                self._draw(storage)

    def arrivals(self, tensor: Tensor) -> dict[int, int]:
        """The draws that a tensor holds, each with the moment at which it arrived there."""
        found: dict[int, int] = {}
        if not _has_memory(tensor) or _storage(tensor) not in self._flows:
            return found
        begin, end = _bytes_of(tensor)
        for stretch in self._flows[_storage(tensor)][1]:
            if stretch.begin < end and begin < stretch.end:
                for draw, moment in stretch.draws.items():
                    found[draw] = min(moment, found.get(draw, moment))
        return found

    def _can_wait(self, func: Any, args: tuple[Any, ...]) -> bool:
        """Whether the draw, the last one, does nothing but fill a tensor, whatever else it is given."""
        if not self._waits or self.draws[-1].own or _written(func) != (0,):
            return False
        is_large = _has_memory(args[0]) and args[0].numel() >= WORTH_WAITING
        return is_large and not _tensors(args[1:])

    def _draw_what_is_taken(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for tensor in _tensors((args, kwargs)):
            if _has_memory(tensor):
                self._draw(_storage(tensor))

    def _draw(self, storage: int) -> None:
        for draw in self._waiting.pop(storage, ()):
            draw()

    def _note(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
        *,
        drawing: bool,
    ) -> None:
        self._moment += 1
        flowing = {draw for source in _tensors((args, kwargs)) for draw in self.arrivals(source)}
        if drawing:
            flowing.add(len(self.draws) - 1)
        if not flowing:
            return
        written = [args[i] for i in _written(func) if i < len(args)]
        for target in (*_tensors(written), *_tensors(result)):
            self._arrive(target, flowing)

    def _arrive(self, target: Tensor, draws: set[int]) -> None:
        if not _has_memory(target):
            return
        begin, end = _bytes_of(target)
        _, stretches = self._flows.setdefault(_storage(target), (target.untyped_storage(), []))
        same = [one for one in stretches if (one.begin, one.end) == (begin, end)]
        if not same:
            same = [_Stretch(begin, end)]
            stretches += same
        for draw in draws:
            same[0].draws.setdefault(draw, self._moment)


class SeedDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Seeds before each random operation of its block, from the stream of the name given for it.

    Args:
        draws: What the same constructor drew before.
        names: A name for each of them.
        seed: Which run's streams.
    """

    def __init__(self, draws: list[Draw], names: list[str], *, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._draws, self._names, self._seed = draws, names, seed
        self.count = 0
        self.differs_at: int | None = None
        """The first draw that was not the one given, if any."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Seed, where the operation draws, and run it."""
        del types
        kwargs = kwargs or {}
        if is_random(func):
            self._seed_one(draw_of(func, args, kwargs), args, kwargs)
        return func(*args, **kwargs)

    def _seed_one(self, draw: Draw, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        expected = self._draws[self.count] if self.count < len(self._draws) else None
        if draw != expected and self.differs_at is None:
            self.differs_at = self.count
        known = self.differs_at is None
        name = self._names[self.count] if known else f"init//{self.count}"
        self.count += 1
        if not draw.own:
            for generator in _generators(args, kwargs):
                generator.manual_seed(stream_seed(self._seed, name))


@cache
def is_random(func: Any) -> bool:
    """Whether an operation draws random numbers."""
    return torch.Tag.nondeterministic_seeded in func.tags


def draw_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Draw:
    """What a random operation is about to draw.

    Numbers such as a bound or a deviation are left out: they may themselves come from an earlier draw.
    """
    shapes = [
        tuple(one.shape) if isinstance(one, Tensor) else one
        for one in args
        if isinstance(one, Tensor | list | tuple | int) and not isinstance(one, bool)
    ]
    generators = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Generator)]
    shared = (torch.default_generator, *torch.cuda.default_generators)
    own = any(all(one is not other for other in shared) for one in generators)
    return Draw(kind=f"{func} {shapes}", own=own)


def _generators(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Generator]:
    """The shared generators that an operation may draw from."""
    devices = {tensor.device for tensor in _tensors(args)}
    device = kwargs.get("device")
    devices |= set() if device is None else {torch.device(device)}
    on_gpus = [
        torch.cuda.default_generators[
            torch.cuda.current_device() if one.index is None else one.index
        ]
        for one in devices
        if one.type == "cuda"
    ]
    return [torch.default_generator, *on_gpus]


@cache
def _written(func: Any) -> tuple[int, ...]:
    """Places of the arguments that an operation writes to."""
    arguments = enumerate(func._schema.arguments)
    return tuple(
        i for i, one in arguments if one.alias_info is not None and one.alias_info.is_write
    )


def _tensors(values: Any) -> list[Tensor]:
    """The tensors among the arguments or results of an operation, which come in lists at most."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, dict):
        values = values.values()
    elif not isinstance(values, list | tuple):
        return []
    return [tensor for value in values for tensor in _tensors(value)]


def _has_memory(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not is_lazy(tensor) and tensor.numel() > 0


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _bytes_of(tensor: Tensor) -> tuple[int, int]:
    """From where to where a tensor lies in its storage."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    begin = int(tensor.storage_offset() * tensor.itemsize)
    return begin, begin + int(sum((size - 1) * step for size, step in sizes) + 1) * tensor.itemsize
