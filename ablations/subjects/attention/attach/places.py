"""The places in a host that attention may sit at: what its map is, or why there is none."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ablations.subjects.attention.attach.layouts import (
    Asked,
    Evidence,
    Layout,
    channels_of,
    check_layout,
    layout_of_input,
    layout_of_output,
    positions_of,
)
from ablations.subjects.attention.attach.matching import At, matched, outlet
from ablations.subjects.attention.attach.observing import Observation, Seen, observe
from ablations.subjects.attention.attach.passing import (
    Forward,
    described,
    refuse_unready,
    tensors,
)
from ablations.subjects.attention.settings.choices import Placement

MOST_POSITIONS = 3


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place that attention may sit at."""

    name: str
    """Dotted name of the module in the host."""
    kind: str
    """The module's class."""
    layout: Layout
    channels: int
    """C of the map that is gated."""
    size: tuple[int, ...]
    """Of the map's position dimensions; the number of tokens is one."""
    inputs: int | None
    """Channels that enter the module; None where what enters is no map."""
    outputs: int
    """Channels that leave it."""
    lowest: float
    """The smallest number in the map, for the example."""
    device: torch.device


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """A module that attention cannot sit at."""

    name: str
    kind: str
    problem: str
    """Why, to stand after the name and a colon, with a way out."""
    no_map: bool = False
    """Whether it is because the module gives nothing that has channels and positions."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was found at the modules that `at` matches, in the network's order."""

    found: tuple[Site | Unfit, ...]
    calls: Counter[str]
    """How often each module of the host ran."""

    @property
    def sites(self) -> tuple[Site, ...]:
        """Those that fit."""
        return tuple(one for one in self.found if isinstance(one, Site))

    @property
    def unfit(self) -> tuple[Unfit, ...]:
        """Those that do not."""
        return tuple(one for one in self.found if isinstance(one, Unfit))


def survey(
    network: nn.Module,
    *,
    at: At,
    example: Any,
    placement: Placement,
    layout: Asked,
    forward: Forward,
) -> Survey:
    """What a pass of the example shows of the modules that `at` matches.

    Raises:
        SettingError: If nothing is matched or the example does not pass.
    """
    check_layout(layout)
    refuse_unready(network)
    last = placement != "pre"
    chosen = dict(outlet(name, module, last=last) for name, module in matched(network, at).items())
    seen = observe(network, chosen, example, forward)
    batches = {x.shape[0] for x in tensors(example) if x.dim()}
    found = tuple(
        _place(name, module, seen, batches=batches, placement=placement, asked=layout)
        for name, module in chosen.items()
    )
    return Survey(found=found, calls=seen.calls)


def _place(
    name: str,
    module: nn.Module,
    found: Observation,
    *,
    batches: set[int],
    placement: Placement,
    asked: Asked,
) -> Site | Unfit:
    kind = type(module).__name__

    def unfit(problem: str, *, no_map: bool = False) -> Unfit:
        return Unfit(name=name, kind=kind, problem=problem, no_map=no_map)

    calls = found.calls[name]
    if calls != 1:
        return unfit(_called(calls), no_map=calls == 0)
    seen = found.seen[name]
    x = seen.took if placement in ("pre", "identity") else seen.gave
    verb = "takes" if placement in ("pre", "identity") else "gives"
    problem = _no_map(x, verb, batches)
    if problem is not None:
        return unfit(problem, no_map=True)
    assert isinstance(x, Tensor)
    problem = _no_place(seen, placement)
    if problem is not None:
        return unfit(problem)
    before, inside = found.layouts[: seen.start], found.layouts[seen.start : seen.end]
    layout = _layout(x, asked, placement=placement, before=before, inside=inside)
    if layout is None:
        return unfit(
            f"{verb} {tuple(x.shape)}, whose channels may come second or last; say which by "
            "layout='channels_first' or 'channels_last'"
        )
    inputs = _input_channels(seen.took, asked, before=before, inside=inside)
    gave = seen.gave if isinstance(seen.gave, Tensor) and seen.gave.dim() > 2 else x
    return Site(
        name=name,
        kind=kind,
        layout=layout,
        channels=channels_of(x.shape, layout),
        size=positions_of(x.shape, layout),
        inputs=inputs,
        outputs=channels_of(gave.shape, layout),
        lowest=seen.lowest[0 if verb == "takes" else 1],
        device=x.device,
    )


def _input_channels(
    took: Tensor | None, asked: Asked, *, before: list[Evidence], inside: list[Evidence]
) -> int | None:
    if took is None or took.dim() < 3:
        return None
    layout = _layout(took, asked, placement="pre", before=before, inside=inside)
    return None if layout is None else channels_of(took.shape, layout)


def _layout(
    x: Tensor, asked: Asked, *, placement: Placement, before: list[Evidence], inside: list[Evidence]
) -> Layout | None:
    if asked != "infer":
        return asked
    infer = layout_of_input if placement in ("pre", "identity") else layout_of_output
    return infer(tuple(x.shape), before=before, inside=inside)


def _called(calls: int) -> str:
    if calls == 0:
        return "does not run when the example passes in evaluation mode; match a module that does"
    return (
        f"runs {calls} times in one pass, so one attention would see {calls} maps; make a module for each, or "
        "match another"
    )


def _no_map(x: Any, verb: str, batches: set[int]) -> str | None:
    if not isinstance(x, Tensor):
        what = "nothing" if x is None else described(x)
        return f"{verb} {what}, not one map; match a module inside it, or beside it, that {verb} a tensor"
    shape = tuple(x.shape)
    if not x.is_floating_point():
        return f"{verb} {shape} of {x.dtype}, not numbers that can be gated"
    if x.dim() < 3:
        return f"{verb} {shape}, which has no positions to pool over; match a module before the pooling"
    if x.dim() > 2 + MOST_POSITIONS:
        return f"{verb} {shape}; a map has 1 to {MOST_POSITIONS} position dimensions, and this {x.dim() - 2}"
    if batches and shape[0] not in batches:
        n = ", ".join(map(str, sorted(batches)))
        return (
            f"{verb} {shape}, whose first dimension is not the batch of {n}; match a module whose maps are "
            "(n, channels, ...) or (n, tokens, channels)"
        )
    return None


def _no_place(seen: Seen, placement: Placement) -> str | None:
    unit = isinstance(seen.gave, Tensor) and seen.frame.is_sum(seen.gave)
    plain = isinstance(seen.gave, Tensor) and seen.frame.is_plain_sum(seen.gave)
    if placement == "standard" and unit:
        return (
            "a residual unit, where placement='standard' is inside: match the last module of its branch, or "
            "gate the sum by placement='post'"
        )
    if placement == "pre" and unit:
        return (
            "a residual unit, where placement='pre' is seen by the branch alone: match the first module of its "
            "branch"
        )
    if placement == "post" and not unit:
        return "no residual unit, which placement='post' gates the sum of; use placement='standard'"
    if placement != "identity" or (plain and seen.untouched):
        return None
    if not unit:
        return "no residual unit, which placement='identity' gates the shortcut of; use placement='standard'"
    if plain:
        return "changes its input in place, so placement='identity' cannot see its shortcut; make it `inplace=False`"
    return (
        "gives more than the sum of its input and its branch (a projection, or an activation after the sum), so a "
        "hook cannot gate the shortcut alone; match the shortcut's own module by placement='standard'"
    )
