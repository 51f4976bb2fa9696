"""What an arm costs, exactly and before training (`cost.counting` says what is counted)."""

from ablations.subjects.attention.counting.counting import Cost, count
from ablations.subjects.attention.placing.arm_sites import arm_sites
from ablations.subjects.attention.settings.groups import Attention, Backbone


def cost(
    backbone: Backbone,
    attention: Attention,
    *,
    image: int | tuple[int, ...],
    in_channels: int,
    classes: int,
) -> Cost:
    """The exact cost of an arm's network, for one image.

    Args:
        backbone: The host.
        attention: The attention in it.
        image: Side of a square image, or its height and width; length of a sequence.
        in_channels: Channels of the image.
        classes: Outputs.

    Raises:
        SettingError: If the arm is illegal in this host, or the image too small for it.
    """
    given = {"in_channels": in_channels, "classes": classes}
    found = arm_sites(backbone, attention, image=image, **given)
    return count(backbone, found.sites, image=image, mismatch=found.mismatch, **given)
