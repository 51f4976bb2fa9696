"""The host without attention, made wider until it costs what it would cost with attention.

Inner widths grow (the channels inside a unit, not those between units), all by one share, in whole
groups of channels, unit after unit. `widen_params` matches parameters. `widen_macs` matches multiply-adds
as `cost.counting` counts them, plus one for each element that a block pools, scales or shifts, because
those are most of a block's work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import torch
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.counting.counting import count, count_params
from ablations.subjects.attention.counting.tracing import WEIGHTED, trace_network
from ablations.subjects.attention.networks.hosts import build_host, positions
from ablations.subjects.attention.networks.sites import Sites
from ablations.subjects.attention.placing.map_sizes import sites_for
from ablations.subjects.attention.settings.groups import Attention, Backbone

TOLERANCE = 0.01
"""The matched network's cost is within 1 % of the target, or it is refused."""
NARROWEST_STEP = 2e-4
WIDEST = 16.0

Measure = Callable[[Sites], int]


@dataclass(frozen=True, kw_only=True)
class Widening:
    """A widened host."""

    share: float
    """By how much inner widths grow."""
    found: int
    target: int

    @property
    def mismatch(self) -> float:
        """Share by which the widened host costs more (or less) than the host with attention."""
        return self.found / self.target - 1


@lru_cache(maxsize=128)
def matched_widening(
    backbone: Backbone,
    attention: Attention,
    *,
    in_channels: int,
    classes: int,
    image: int | tuple[int, ...] | None,
) -> Widening:
    """By how much inner widths grow, so that the cost is that of the host with attention.

    Raises:
        SettingError: If no widening comes within 1 %, or if the smallest one already costs much more, so
            that the arm would be the host itself.
    """
    given = {"in_channels": in_channels, "classes": classes}
    if attention.control == "widen_params":
        exact = of_wider = _params(backbone, **given)
    elif image is not None:
        exact = _work(backbone, image=image, **given)
        of_wider = _work_of_wider(backbone, size=positions(backbone.name, image), **given)
    else:
        raise SettingError(
            "`control='widen_macs'` needs the size of the image, because multiply-adds depend on it. "
            "Pass `image`, or use `control='widen_params'`."
        )
    attended = attention.model_copy(update={"control": "none"})
    target = exact(sites_for(backbone, attended, image=image, **given))
    share = _search(of_wider, target)
    found = Widening(share=share, found=exact(_wider(share)), target=target)
    _check(found, attention.control, host=of_wider(_wider(0.0)))
    return found


@dataclass(frozen=True, kw_only=True)
class Products:
    """Multiply-adds of a host of any widening, from one pass through the host as it is.

    Widening changes no map's size, so a layer takes each element of its weight to as many positions as before.
    """

    positions: dict[str, int]
    """Layer -> positions that each element of its weight is multiplied at."""
    others: int
    """Multiply-adds of what has no weight, between the units."""

    @staticmethod
    def of(host: nn.Module, *, in_channels: int, size: tuple[int, ...]) -> "Products":
        """From the host, which is of no use afterwards."""
        macs = trace_network(host, (in_channels, *size)).macs
        weights = _weights(host)
        return Products(
            positions={name: macs[name] // weights[name] for name in weights},
            others=sum(found for name, found in macs.items() if name not in weights),
        )

    def __call__(self, host: nn.Module) -> int:
        """Those of a wider host."""
        weights = _weights(host)
        return self.others + sum(self.positions[name] * weights[name] for name in weights)


def _params(backbone: Backbone, **given: int) -> Measure:
    return lambda sites: count_params(_built(backbone, sites, **given))


def _work(backbone: Backbone, *, image: int | tuple[int, ...], **given: int) -> Measure:
    def work(sites: Sites) -> int:
        found = count(backbone, sites, image=image, **given)
        return found.macs + sum(block.elementwise for block in found.blocks)

    return work


def _work_of_wider(
    backbone: Backbone, *, size: tuple[int, ...], in_channels: int, classes: int
) -> Measure:
    """The same for hosts without attention, without a pass through each."""
    given = {"in_channels": in_channels, "classes": classes}
    products = Products.of(
        _built(backbone, _wider(0.0), **given), in_channels=in_channels, size=size
    )
    return lambda sites: products(_built(backbone, sites, **given))


def _built(backbone: Backbone, sites: Sites, *, in_channels: int, classes: int) -> nn.Module:
    with torch.device("meta"):
        return build_host(backbone, sites, in_channels=in_channels, classes=classes)


def _weights(host: nn.Module) -> dict[str, int]:
    modules = host.named_modules()
    return {name: m.weight.numel() for name, m in modules if isinstance(m, WEIGHTED)}


def _search(measure: Measure, target: int) -> float:
    """The share that comes nearest, by bisection: the cost grows with the share, in steps."""
    cost = cache(lambda share: measure(_wider(share)))
    low, high = 0.0, 1.0
    while cost(high) < target and high < WIDEST:
        low, high = high, 2 * high
    while high - low > NARROWEST_STEP:
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) <= target else (low, middle)
    return min((low, high), key=lambda share: abs(cost(share) - target))


def _wider(share: float) -> Sites:
    return Sites(Attention(placement="none"), widening=share)


def _check(widening: Widening, control: str, *, host: int) -> None:
    if widening.found == host:
        raise SettingError(
            f"`control={control!r}` finds no wider host: attention adds {widening.target - host}, less "
            "than half of the smallest step. The arm would be the host itself; leave it out, or use a "
            "smaller reduction."
        )
    if abs(widening.mismatch) > TOLERANCE:
        raise SettingError(
            f"`control={control!r}` must come within {TOLERANCE:.0%} of {widening.target}, but the "
            f"nearest host has {widening.found}. Use a wider or deeper network."
        )
