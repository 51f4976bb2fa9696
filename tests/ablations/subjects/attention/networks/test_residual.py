import pytest
import torch

from ablations.errors import SettingError
from ablations.streams import stream
from ablations.subjects.attention.cost.columns import columns_of
from ablations.subjects.attention.networks.residual import ResidualUnit, chain
from ablations.subjects.attention.settings.groups import Arm, Attention, Backbone, Training
from ablations.subjects.attention.training.module import AttentionClassifier

PLAIN = ("conv1", "bn1", "act", "conv2", "bn2", "activated_inner", "conv3", "bn3")
PREACT = ("bn1", "act", "conv1", "bn2", "act", "conv2", "bn3", "activated_inner", "conv3")


@pytest.mark.parametrize(("preact", "steps"), [(False, PLAIN), (True, PREACT)])
def test_a_bottleneck_has_norm_and_activation_where_its_paper_has_them(
    preact: bool, steps: tuple[str, ...]
) -> None:
    assert chain(3, preact=preact) == steps


def test_stochastic_depth_leaves_out_branches_of_images_and_keeps_the_mean() -> None:
    module = AttentionClassifier(
        in_channels=1, classes=4, seed=0, placement="none", training={"stochastic_depth": 0.5}
    )
    units = [unit for unit in module.network.modules() if isinstance(unit, ResidualUnit)]
    assert [unit.left_out for unit in units] == pytest.approx([0.5 / 3, 1.0 / 3, 0.5])
    unit = units[0]
    unit.branch = torch.ones_like  # type: ignore[method-assign]
    x = torch.zeros(9000, 16, 2, 2)
    with stream(0, "step/0"):
        y = unit(x)
    each = y.flatten(1)
    # All of an image or nothing of it.
    assert torch.equal(each.min(1).values, each.max(1).values)
    assert each[:, 0].unique().tolist() == [0.0, pytest.approx(1.2)]
    assert float(y.mean()) == pytest.approx(1, abs=0.02)
    with stream(0, "step/0"):
        assert torch.equal(unit(x), y)
    unit.eval()
    assert torch.equal(unit(x), torch.ones_like(x))


def test_arms_of_a_seed_leave_out_the_same_branches() -> None:
    dropped = []
    for placement in ("none", "standard"):
        module = AttentionClassifier(
            in_channels=1, classes=4, seed=0, placement=placement, reduction=4,
            training={"stochastic_depth": 0.6},
        )  # fmt: skip
        unit = next(u for u in module.network.modules() if isinstance(u, ResidualUnit))
        unit.branch = torch.ones_like  # type: ignore[method-assign]
        with stream(0, "step/0"):
            dropped.append(unit(torch.zeros(50, 16, 2, 2)).flatten(1).amax(1) > 0)
    assert torch.equal(*dropped)
    assert dropped[0].any()
    assert not dropped[0].all()


def test_a_network_without_such_branches_refuses_stochastic_depth() -> None:
    arm = Arm(
        backbone=Backbone(name="small_vit"),
        attention=Attention(placement="none"),
        training=Training(stochastic_depth=0.1),
    )
    with pytest.raises(SettingError, match="which 'small_vit' has not as it has them: set it to 0"):
        columns_of(arm)
