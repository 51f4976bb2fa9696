"""The exact cost of an arm as the columns of the runs table."""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from ablations.errors import SettingError
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.counting.counting import Cost
from ablations.subjects.attention.data.batches import check_batches
from ablations.subjects.attention.data.dataset import shape, sizes
from ablations.subjects.attention.networks.hosts import has_residual_units
from ablations.subjects.attention.settings.groups import Arm, Attention, Backbone


def columns_of(arm: Arm) -> dict[str, Any]:
    """`hidden, channels, c2_eff, params, attention_params, macs`, from the network on the meta device.

    Raises:
        SettingError: If the arm fits neither its data nor its network.
    """
    train, val = sizes(arm.data)
    check_batches(arm, train=train, val=val)
    _check_recipe(arm)
    return _cost(arm.backbone, arm.attention, *shape(arm.data)).columns()


def _check_recipe(arm: Arm) -> None:
    """What of a recipe this network, or this machine, has not."""
    recipe, network = arm.training, arm.backbone.name
    if recipe.stochastic_depth and not has_residual_units(network):
        raise SettingError(
            f"`training.stochastic_depth` leaves out residual branches, which {network!r} has not as it has them: set "
            "it to 0, or choose a ResNet, a ResNeXt or a RegNet."
        )
    if recipe.optimizer in ("lamb", "muon") and find_spec("pytorch_optimizer") is None:
        raise SettingError(
            f"`training.optimizer={recipe.optimizer!r}` needs the package pytorch-optimizer: "
            "pip install 'ablations[optimizers]'."
        )


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
