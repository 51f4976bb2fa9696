import pytest
import torch
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.blocks import fused as fused_module
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.build import build_block
from ablations.subjects.attention.settings.groups import Attention

EXACT = {"rtol": 0, "atol": 1e-9}


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 8, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def block_of(**settings) -> nn.Module:
    torch.manual_seed(0)
    made = build_block(Attention(**settings), channels=8, base=8, dims=2).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("tv_se_relu_sigmoid", {"hidden": 4, "bias": True}),
        ("timm_se_nobias", {"reduction": 2}),
        ("timm_se_avgmax_half", {"ratio": 0.5, "squeeze": "avg_max"}),
        ("timm_eca_k3", {"excitation": "eca", "eca_kernel": 3}),
        ("timm_cbam_channel", {"reduction": 4, "squeeze": "avg_max_mlp"}),
        ("eca_circular_k3", {"excitation": "eca", "eca_kernel": 3, "eca_circular": True}),
        ("effective_se", {"excitation": "full", "gate": "hard_sigmoid", "bias": True}),
    ],
)
def test_forward_values_are_those_of_the_public_implementations(
    case, settings, references, reference_map, fill
):
    block = fill(SqueezeExcite(8, **settings))
    torch.testing.assert_close(block(reference_map).flatten(), references[case], **EXACT)


def test_the_worked_example_of_three_channels():
    block = SqueezeExcite(3, reduction=1.5).double()
    with torch.no_grad():
        # z1 = (-4, 1), relu gives (0, 1), z2 = (-4, 1, -2)
        block.excite.reduce.weight.copy_(torch.tensor([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]))
        block.excite.expand.weight.copy_(torch.tensor([[7.0, -4.0], [7.0, 1.0], [7.0, -2.0]]))
    x = torch.tensor([0.0, 4.0, 1.0], dtype=torch.float64).reshape(1, 3, 1, 1).expand(1, 3, 2, 2)
    factor, _ = block.gates(x)
    expected = torch.tensor([[0.017986, 0.731059, 0.119203]], dtype=torch.float64)
    torch.testing.assert_close(factor, expected, rtol=0, atol=1e-6)


def test_a_linear_layer_is_a_1x1_convolution(images):
    block = block_of(reduction=2, bias=True)
    first, second = nn.Conv2d(8, 4, 1).double(), nn.Conv2d(4, 8, 1).double()
    layers = ((first, block.excite.reduce), (second, block.excite.expand))
    with torch.no_grad():
        for conv, linear in layers:
            conv.weight.copy_(linear.weight[:, :, None, None])
            conv.bias.copy_(linear.bias)
    gate = torch.sigmoid(second(torch.relu(first(images.mean((2, 3), keepdim=True)))))
    torch.testing.assert_close(block(images), images * gate)


@pytest.mark.parametrize(
    "squeeze",
    ["avg", "max", "avg_max", "avg_max_mlp", "concat", "lp", "l2", "lse", "std", "avg_std", "gem"],
)
def test_a_pooled_squeeze_does_not_see_where_a_pixel_is(squeeze, images):
    block = block_of(reduction=2, squeeze=squeeze)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(3))
    shuffled = images.flatten(2)[:, :, order].reshape(images.shape)
    torch.testing.assert_close(block.gates(shuffled)[0], block.gates(images)[0])


@pytest.mark.parametrize("squeeze", ["avg", "concat", "attention", "none", "std"])
@pytest.mark.parametrize("norm", ["none", "layer"])
def test_an_image_is_gated_independently_of_its_batch(squeeze, norm, images):
    block = block_of(reduction=2, squeeze=squeeze, norm=norm)
    torch.testing.assert_close(block(images)[1:2], block(images[1:2]))


def test_without_a_squeeze_a_gate_depends_on_its_own_position_only(images):
    block = block_of(reduction=2, squeeze="none")
    changed = images.clone()
    changed[:, :, 2, 3] += 1
    difference = (block(changed) - block(images)).abs().sum(dim=(0, 1))
    assert difference[2, 3] > 0
    assert difference.sum() == difference[2, 3]


def test_without_a_squeeze_a_constant_map_is_gated_as_by_squeeze_and_excitation():
    x = torch.randn(2, 8, 1, 1, dtype=torch.float64).expand(2, 8, 3, 4)
    torch.testing.assert_close(block_of(reduction=2, squeeze="none")(x), block_of(reduction=2)(x))


def test_the_affine_form_scales_and_shifts(images):
    block = block_of(reduction=2, affine=True)
    v = block.excite(images.mean((2, 3)))
    expected = torch.sigmoid(v[:, :8])[:, :, None, None] * images + v[:, 8:][:, :, None, None]
    torch.testing.assert_close(block(images), expected)


def test_a_residual_gate_adds_the_map(images):
    plain, residual = block_of(reduction=2), block_of(reduction=2, residual=True)
    torch.testing.assert_close(residual(images), images + plain(images))


