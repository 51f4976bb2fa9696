import pytest
import torch
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.build import build_block
from ablations.subjects.attention.blocks.excitations import adaptive_kernel, channel_order
from ablations.subjects.attention.settings.groups import Attention

EXACT = {"rtol": 0, "atol": 1e-9}


def kin(dims: int = 2, channels: int = 8, **settings):
    return build_block(Attention(**settings), channels=channels, base=channels, dims=dims).double()


@pytest.mark.parametrize(
    ("case", "settings", "order"),
    [
        ("cbam", {"kind": "cbam", "hidden": 2}, None),
        (
            "global_context_scale",
            {"squeeze": "attention", "norm": "layer", "bias": True, "hidden": 4},
            # The reference's attention has a bias, which a softmax does not see.
            (0, 2, 3, 4, 5, 6, 7),
        ),
        (
            "global_context_add",
            {"kind": "global_context", "norm": "layer", "bias": True, "hidden": 4},
            (0, 2, 3, 4, 5, 6, 7),
        ),
    ],
)
def test_forward_values_are_those_of_the_public_implementations(
    case, settings, order, references, reference_map, fill
):
    block = fill(kin(**settings), order)
    torch.testing.assert_close(block(reference_map).flatten(), references[case], **EXACT)


def test_scse_is_the_sum_of_channel_and_position_gates(reference_map, fill):
    block = fill(kin(kind="scse", reduction=2))
    plain = SqueezeExcite(8, reduction=2).double()
    plain.load_state_dict(block.channel.state_dict())
    weight, bias = block.position.weight, block.position.bias
    position = torch.sigmoid(torch.einsum("oc,nchw->nohw", weight, reference_map) + bias)
    expected = plain(reference_map) + reference_map * position
    torch.testing.assert_close(block(reference_map), expected)


def test_gct_by_its_formula(reference_map, fill):
    block = fill(kin(kind="gct"))
    x = reference_map
    embedding = block.alpha * (x.pow(2).sum((2, 3)) + 1e-5).sqrt()
    norm = embedding / (embedding.pow(2).mean(1, keepdim=True) + 1e-5).sqrt()
    gate = 1 + torch.tanh(block.gamma * norm + block.beta)
    torch.testing.assert_close(block(x), x * gate[:, :, None, None])


def test_gct_starts_as_the_identity(reference_map):
    torch.testing.assert_close(kin(kind="gct")(reference_map), reference_map)


def test_gather_excite_of_the_whole_map_without_layers_is_the_sigmoid_of_the_mean(reference_map):
    block = kin(kind="gather_excite", excitation="none")
    expected = reference_map * torch.sigmoid(reference_map.mean((2, 3), keepdim=True))
    torch.testing.assert_close(block(reference_map), expected)


def test_gather_excite_of_the_whole_map_with_a_bottleneck_is_squeeze_and_excitation(reference_map):
    block = kin(kind="gather_excite", reduction=2)
    plain = SqueezeExcite(8, reduction=2).double()
    plain.excite.load_state_dict(block.excite.state_dict())
    torch.testing.assert_close(block(reference_map), plain(reference_map))


def test_gather_excite_gates_by_the_mean_of_the_neighbourhood():
    x = torch.arange(16, dtype=torch.float64).reshape(1, 1, 4, 4)
    block = build_block(
        Attention(kind="gather_excite", excitation="none", extent=2), channels=1, base=1, dims=2
    )
    # The mean over the 3x3 neighbourhood of every second pixel, without the padding.
    corner = x[0, 0, :2, :2].mean()
    middle = x[0, 0, 1:4, 1:4].mean()
    y = block(x)
    torch.testing.assert_close(y[0, 0, 1, 1], x[0, 0, 1, 1] * torch.sigmoid(corner))
    torch.testing.assert_close(y[0, 0, 3, 2], x[0, 0, 3, 2] * torch.sigmoid(middle))


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "cbam"},
        {"kind": "scse"},
        {"kind": "gct"},
        {"kind": "global_context", "norm": "layer"},
        {"kind": "gather_excite"},
        {"kind": "gather_excite", "extent": 2, "gather": "depthwise"},
        {"kind": "gather_excite", "extent": 4},
    ],
)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_every_relative_gates_maps_of_one_two_and_three_dimensions(settings, dims):
    torch.manual_seed(0)
    block = kin(dims=dims, reduction=2, **settings)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(2, 8, *(4, 3, 5)[:dims], dtype=torch.float64, requires_grad=True)
    y = block(x)
    y.square().sum().backward()
    assert y.shape == x.shape
    assert not torch.allclose(y, x)
    assert all(torch.isfinite(parameter.grad).all() for parameter in block.parameters())


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "cbam"},
        {"kind": "scse"},
        {"kind": "gct"},
        {"kind": "global_context"},
        {"kind": "gather_excite"},
        {"kind": "gather_excite", "extent": 2},
        {"kind": "gather_excite", "extent": 4},
        {"kind": "gather_excite", "extent": 8},
    ],
)
def test_masked_positions_change_no_other(settings):
    torch.manual_seed(0)
    block = kin(dims=1, reduction=2, **settings).eval()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(1, 8, 11, dtype=torch.float64)
    mask = torch.arange(11)[None] < 6
    torch.testing.assert_close(block(x, mask)[:, :, :6], block(x[:, :, :6]), **EXACT)


