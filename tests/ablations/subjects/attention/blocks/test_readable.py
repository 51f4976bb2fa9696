"""Traced by torch.fx, compiled by TorchScript, quantised: equal numbers, or one sentence that says why not."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.ao import quantization

from ablations import Attention, SqueezeExcite, build_block

SETTINGS = [
    {"reduction": 4},
    {"reduction": 4, "squeeze": "max"},
    {"kind": "gct"},
    {"kind": "cbam", "reduction": 4},
    {"kind": "scse", "reduction": 4},
    {"kind": "gather_excite", "extent": 2, "reduction": 4},
    {"kind": "global_context", "reduction": 4},
]
X = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))


def made(settings: dict[str, Any]) -> nn.Module:
    torch.manual_seed(0)
    return build_block(Attention(**settings), channels=16, base=16, dims=2).eval()


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_block_that_cannot_be_scripted_or_traced_by_fx_says_so(settings: dict[str, Any]) -> None:
    network = nn.Sequential(nn.Conv2d(16, 16, 1), made(settings))
    way = r", which asks how its map lies in memory\. Export by `torch\.export`, or trace by `torch\.jit\.trace`\."
    with pytest.raises(TypeError, match=r"^torch\.jit\.script cannot compile attention" + way):
        torch.jit.script(network)
    with pytest.raises(TypeError, match=r"^torch\.fx\.symbolic_trace cannot trace attention" + way):
        torch.fx.symbolic_trace(network)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_a_gate_that_sees_no_image_can_be_scripted_and_traced() -> None:
    block = made({"control": "static"})
    assert torch.equal(torch.jit.script(block)(X), block(X))
    assert torch.equal(torch.fx.symbolic_trace(block)(X), block(X))


class Net(nn.Module):
    """A convolution in integers, then attention, on the map as it comes or in floating point again."""

    def __init__(self, *, dequantised: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.conv, self.attention = nn.Conv2d(3, 16, 3), SqueezeExcite(16, reduction=4)
        self.attention.qconfig = None
        self.dequantised = dequantised

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.quant(x))
        return self.attention(self.dequant(x) if self.dequantised else x)  # type: ignore[no-any-return]


def quantised(network: nn.Module, x: Tensor) -> nn.Module:
    network.qconfig = quantization.get_default_qconfig("x86")  # type: ignore[assignment]
    prepared = quantization.prepare(network.eval())
    prepared(x)
    return quantization.convert(prepared)  # type: ignore[no-any-return]


@pytest.mark.skipif("x86" not in torch.backends.quantized.supported_engines, reason="no integers")
@pytest.mark.filterwarnings("ignore:.*torch.ao.quantization.*:DeprecationWarning")
@pytest.mark.filterwarnings(
    "ignore:torch.quantize_per_tensor, torch.quantize_per_channel:UserWarning"
)
@pytest.mark.filterwarnings("ignore:Please use quant_min and quant_max:UserWarning")
@pytest.mark.filterwarnings("ignore:.*reduce_range.*:UserWarning")
def test_attention_after_a_statically_quantised_convolution_is_near_and_in_integers_refused() -> (
    None
):
    x = torch.randn(4, 3, 10, 10, generator=torch.Generator().manual_seed(1))
    network = Net(dequantised=True)
    wanted = copy.deepcopy(network).eval()(x)
    found = quantised(network, x)
    assert type(found.attention.excite.reduce).__name__ == "Linear"  # as it was
    assert (found(x) - wanted).abs().max() < 0.05 * wanted.abs().max()
    with pytest.raises(
        TypeError, match=r"floating-point maps, but its map is quantised\. Put a `DeQuantStub`"
    ):
        quantised(Net(dequantised=False), x)(x)


@pytest.mark.filterwarnings("ignore:.*torch.ao.quantization.*:DeprecationWarning")
def test_dynamic_quantisation_takes_torchs_layers_and_leaves_attention_as_it_is() -> None:
    network = nn.Sequential(
        made({"reduction": 4}), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2)
    )
    found = quantization.quantize_dynamic(copy.deepcopy(network), {nn.Linear})
    assert torch.equal(found[0](X), network[0](X))
    assert "quantized" in type(found[3]).__module__
