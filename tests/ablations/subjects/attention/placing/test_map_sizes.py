import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Arm, Attention, Backbone, Run, Training
from ablations.subjects.attention.training.run import train

LEARNT = Attention(kind="gather_excite", gather="depthwise", reduction=4)
GIVEN = {"in_channels": 3, "classes": 10}


@pytest.mark.parametrize(
    ("name", "image", "maps"),
    [
        ("cifar_resnet8", 16, [(16, 256), (32, 64), (64, 16)]),
        ("cifar_resnet8", (8, 12), [(16, 96), (32, 24), (64, 6)]),
        ("sequence_resnet8", 20, [(16, 20), (32, 10), (64, 5)]),
        ("small_vit", 8, [(64, 4)] * 6),
    ],
)
def test_each_block_has_a_weight_for_each_position_of_its_map(name, image, maps):
    backbone = Backbone(name=name)
    found = cost(backbone, LEARNT, image=image, **GIVEN)
    mean = cost(backbone, LEARNT.model_copy(update={"gather": "mean"}), image=image, **GIVEN)
    # A weight for each channel and position, and the two of the batch norm.
    extra = [c * positions + 2 * c for c, positions in maps]
    added = [a.params - b.params for a, b in zip(found.blocks, mean.blocks, strict=True)]
    assert added == extra
    network = build_network(backbone, LEARNT, image=image, **GIVEN)
    assert sum(p.numel() for p in network.parameters()) == found.params
    assert found.macs - mean.macs == sum(c * positions for c, positions in maps)


def test_without_the_size_of_the_image_it_cannot_be_built():
    with pytest.raises(
        SettingError, match=r"needs the size of the image, .* Pass `image`, or use an `extent`"
    ):
        build_network(Backbone(), LEARNT, **GIVEN)


def test_a_host_widened_to_match_it_counts_its_weights():
    widened = LEARNT.model_copy(update={"control": "widen_params"})
    found = cost(Backbone(), widened, image=16, **GIVEN)
    target = cost(Backbone(), LEARNT, image=16, **GIVEN)
    assert found.params == pytest.approx(target.params, rel=0.01)


def test_it_trains():
    arm = Arm(attention=LEARNT, training=Training(epochs=1, warmup_epochs=0))
    assert train(Run(arm=arm, seed=0)).val_loss < torch.tensor(10.0).log()