def test_in_a_sequence_a_position_has_the_gate_of_the_place_that_its_stride_says():
    x = torch.arange(1.0, 6.0, dtype=torch.float64).reshape(1, 1, 5)
    block = build_block(
        Attention(kind="gather_excite", excitation="none", extent=2), channels=1, base=1, dims=1
    )
    # Places 0, 1, 2 are centred on positions 0, 2, 4 and see one to either side: 5 is no multiple of 2.
    means = torch.tensor([1.5, 1.5, 3, 3, 4.5], dtype=torch.float64)
    torch.testing.assert_close(block(x)[0, 0], x[0, 0] * torch.sigmoid(means))


def test_in_an_image_gates_go_back_by_nearest_neighbour_as_in_the_public_implementation():
    torch.manual_seed(0)
    x = torch.randn(2, 8, 5, 7, dtype=torch.float64)
    block = kin(kind="gather_excite", excitation="none", extent=2)
    means = nn.functional.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
    gate = nn.functional.interpolate(torch.sigmoid(means), size=(5, 7))
    torch.testing.assert_close(block(x), x * gate, **EXACT)


def whole_map(size, *, channels=4, **settings):
    arm = Attention(kind="gather_excite", gather="depthwise", reduction=2, **settings)
    made = build_block(arm, channels=channels, base=channels, dims=len(size), size=size)
    return made.double().eval()


@pytest.mark.parametrize("size", [(6,), (4, 3), (2, 3, 4)])
def test_a_learnt_gather_over_the_whole_map_is_a_weighted_sum_of_its_positions(size):
    torch.manual_seed(0)
    block = whole_map(size, excitation="none")
    x = torch.randn(3, 4, *size, dtype=torch.float64)
    weight, norm = block.gather[0].weight[:, 0], block.gather[1]
    assert weight.shape == (4, *size)
    z = (x * weight).flatten(2).sum(2) / (1 + norm.eps) ** 0.5
    gate = torch.sigmoid(z).reshape(3, 4, *(1 for _ in size))
    torch.testing.assert_close(block(x), x * gate)


def test_equal_weights_over_the_whole_map_are_the_mean(reference_map):
    learnt = whole_map(tuple(reference_map.shape[2:]), channels=8)
    plain = kin(kind="gather_excite", reduction=2)
    plain.excite.load_state_dict(learnt.excite.state_dict())
    with torch.no_grad():
        learnt.gather[0].weight.fill_(
            (1 + learnt.gather[1].eps) ** 0.5 / reference_map[0, 0].numel()
        )
    torch.testing.assert_close(learnt(reference_map), plain(reference_map))


def test_a_learnt_gather_over_the_whole_map_takes_maps_of_its_size_only():
    with pytest.raises(
        SettingError, match=r"was made for maps of 4x3, but got 4x4\. Use `gather='mean'`"
    ):
        whole_map((4, 3))(torch.zeros(1, 4, 4, 4, dtype=torch.float64))
    with pytest.raises(
        SettingError, match=r"as large as the map\. Pass its `size`, or use an `extent`"
    ):
        kin(kind="gather_excite", gather="depthwise", reduction=2)


def test_gathering_by_convolutions_takes_no_mask():
    block = kin(dims=1, kind="gather_excite", reduction=2, extent=2, gather="depthwise")
    x, mask = torch.randn(1, 8, 6, dtype=torch.float64), torch.ones(1, 6, dtype=torch.bool)
    with pytest.raises(SettingError, match=r"takes no mask\. Use `gather='mean'`\."):
        block(x, mask)


def test_permuted_eca_is_eca_on_channels_in_another_order():
    torch.manual_seed(0)
    plain = kin(excitation="eca", eca_kernel=3, reduction=2)
    permuted = kin(excitation="eca", eca_kernel=3, eca_permuted=True, reduction=2)
    permuted.load_state_dict(plain.state_dict())  # the order is in no checkpoint
    order = channel_order(8)
    assert sorted(order.tolist()) == list(range(8))
    assert order.tolist() != list(range(8))
    assert order.tolist() == channel_order(8).tolist()
    x = torch.randn(2, 8, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(permuted(x), plain(x[:, order])[:, order.argsort()])
    assert not torch.allclose(permuted(x), plain(x))


@pytest.mark.parametrize(
    ("channels", "kernel"), [(16, 3), (64, 3), (256, 5), (512, 5), (1024, 5), (2048, 7)]
)
def test_ecas_kernel_grows_with_the_width(channels, kernel):
    assert adaptive_kernel(channels) == kernel


@pytest.mark.parametrize("settings", [{"kind": "gct"}, {"kind": "gather_excite", "extent": 0}])
def test_statistics_of_kin_are_finite_in_half_precision(settings):
    torch.manual_seed(0)
    block = build_block(Attention(reduction=2, **settings), channels=4, base=4, dims=1)
    x = 300 * torch.rand(1, 4, 70_000)
    with torch.no_grad():
        half = block.half()(x.half())
        wanted = block.float()(x)
    torch.testing.assert_close(half.float(), wanted, rtol=5e-3, atol=0.5)
