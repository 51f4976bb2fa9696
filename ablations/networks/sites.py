"""Where attention sits in a host network.

A host is built of units. A unit names the points of its forward pass where a block may sit, calls
`self.at(point, x)` at each, and has the block, if any, as one extra child named `attention`. No tensor of
the host is ever wrapped or renamed, so all arms share the host's names.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from ablations.attention.block import SqueezeExcite
from ablations.errors import SettingError, one_of
from ablations.settings import Attention

# Where (placement, order) lies in the forward pass of a unit. The paper's post is after the sum and its
# activation, so there order has no meaning.
POINTS = {
    ("standard", "before"): "branch",
    ("standard", "after"): "activated_branch",
    ("post", "before"): "output",
    ("post", "after"): "output",
}


class Unit(nn.Module):
    """A part of a host network that has points where attention may sit."""

    def __init__(self) -> None:
        super().__init__()
        self.attention: nn.Module | None = None
        self.point = ""

    def at(self, point: str, x: Tensor) -> Tensor:
        """The map, gated if attention sits at this point."""
        if self.attention is None or self.point != point:
            return x
        gated: Tensor = self.attention(x)
        return gated


class Sites:
    """Puts the attention of an arm into the units of a host.

    Args:
        attention: What is put, and where.
    """

    def __init__(self, attention: Attention) -> None:
        self.attention = attention

    def attend(self, unit: Unit, *, name: str, channels: Mapping[str, int]) -> None:
        """Give a unit its block of attention, or none.

        Args:
            unit: Where it goes.
            name: Dotted name of the unit in the host, for messages.
            channels: The unit's points and how many channels the map has at each.

        Raises:
            SettingError: If the unit has no such point, or the block is illegal at this width.
        """
        arm = self.attention
        if arm.placement == "none":
            return
        point = POINTS[arm.placement, arm.order]
        if point not in channels:
            raise SettingError(one_of(f"placement in {name}", point, channels))
        try:
            unit.attention = SqueezeExcite(
                channels[point],
                reduction=arm.reduction,
                squeeze=arm.squeeze,
                gate=arm.gate,
                bias=arm.bias,
            )
        except SettingError as error:
            raise SettingError(f"In block {name}: {error}") from None
        unit.point = point
