import pytest
import torch
from torch import nn

from ablations.errors import SettingError
from ablations.streams import initialise
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone


def built(name: str = "cifar_resnet8", **settings) -> nn.Module:
    network = build_network(
        Backbone(name=name), Attention(reduction=4, **settings), in_channels=1, classes=3
    )
    initialise(network, seed=0)
    return network.double().eval()


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(
        2, 16, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    ).relu()


# What each placement does to a basic block, by its definition; g is the block of attention.
def standard(unit, g, x):
    h = torch.relu(unit.bn1(unit.conv1(x)))
    return torch.relu(g(unit.bn2(unit.conv2(h))) + x)


def after(unit, g, x):
    h = torch.relu(unit.bn1(unit.conv1(x)))
    return torch.relu(g(torch.relu(unit.bn2(unit.conv2(h)))) + x)


def pre(unit, g, x):
    h = torch.relu(unit.bn1(unit.conv1(g(x))))
    return torch.relu(unit.bn2(unit.conv2(h)) + x)


def post(unit, g, x):
    h = torch.relu(unit.bn1(unit.conv1(x)))
    return g(torch.relu(unit.bn2(unit.conv2(h)) + x))


def on_identity(unit, g, x):
    h = torch.relu(unit.bn1(unit.conv1(x)))
    return torch.relu(unit.bn2(unit.conv2(h)) + g(x))


def inner(unit, g, x):
    h = torch.relu(g(unit.bn1(unit.conv1(x))))
    return torch.relu(unit.bn2(unit.conv2(h)) + x)


def inner_after(unit, g, x):
    h = g(torch.relu(unit.bn1(unit.conv1(x))))
    return torch.relu(unit.bn2(unit.conv2(h)) + x)


@pytest.mark.parametrize(
    ("settings", "by_definition"),
    [
        ({"placement": "standard"}, standard),
        ({"placement": "standard", "order": "after"}, after),
        ({"placement": "pre"}, pre),
        ({"placement": "post"}, post),
        ({"placement": "identity"}, on_identity),
        ({"placement": "inner"}, inner),
        ({"placement": "inner", "order": "after"}, inner_after),
    ],
)
def test_attention_sits_where_its_placement_says(settings, by_definition, x):
    unit = built(**settings).get_submodule("layer1.0")
    torch.testing.assert_close(unit(x), by_definition(unit, unit.attention, x))


def test_in_a_bottleneck_inner_follows_the_3x3_convolution():
    unit = built("resnet50", placement="inner").get_submodule("layer1.1")
    x = torch.randn(1, 256, 3, 3, dtype=torch.float64)
    h = torch.relu(unit.bn1(unit.conv1(x)))
    h = torch.relu(unit.attention(unit.bn2(unit.conv2(h))))
    torch.testing.assert_close(unit(x), torch.relu(unit.bn3(unit.conv3(h)) + x))


def test_a_given_shared_gate_commutes_with_relu_and_not_with_silu(x):
    g = torch.rand(2, 16, 1, 1, dtype=torch.float64)
    signed = x - 0.5
    torch.testing.assert_close(torch.relu(g * signed), g * torch.relu(signed))
    silu = nn.functional.silu
    assert (silu(g * signed) - g * silu(signed)).abs().max() > 0.05
    assert (torch.relu(-g * signed) + g * torch.relu(signed)).abs().max() > 0.05