def test_temperature_divides_the_logit(images):
    warm = block_of(reduction=2, temperature=4.0)
    v = warm.logits(images)
    torch.testing.assert_close(warm.gates(images)[0], torch.sigmoid(v / 4))


def test_two_sigmoid_of_half_the_temperature_is_one_plus_tanh(images):
    tanh = block_of(reduction=2, gate="one_plus_tanh")
    sigmoid = block_of(reduction=2, gate="two_sigmoid", temperature=0.5)
    torch.testing.assert_close(tanh(images), sigmoid(images))


@pytest.mark.parametrize(
    "excitation", ["bottleneck", "linear_bottleneck", "full", "diagonal", "eca"]
)
@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
@pytest.mark.parametrize("gate", ["sigmoid", "one_plus_sigmoid", "softplus", "tanh"])
def test_init_zero_starts_at_the_gate_of_zero(excitation, norm, gate, images):
    block = SqueezeExcite(
        8, reduction=2, excitation=excitation, norm=norm, gate=gate, init="zero"
    ).double()
    start = {"sigmoid": 0.5, "one_plus_sigmoid": 1.5, "softplus": 0.6931471805599453, "tanh": 0.0}
    torch.testing.assert_close(block(images), start[gate] * images)


@pytest.mark.parametrize(
    "gate", ["sigmoid", "two_sigmoid", "one_plus_tanh", "hard_sigmoid", "relu"]
)
@pytest.mark.parametrize("affine", [False, True])
def test_init_open_starts_near_the_opening(gate, affine, images):
    block = SqueezeExcite(
        8, reduction=2, gate=gate, affine=affine, init="open", opening=0.9, bias="last"
    ).double()
    with torch.no_grad():
        block.excite.expand.weight.zero_()
    factor, shift = block.gates(images)
    torch.testing.assert_close(factor, torch.full_like(factor, 0.9))
    assert shift is None or not shift.any()


def test_an_opening_that_the_gate_cannot_reach_is_refused():
    with pytest.raises(
        SettingError,
        match=r"^`0 < opening < 1` must hold with `gate='sigmoid'`, but got 1\.2\. Use a value between "
        r"them, or a gate that reaches it: 'one_plus_tanh', 'two_sigmoid', 'one_plus_sigmoid', 'relu', "
        r"'softplus', 'identity'\.$",
    ):
        SqueezeExcite(8, reduction=2, init="open", opening=1.2, bias=True)


def test_a_linear_bottleneck_has_logits_of_rank_h(images):
    block = block_of(hidden=2, excitation="linear_bottleneck")
    z = torch.randn(40, 8, dtype=torch.float64)
    assert torch.linalg.matrix_rank(block.excite(z)) == 2


@pytest.mark.parametrize("shape", [(2, 8, 6), (2, 8, 3, 4), (2, 8, 2, 3, 2)])
def test_the_block_works_in_one_two_and_three_dimensions(shape):
    x = torch.randn(shape, dtype=torch.float64)
    block = block_of(reduction=2)
    gate = torch.sigmoid(block.excite(x.flatten(2).mean(2)))
    torch.testing.assert_close(block(x).flatten(2), x.flatten(2) * gate[:, :, None])


@pytest.mark.parametrize(
    "squeeze",
    [
        "avg",
        "max",
        "avg_max_mlp",
        "concat",
        "gem",
        "lp",
        "l2",
        "lse",
        "std",
        "avg_std",
        "attention",
    ],
)
def test_masked_positions_do_not_change_the_gate(squeeze):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(2, 8, 7, generator=generator, dtype=torch.float64)
    mask = torch.arange(7) < torch.tensor([[4], [7]])
    block = block_of(reduction=2, squeeze=squeeze)
    gate, _ = block.gates(x, mask)
    short, _ = block.gates(x[:1, :, :4])
    torch.testing.assert_close(gate[:1], short)
    torch.testing.assert_close(gate[1:], block.gates(x[1:])[0])


def test_settings_and_fields_together_are_refused():
    with pytest.raises(
        TypeError, match=r"^give either `settings` or fields, but got both: \['gate'\]\.$"
    ):
        SqueezeExcite(8, settings=Attention(reduction=2), gate="tanh")


def test_an_unknown_field_gets_the_nearest_name():
    with pytest.raises(SettingError, match=r"the nearest are 'reduction'.*but got 'reducton'"):
        SqueezeExcite(8, reducton=2)


