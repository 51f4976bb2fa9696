"""Where attention sits in a host network.

A host is built of units. A unit names the points of its forward pass where a block may sit, calls
`self.at(point, x)` at each, and has the block, if any, as one extra child named `attention`. No tensor of
the host is ever wrapped or renamed, so all arms share the host's names.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.build import build_block
from ablations.subjects.attention.settings.groups import Attention
from ablations.subjects.attention.settings.rules import WIDENINGS, unused

# Where (placement, order) lies in the forward pass of a unit. The paper's post is after the sum and its
# activation, pre and identity are on maps that no activation follows: there order has no meaning.
POINTS = {
    ("standard", "before"): "branch",
    ("standard", "after"): "activated_branch",
    ("inner", "before"): "inner",
    ("inner", "after"): "activated_inner",
    ("pre", "before"): "input",
    ("pre", "after"): "input",
    ("identity", "before"): "shortcut",
    ("identity", "after"): "shortcut",
    ("post", "before"): "output",
    ("post", "after"): "output",
}


class Unit(nn.Module):
    """A part of a host network that has points where attention may sit."""

    def __init__(self) -> None:
        super().__init__()
        self.attention: nn.Module | None = None
        self.point = ""
        self.base = 0
        """Channels that the attention's reduction divides."""

    def at(self, point: str, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The map, gated if attention sits at this point."""
        if self.attention is None or self.point != point:
            return x
        gated: Tensor = self.attention(x) if mask is None else self.attention(x, mask)
        return gated


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a host says about one of its units."""

    name: str
    """Dotted name of the unit in the host."""
    stage: int
    """From 1."""
    block: int
    """From 0, within the stage."""
    of: int
    """Blocks in the stage."""
    points: Mapping[str, int]
    """The points that the unit has, and the channels of the map at each."""
    inputs: int
    """Channels that enter the unit."""
    outputs: int
    """Channels that leave it."""
    nonnegative: Collection[str] = ()
    """Points whose map is nowhere negative."""
    own: bool = True
    """Whether the published network has attention here."""
    dims: int = 2


class Sites:
    """Puts the attention of an arm into the units of a host, and widens units for the controls.

    Args:
        attention: What is put, and where.
        widening: Share by which inner widths grow; 0 is the host as it is.
        sizes: Of the map that each unit's attention sees, where a block's parameters depend on it
            (`networks.map_sizes`).
    """

    def __init__(
        self,
        attention: Attention,
        *,
        widening: float = 0.0,
        sizes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self.attention = attention
        self.widening = widening
        self._sizes = sizes or {}
        self._widths = 0
        self._stages: set[int] = set()
        self._blocks = 0
        self._without: Site | None = None
        """The first unit that was to get attention and has no such point."""
        self._residual = False
        """Whether units with a shortcut have it."""

    def inner(self, width: int, *, granule: int = 1) -> int:
        """The width of a unit's inner layer: as given, or widened in whole granules.

        Units of one width are widened one after the other as `widening` grows, so that the parameters
        of the whole network grow in small steps.
        """
        self._widths += 1
        if not self.widening:
            return width
        golden = 0.618033988749895  # spreads the units' steps evenly, however many units there are
        offset = (self._widths * golden) % 1
        return granule * int(width / granule * (1 + self.widening) + offset)

    def attend(self, unit: Unit, site: Site) -> None:
        """Give a unit its block of attention, or none.

        A unit without such a point is refused by `check`, when all units are known.

        Raises:
            SettingError: If the block is illegal there.
        """
        arm = self.attention
        self._stages.add(site.stage)
        if arm.placement == "none" or arm.control in WIDENINGS or not _chosen(arm, site):
            return
        point = POINTS[arm.placement, arm.order]
        if point not in site.points:
            self._without = self._without or site
            return
        _check_gem(arm, site, point)
        self._residual |= "shortcut" in site.points
        unit.point = point
        channels = site.points[unit.point]
        bases = {"own": channels, "block_input": site.inputs, "block_output": site.outputs}
        try:
            unit.attention = build_block(
                arm,
                channels=channels,
                base=bases[arm.reduction_base],
                dims=site.dims,
                size=self._sizes.get(site.name),
            )
            unit.base = bases[arm.reduction_base]
        except SettingError as error:
            raise SettingError(f"In block {site.name}: {error}") from None
        self._blocks += 1

    def check(self) -> None:
        """Refuse a choice that does not fit or leaves nothing, after the host is built.

        Raises:
            SettingError: If a unit has no such point, a stage does not exist, or no block got attention.
        """
        arm = self.attention
        if arm.placement == "none" or arm.control in WIDENINGS:
            return
        if self._without is not None:
            raise SettingError(_no_place(arm, self._without, residual=self._residual))
        missing = _stages(arm) - self._stages
        if missing:
            raise SettingError(
                f"`stages` must be among {_words(self._stages)} in this network, "
                f"but got {arm.stages!r}."
            )
        if not self._blocks:
            raise SettingError(
                f"`stages={arm.stages!r}` and `blocks={arm.blocks!r}` leave no block of this network "
                "with attention. Choose others, or `placement='none'`."
            )


def _chosen(arm: Attention, site: Site) -> bool:
    in_stage = arm.stages == "all" or site.stage in _stages(arm)
    every = int(arm.blocks.removeprefix("every_")) if arm.blocks.startswith("every_") else 1
    chosen = {
        "all": True,
        "own": site.own,
        "residual": "shortcut" in site.points,
        "first": site.block == 0,
        "last": site.block == site.of - 1,
    }
    return in_stage and chosen.get(arm.blocks, site.block % every == 0)


def _stages(arm: Attention) -> set[int]:
    return set() if arm.stages == "all" else {int(stage) for stage in arm.stages.split(",")}


def _no_place(arm: Attention, site: Site, *, residual: bool) -> str:
    known = sorted({f"{p}/{o}" for (p, o), at in POINTS.items() if at in site.points})
    way_out = (
        "; units with a shortcut are chosen by `blocks='residual'`."
        if residual
        else ". Use one of these, as `placement`/`order`."
    )
    return (
        f"In block {site.name}: there is no place for attention with `placement={arm.placement!r}` "
        f"and `order={arm.order!r}`. This unit has {', '.join(known)}{way_out}"
    )


def _check_gem(arm: Attention, site: Site, point: str) -> None:
    pools_by_gem = arm.squeeze == "gem" and "squeeze" not in unused(arm)
    if pools_by_gem and point not in site.nonnegative:
        raise SettingError(
            f"In block {site.name}: `squeeze='gem'` needs a map that is nowhere negative, which it may "
            "be before the activation. Use `order='after'`, or `squeeze='lp'`."
        )


def _words(stages: set[int]) -> str:
    return ", ".join(map(str, sorted(stages)))
