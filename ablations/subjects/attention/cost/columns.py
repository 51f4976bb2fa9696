"""The exact cost of an arm as the columns of the runs table."""

from functools import lru_cache
from typing import Any

from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.counting.counting import Cost
from ablations.subjects.attention.data.batches import check_batches
from ablations.subjects.attention.data.dataset import shape, sizes
from ablations.subjects.attention.settings.groups import Arm, Attention, Backbone


def columns_of(arm: Arm) -> dict[str, Any]:
    """`hidden, channels, c2_eff, params, attention_params, macs`, from the network on the meta device.

    Raises:
        SettingError: If the arm fits neither its data nor its network.
    """
    train, val = sizes(arm.data)
    check_batches(arm, train=train, val=val)
    return _cost(arm.backbone, arm.attention, *shape(arm.data)).columns()


@lru_cache(maxsize=4096)
def _cost(
    backbone: Backbone,
    attention: Attention,
    in_channels: int,
    image: tuple[int, ...],
    classes: int,
) -> Cost:
    """Recipe factors multiply the arms of a design, not its networks."""
    return cost(backbone, attention, image=image, in_channels=in_channels, classes=classes)
