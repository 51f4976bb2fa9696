"""Constructs a user's module so that arms of one seed start with the same numbers wherever they have the same tensor.

`torch.manual_seed(s)` and then building is not paired: one more block, and every later tensor is drawn from
another place of the one stream. Calling `reset_parameters` again would be, and would undo whatever the user's
constructor does after it. So the module is constructed twice: once to see which tensor each random operation
ends in, and once more with every operation drawn from the stream of (seed, that tensor's canonical name,
how many came before it). Distributions, order and everything else stay the user's own.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.randomness import Drawn, seed_all, states_kept
from ablations.streams import stream_seed
from ablations.subjects.lightning.pairing.draws import Draw, SeedDraws, WatchDraws
from ablations.subjects.lightning.pairing.names import named_tensors

M = TypeVar("M", bound=nn.Module)

Source = Literal["drawn", "derived", "own generator", "elsewhere", "fixed"]


@dataclass(frozen=True, kw_only=True)
class TensorSource:
    """Where a tensor's first values came from.

    Attributes:
        name: Its canonical name (`names.named_tensors`).
        source: `drawn` from its own streams; `derived` from draws that carry another tensor's name;
            `own generator`: the constructor draws it from a `torch.Generator` of its own; `elsewhere`:
            it differs from construction to construction without a draw of torch's, or has values while
            the constructor drew from numpy or `random`; `fixed`: a constant, a table, read from a file.
        draws: How many draws carry its name.
    """

    name: str
    source: Source
    draws: int


@dataclass(frozen=True, kw_only=True)
class Constructed(Generic[M]):
    """A module and how its first values came about.

    Attributes:
        module: The module.
        tensors: One entry for each of its tensors.
        named: Random operations that were drawn from the stream of a tensor.
        unnamed: Those that end in no tensor of the module; drawn from streams of what they draw.
        own: Those that drew from a generator of the user's own, which is left alone.
        problems: What keeps arms from being paired, a sentence each.
    """

    module: M
    tensors: tuple[TensorSource, ...]
    named: int
    unnamed: int
    own: int
    problems: tuple[str, ...]


def construct(make: Callable[[], M], *, seed: int) -> Constructed[M]:
    """What `make` returns, with its random numbers drawn from streams of the tensors that they end in.

    `make` is called twice, and the shared random states are afterwards as they were before.

    Args:
        make: Builds the module; it must do the same each time it is called.
        seed: Which run's streams.

    Raises:
        SettingError: If `make` returns no module, or one with lazy parameters.
    """
    with states_kept():
        _start(seed)
        began = torch.default_generator.initial_seed()
        first, watch = _watched(make)
        reseeded = torch.default_generator.initial_seed() != began
        drawn = _names_of_draws(first, watch)
        names = _stream_names(watch.draws, drawn)
        _start(seed)
        elsewhere = Drawn()
        replay = SeedDraws(watch.draws, names, seed=seed)
        problems = ["the constructor sets torch's seed itself; its draws come from the streams of their tensors "
                    "nevertheless."] if reseeded else []  # fmt: skip
        try:
            with replay:
                second = checked(make())
        except Exception as error:
            problems.append(
                f"the constructor works once but not twice: {words_of(error)}. So its tensors come from one "
                "stream and are not paired: make it leave nothing behind."
            )
            watch.draw_all()
            second = first
        if second is not first and (replay.differs_at is not None or replay.count < len(names)):
            problems.append(_difference(replay, names))
        sources = _sources(first, second, watch, drawn, elsewhere=elsewhere.elsewhere())
    odd = [one.name for one in sources if one.source in ("elsewhere", "own generator")]
    if odd:
        problems.append(
            f"{len(odd)} tensors ({', '.join(odd[:3])}{', ...' if len(odd) > 3 else ''}) are drawn by numpy, "
            "`random` or a generator of the constructor's own, so they need not be equal between arms. Draw "
            "them with torch's functions and no generator."
        )
    return Constructed(
        module=second,
        tensors=sources,
        named=sum(name is not None for name in drawn),
        unnamed=sum(
            name is None and not draw.own for name, draw in zip(drawn, watch.draws, strict=True)
        ),
        own=sum(draw.own for draw in watch.draws),
        problems=tuple(problems),
    )


def _start(seed: int) -> None:
    seed_all(stream_seed(seed, "init"))


def _watched(make: Callable[[], M]) -> tuple[M, WatchDraws]:
    try:
        with WatchDraws() as watch:
            return checked(make()), watch
    except SettingError:
        raise
    except Exception:  # perhaps because a number was read around torch before it was drawn
        with WatchDraws(waits=False) as watch:
            return checked(make()), watch


def checked(module: M) -> M:
    """The module, if it is one whose tensors have shapes.

    Raises:
        SettingError: If it is not.
    """
    if not isinstance(module, nn.Module):
        raise SettingError(
            f"what builds the network must return an `nn.Module`, but it returned {module!r:.80}."
        )
    for name, child in module.named_modules():
        own = {**child._parameters, **child._buffers}
        if any(tensor is not None and is_lazy(tensor) for tensor in own.values()):
            raise SettingError(
                f"`{name or type(module).__name__}` is a {type(child).__name__}, whose tensors have no shape before "
                "the first batch, so they could be neither paired nor counted. Give its input size "
                f"({type(child).__name__.removeprefix('Lazy')}), or run a batch through it in the constructor."
            )
    return module


def _names_of_draws(module: nn.Module, watch: WatchDraws) -> list[str | None]:
    """For each draw the tensor that it reached first, among those of the module; None for those of no tensor."""
    reached: dict[int, tuple[int, str]] = {}
    for name, tensor in named_tensors(module).items():
        for draw, moment in watch.arrivals(tensor).items():
            if draw not in reached or moment < reached[draw][0]:
                reached[draw] = (moment, name)
    draws = range(len(watch.draws))
    return [reached[i][1] if i in reached and not watch.draws[i].own else None for i in draws]


def _stream_names(draws: list[Draw], tensors: list[str | None]) -> list[str]:
    """The stream of each draw: of its tensor or, where it ends in none, of what is drawn; and of its number."""
    counts = Counter[str]()
    names = []
    for draw, tensor in zip(draws, tensors, strict=True):
        base = f"init/{tensor}" if tensor is not None else f"init//{draw.kind}"
        names.append(f"{base}/{counts[base]}")
        counts[base] += 1
    return names


def _sources(
    first: nn.Module,
    second: nn.Module,
    watch: WatchDraws,
    drawn: list[str | None],
    *,
    elsewhere: bool,
) -> tuple[TensorSource, ...]:
    counts = Counter(name for name in drawn if name is not None)
    before = named_tensors(first)
    found = []
    for name, tensor in named_tensors(second).items():
        arrived = watch.arrivals(before[name]) if name in before else {}
        if any(watch.draws[draw].own for draw in arrived):
            source: Source = "own generator"
        elif counts[name]:
            source = "drawn"
        elif arrived:
            source = "derived"
        elif name not in before or not _equal(before[name], tensor):
            source = "elsewhere"
        else:
            source = "elsewhere" if elsewhere and _varies(tensor) else "fixed"
        found.append(TensorSource(name=name, source=source, draws=counts[name]))
    return tuple(found)


def _difference(replay: SeedDraws, names: list[str]) -> str:
    at = len(names) if replay.differs_at is None else replay.differs_at
    where = names[min(at, len(names) - 1)].removeprefix("init/") if names else "the first draw"
    return (
        f"the constructor differs from call to call: {len(names)} random operations in the first, {replay.count} in "
        f"the second, different from number {at + 1} on ({where}). What is drawn after it is not paired. Make it "
        "depend on its arguments only."
    )


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b)


def _varies(tensor: Tensor) -> bool:
    return tensor.numel() > 1 and bool((tensor != tensor.flatten()[0]).any())
