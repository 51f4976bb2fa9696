import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.counting.counting import count
from ablations.subjects.attention.counting.tracing import trace_network
from ablations.subjects.attention.networks.hosts import build_host
from ablations.subjects.attention.networks.sites import Sites
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.placing.widening import Products, matched_widening
from ablations.subjects.attention.settings.groups import Attention, Backbone

CIFAR = {"image": 32, "in_channels": 3, "classes": 10}


@pytest.mark.parametrize("name", ["cifar_resnet8", "cifar_resnet20", "resnet18", "small_vit"])
@pytest.mark.parametrize("reduction", [1, 4])
def test_a_widened_host_has_the_parameters_of_the_host_with_attention(name, reduction):
    backbone = Backbone(name=name)
    arm = Attention(reduction=reduction, control="widen_params")
    wide = cost(backbone, arm, **CIFAR)
    target = cost(backbone, Attention(reduction=reduction), **CIFAR).params
    assert abs(wide.params / target - 1) <= 0.01
    assert wide.mismatch == wide.params / target - 1
    assert wide.params > cost(backbone, Attention(placement="none"), **CIFAR).params
    assert wide.attention_params == 0
    built = build_network(backbone, arm, in_channels=3, classes=10)
    assert sum(parameter.numel() for parameter in built.parameters()) == wide.params


def test_a_widened_host_has_the_multiply_adds_of_the_host_with_attention():
    backbone = Backbone(name="cifar_resnet20")
    found = matched_widening(backbone, Attention(reduction=1, control="widen_macs"), **CIFAR)
    plain = cost(backbone, Attention(reduction=1), **CIFAR)
    elementwise = sum(2 * block.channels * block.height * block.width for block in plain.blocks)
    assert found.target == plain.macs + elementwise
    assert abs(found.mismatch) <= 0.01


@pytest.mark.parametrize(
    "name",
    [
        "cifar_resnet8",
        "preact_resnet18",
        "resnext50_32x4d",
        "mobilenet_v3_small",
        "regnet_y_200mf",
        "vgg11_bn",
        "googlenet",
        "small_vit",
    ],
)
def test_the_multiply_adds_of_a_wider_host_follow_from_its_weights(name):
    def wider(share):
        return Sites(Attention(placement="none"), widening=share)

    def built(share):
        with torch.device("meta"):
            return build_host(Backbone(name=name), wider(share), in_channels=3, classes=10)

    products = Products.of(built(0.0), in_channels=3, size=(64, 64))
    found = [products(built(share)) for share in (0.0, 0.13, 1.7)]
    given = {"image": 64, "in_channels": 3, "classes": 10}
    assert found == [
        count(Backbone(name=name), wider(share), **given).macs for share in (0.0, 0.13, 1.7)
    ]


def test_however_many_widenings_are_tried_three_networks_are_traced(monkeypatch):
    traced = []

    def trace(network, shape, **options):
        traced.append(network)
        return trace_network(network, shape, **options)

    monkeypatch.setattr("ablations.subjects.attention.placing.widening.trace_network", trace)
    monkeypatch.setattr("ablations.subjects.attention.counting.counting.trace_network", trace)
    arm = Attention(reduction=2, control="widen_macs")
    backbone = Backbone(name="cifar_resnet14")
    found = matched_widening(backbone, arm, **CIFAR)
    # The host, the host with attention, and the one that is chosen.
    assert len(traced) == 3
    assert found.found == cost(backbone, arm, **CIFAR).macs


def test_multiply_adds_need_the_size_of_the_image():
    with pytest.raises(
        SettingError, match=r"^`control='widen_macs'` needs the size of the image, because"
    ):
        build_network(Backbone(), Attention(control="widen_macs"), in_channels=3, classes=10)


def test_a_widening_that_would_be_the_host_itself_is_refused():
    arm = Attention(excitation="eca", control="widen_params")
    with pytest.raises(
        SettingError,
        match=r"^`control='widen_params'` finds no wider host: attention adds 9, less than half of the "
        r"smallest step\. The arm would be the host itself",
    ):
        cost(Backbone(), arm, **CIFAR)
