import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.placing.own_attention import own_attention
from ablations.subjects.attention.settings.groups import Attention, Backbone

REFERENCES = json.loads((Path(__file__).parents[1] / "reference/network_refs.json").read_text())[
    "logits"
]
# A network of 130 million double-precision weights is not built for a test.
SMALL = sorted(REFERENCES.keys() - {"vgg11_bn", "wide_resnet50_2"})
NONE = Attention(placement="none")

# Parameters with 1000 classes: torchvision 0.28, and timm's regnety_002 for the 200mf.
PARAMS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet50_v1": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904,
    "resnext101_32x8d": 88_791_336,
    "wide_resnet50_2": 68_883_240,
    "wide_resnet101_2": 126_886_696,
    "mobilenet_v3_small": 2_542_856,
    "mobilenet_v3_large": 5_483_032,
    "efficientnet_b0": 5_288_548,
    "regnet_y_200mf": 3_162_996,
    "regnet_y_400mf": 4_344_144,
    "regnet_y_800mf": 6_432_512,
    "regnet_y_1_6gf": 11_202_430,
    "regnet_y_3_2gf": 19_436_338,
    "regnet_y_8gf": 39_381_472,
    "regnet_y_16gf": 83_590_140,
    "regnet_y_32gf": 145_046_770,
    "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
    "googlenet": 6_624_904,
}


def fill(tensors: list[torch.Tensor]) -> None:
    """The values that the reference file describes."""
    with torch.no_grad():
        for k, tensor in enumerate(tensors):
            j = torch.arange(tensor.numel(), dtype=torch.float64)
            if tensor.dim() > 1:
                wave = torch.cos(0.53 * j * (1 + 0.001 * (k % 7)) + 0.2 * k)
                values = wave * math.sqrt(2 / tensor[0].numel())
            else:
                values = (k % 2 == 0) + 0.1 * torch.cos(0.53 * j + 0.2 * k)
            tensor.copy_(values.reshape(tensor.shape))


def split(network: nn.Module) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    named = list(network.named_parameters())
    host = [tensor for name, tensor in named if ".attention." not in name]
    return host, [tensor for name, tensor in named if ".attention." in name]


@pytest.mark.parametrize("name", SMALL)
def test_logits_are_those_of_torchvision(name):
    network = build_network(Backbone(name=name), own_attention(name), in_channels=3, classes=10)
    for tensors in split(network.double().eval()):
        fill(tensors)
    n = torch.arange(2 * 3 * 64 * 64, dtype=torch.float64)
    x = (torch.sin(0.037 * n + 0.1) + 0.25 * torch.cos(0.011 * n)).reshape(2, 3, 64, 64)
    with torch.no_grad():
        logits = network(x).flatten()
    expected = torch.tensor(REFERENCES[name], dtype=torch.float64)
    torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", PARAMS)
def test_networks_have_the_published_parameters(name):
    found = cost(Backbone(name=name), own_attention(name), image=224, in_channels=3, classes=1000)
    assert found.params == PARAMS[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "efficientnet_b0",
            [(32, 8), (96, 4)]
            + [(144, 6)] * 2
            + [(240, 10)] * 2
            + [(480, 20)] * 3
            + [(672, 28)] * 3
            + [(1152, 48)] * 4,
        ),
        (
            "mobilenet_v3_large",
            [(72, 24), *[(120, 32)] * 2, (480, 120), *[(672, 168)] * 2, *[(960, 240)] * 2],
        ),
    ],
)
def test_own_attention_has_the_published_hidden_widths(name, expected):
    found = cost(Backbone(name=name), own_attention(name), image=224, in_channels=3, classes=1000)
    assert [(block.channels, block.hidden) for block in found.blocks] == expected


@pytest.mark.parametrize(
    ("name", "attention_params"),
    [
        ("efficientnet_b0", 636_540),
        ("mobilenet_v3_large", 1_512_280),
        ("mobilenet_v3_small", 461_640),
        ("regnet_y_200mf", 478_204),
    ],
)
def test_own_attention_has_the_published_parameters(name, attention_params):
    found = cost(Backbone(name=name), own_attention(name), image=224, in_channels=3, classes=1000)
    assert found.attention_params == attention_params


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("cifar_resnet8", 8),
        ("cifar_preact_resnet8", 8),
        ("preact_resnet18", 32),
        ("resnet18", 32),
        ("small_vit", 8),
        ("googlenet", 32),
        ("mobilenet_v3_small", 32),
    ],
)
def test_all_arms_share_the_names_and_shapes_of_the_host(name, image):
    def host(attention: Attention) -> dict[str, torch.Size]:
        with torch.device("meta"):
            network = build_network(Backbone(name=name), attention, in_channels=3, classes=10)
        named = network.named_parameters()
        return {key: value.shape for key, value in named if ".attention." not in key}

    plain = host(NONE)
    assert host(Attention(reduction=4, rounding="ceil")) == plain
    assert host(Attention(kind="cbam", reduction=2, rounding="ceil")) == plain
    assert host(Attention(control="static")) == plain


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet5", r"^`backbone\.name` must be .*'resnet50'.*, but got 'resnet5'\.$"),
        (
            "cifar_resnet9",
            r"^`depth = 6n \+ 2` must hold in `cifar_resnet<depth>`, but got 'cifar_resnet9'",
        ),
        ("efficientnet_b1", r"'efficientnet_b0'.*but got 'efficientnet_b1'"),
    ],
)
def test_an_unknown_network_gets_the_nearest_name(name, message):
    with pytest.raises(SettingError, match=message):
        build_network(Backbone(name=name), NONE, in_channels=3, classes=10)


def test_the_vision_transformer_takes_any_size_of_image():
    network = build_network(Backbone(name="small_vit"), Attention(), in_channels=1, classes=3)
    with torch.no_grad():
        small, large = network(torch.randn(2, 1, 8, 8)), network(torch.randn(2, 1, 16, 12))
    assert small.shape == large.shape == (2, 3)
    assert not torch.allclose(small, large)