def own_squeeze(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(2).median(dim=2).values


def own_gate(v: torch.Tensor) -> torch.Tensor:
    return 0.25 + torch.sigmoid(v)


class OwnBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((channels,), 2.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor[:, None, None]


def test_an_own_squeeze_gate_and_block_are_named_by_import_path(images, tmp_path, monkeypatch):
    source = "\n".join(
        (
            "import torch",
            "from torch import nn",
            "def median(x): return x.flatten(2).median(dim=2).values",
            "def raised(v): return 0.25 + torch.sigmoid(v)",
            "class Doubled(nn.Module):",
            "    def __init__(self, channels):",
            "        super().__init__()",
            "        self.factor = nn.Parameter(torch.full((channels,), 2.0))",
            "    def forward(self, x): return x * self.factor[:, None, None]",
        )
    )
    (tmp_path / "my_attention.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    block = block_of(reduction=2, squeeze="my_attention:median", gate="my_attention:raised")
    z = images.flatten(2).median(dim=2).values
    gate = 0.25 + torch.sigmoid(block.excite(z))
    torch.testing.assert_close(block(images), images * gate[:, :, None, None])
    own = build_block(Attention(kind="my_attention:Doubled"), channels=8, base=8, dims=2).double()
    torch.testing.assert_close(own(images), 2 * images)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_module:gate", r"^'no_such_module:gate' cannot be imported: No module named"),
        ("math:no_such_gate", r"^'math:no_such_gate': module 'math' has no 'no_such_gate'\.$"),
        ("math:pi", r"^'math:pi' must be a function or an `nn\.Module`, but is 3\.14"),
    ],
)
def test_an_import_path_that_leads_nowhere_says_so(path, message):
    with pytest.raises(SettingError, match=message):
        SqueezeExcite(8, reduction=2, gate=path)


@pytest.mark.parametrize("gate", ["sigmoid", "two_sigmoid", "one_plus_tanh"])
@pytest.mark.parametrize("bias", [False, True, "last"])
def test_the_fused_block_has_the_same_values_and_gradients_as_the_steps(
    gate, bias, images, monkeypatch
):
    monkeypatch.setattr(fused_module, "SMALL", 0)
    block = block_of(reduction=2, gate=gate, bias=bias)
    x = images.clone().requires_grad_()
    found = []
    for fused in (True, False):
        block.fused = fused
        y = block(x)
        assert is_fused(y) == fused
        found.append((y, *torch.autograd.grad(y.square().sum(), [x, *block.parameters()])))
    for fused, steps in zip(*found, strict=True):
        torch.testing.assert_close(fused, steps, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_fused_block_passes_gradcheck(layout, images, monkeypatch):
    monkeypatch.setattr(fused_module, "SMALL", 0)
    block = block_of(reduction=4, bias=True)
    x = images[:2, :, :2, :3].contiguous(memory_format=layout).requires_grad_()
    assert torch.autograd.gradcheck(block, (x,))


@pytest.mark.parametrize(
    ("shape", "layout", "fused"),
    [
        ((128, 64, 2, 2), torch.contiguous_format, False),
        ((128, 64, 2, 2), torch.channels_last, True),
        ((128, 16, 8, 8), torch.channels_last, True),
        ((128, 16, 8, 8), torch.contiguous_format, True),
    ],
)
def test_the_block_is_fused_where_that_pays(shape, layout, fused):
    block = SqueezeExcite(shape[1], reduction=4)
    x = torch.ones(shape).contiguous(memory_format=layout).requires_grad_()
    assert is_fused(block(x)) == fused
    with torch.no_grad():
        assert block(x).grad_fn is None


def is_fused(y):
    return "FusedSqueezeExcite" in type(y.grad_fn).__name__


def test_frozen_weights_get_no_gradient_and_the_map_does(images):
    block = block_of(reduction=2, control="frozen")
    x = images.clone().requires_grad_()
    block(x).sum().backward()
    assert x.grad is not None
    assert all(parameter.grad is None for parameter in block.parameters())
    assert not any(parameter.requires_grad for parameter in block.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"kind": "cbam"},
            r"^`SqueezeExcite` is `kind='squeeze_excite'`, but got `kind='cbam'`\. "
            r"Use `ablations\.build_block`, which makes every kind and control\.$",
        ),
        (
            {"kind": "gct"},
            r"but got `kind='gct'`\. Use `ablations\.build_block`",
        ),
        (
            {"control": "static"},
            r"^`SqueezeExcite` is a gate that sees the image, but got `control='static'`\. Use",
        ),
        ({"control": "constant"}, r"but got `control='constant'`\. Use"),
        (
            {"control": "widen_params"},
            r"^`control='widen_params'` leaves the block out, so there is none to make\. "
            r"Use `ablations\.build_network`",
        ),
        ({"placement": "none"}, r"^`placement='none'` leaves the block out"),
    ],
)
def test_settings_of_another_module_are_refused_with_what_makes_it(settings, message):
    with pytest.raises(SettingError, match=message):
        SqueezeExcite(16, reduction=4, **settings)


@pytest.mark.parametrize(
    "settings", [{"placement": "none"}, {"kind": "gct", "control": "widen_macs"}]
)
def test_no_block_is_made_of_settings_that_leave_it_out(settings):
    with pytest.raises(SettingError, match=r"leaves the block out, so there is none to make\."):
        build_block(Attention(reduction=4, **settings), channels=16, base=16, dims=2)
