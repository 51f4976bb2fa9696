"""The host without attention, made wider until it costs what it would cost with attention.

Inner widths grow (the channels inside a unit, not those between units), all by one share, in whole
groups of channels, unit after unit. `widen_params` matches parameters. `widen_macs` matches multiply-adds
as `ablations.counting` counts them, plus one for each element that a block pools, scales or shifts, because those
are most of a block's work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from ablations.counting import count, count_params
from ablations.errors import SettingError
from ablations.networks.hosts import build_host
from ablations.networks.map_sizes import sites_for
from ablations.networks.sites import Sites
from ablations.settings import Attention, Backbone

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

    def params(sites: Sites) -> int:
        with torch.device("meta"):
            return count_params(
                build_host(backbone, sites, in_channels=in_channels, classes=classes)
            )

    def work(sites: Sites) -> int:
        assert image is not None
        found = count(backbone, sites, image=image, in_channels=in_channels, classes=classes)
        return found.macs + sum(block.elementwise for block in found.blocks)

    if attention.control == "widen_macs" and image is None:
        raise SettingError(
            "`control='widen_macs'` needs the size of the image, because multiply-adds depend on it. "
            "Pass `image`, or use `control='widen_params'`."
        )
    measure = work if attention.control == "widen_macs" else params
    attended = attention.model_copy(update={"control": "none"})
    target = measure(
        sites_for(backbone, attended, in_channels=in_channels, classes=classes, image=image)
    )
    found = _search(measure, target)
    _check(found, attention.control, host=measure(_wider(0.0)))
    return found


def _search(measure: Measure, target: int) -> Widening:
    """Bisection: the cost grows with the share, in steps."""
    low, high = 0.0, 1.0
    while measure(_wider(high)) < target and high < WIDEST:
        low, high = high, 2 * high
    while high - low > NARROWEST_STEP:
        middle = (low + high) / 2
        low, high = (middle, high) if measure(_wider(middle)) <= target else (low, middle)
    tried = (Widening(share=s, found=measure(_wider(s)), target=target) for s in (low, high))
    return min(tried, key=lambda widening: abs(widening.mismatch))


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