def test_a_gate_that_is_computed_anew_does_not_commute_with_the_activation(x):
    before, behind = (
        built().get_submodule("layer1.0"),
        built(order="after").get_submodule("layer1.0"),
    )
    signed = x - 0.5
    assert torch.equal(before.attention.excite.reduce.weight, behind.attention.excite.reduce.weight)
    gated_first = torch.relu(before.attention(signed))
    gated_last = behind.attention(torch.relu(signed))
    assert (gated_first - gated_last).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"stages": "1,3"}, ["layer1.0", "layer1.1", "layer3.0", "layer3.1"]),
        ({"blocks": "last"}, ["layer1.1", "layer2.1", "layer3.1"]),
        ({"blocks": "first", "stages": "2"}, ["layer2.0"]),
        ({"blocks": "every_2"}, ["layer1.0", "layer2.0", "layer3.0"]),
    ],
)
def test_stages_and_blocks_choose_the_units(settings, expected):
    arm = Attention(reduction=4, **settings)
    found = cost(Backbone(name="cifar_resnet14"), arm, image=8, in_channels=1, classes=3)
    assert [block.name for block in found.blocks] == expected


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (
            "vgg11_bn",
            {"placement": "post"},
            r"^In block stages\.0\.0: there is no place for attention with `placement='post'` and "
            r"`order='before'`\. This unit has standard/after, standard/before\. "
            r"Use one of these, as `placement`/`order`\.$",
        ),
        (
            "googlenet",
            {"placement": "identity"},
            r"^In block stages\.0\.1: there is no place for attention with `placement='identity'`",
        ),
        (
            "small_vit",
            {"order": "after"},
            r"^In block layers\.0\.mlp: there is no place .*`order='after'`.*standard/before\. Use one",
        ),
        ("mobilenet_v3_small", {"placement": "post"}, r"chosen by `blocks='residual'`\.$"),
        (
            "cifar_resnet8",
            {"stages": "4"},
            r"^`stages` must be among 1, 2, 3 in this network, but got '4'\.$",
        ),
        (
            "cifar_resnet8",
            {"squeeze": "gem"},
            r"^In block layer1\.0: `squeeze='gem'` needs a map that is nowhere negative",
        ),
        (
            "cifar_resnet8",
            {"squeeze": "gem", "kind": "scse"},
            r"^In block layer1\.0: `squeeze='gem'` needs a map that is nowhere negative",
        ),
        ("cifar_resnet8", {"squeeze": "gem", "kind": "scse", "order": "after"}, None),
        ("cifar_resnet8", {"squeeze": "gem", "kind": "gct"}, None),
        (
            "resnet18",
            {"blocks": "own"},
            None,
        ),
        (
            "cifar_resnet8",
            {"excitation": "eca", "eca_kernel": 17},
            r"^In block layer1\.0: `eca_kernel <= channels` must hold, but got 17 at 16 channels\. "
            r"Use at most 15\.$",
        ),
        (
            "cifar_resnet8",
            {"norm": "layer", "hidden": 1, "reduction": None},
            r"^In block layer1\.0: `norm='layer'` needs more than one hidden unit, but got 1",
        ),
    ],
)
def test_what_does_not_fit_the_host_names_the_block_and_a_way_out(name, settings, message):
    arm = Attention(**{"reduction": 1, **settings})
    backbone = Backbone(name=name)
    if message is None:
        assert cost(backbone, arm, image=64, in_channels=3, classes=3).blocks
        return
    with pytest.raises(SettingError, match=message):
        cost(backbone, arm, image=64, in_channels=3, classes=3)


def test_units_with_a_shortcut_can_be_chosen():
    arm = Attention(placement="post", blocks="residual", reduction=4)
    found = cost(Backbone(name="mobilenet_v3_small"), arm, image=64, in_channels=3, classes=3)
    assert [block.channels for block in found.blocks] == [24, 40, 40, 48, 96, 96]


@pytest.mark.parametrize("order", ["before", "after"])
def test_an_inception_module_is_gated_as_a_whole(order):
    unit = built("googlenet", order=order).get_submodule("stages.0.1")
    x = torch.randn(1, 192, 4, 4, dtype=torch.float64)
    h = torch.cat(
        (
            unit.one(x),
            unit.three(torch.relu(unit.three_in(x))),
            unit.five(torch.relu(unit.five_in(x))),
            unit.pooled(unit.pool(x)),
        ),
        dim=1,
    )
    gate, act = unit.attention, torch.relu
    expected = act(gate(h)) if order == "before" else gate(act(h))
    torch.testing.assert_close(unit(x), expected)


def test_in_a_vision_transformer_the_channels_of_all_tokens_share_a_gate():
    unit = built("small_vit").get_submodule("layers.0.mlp")
    x = torch.randn(2, 5, 64, dtype=torch.float64)
    branch = unit.fc2(nn.functional.gelu(unit.fc1(unit.norm(x))))
    gate = torch.sigmoid(unit.attention.excite(branch.mean(1)))
    torch.testing.assert_close(unit(x), x + branch * gate[:, None, :])
