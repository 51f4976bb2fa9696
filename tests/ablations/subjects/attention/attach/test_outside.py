"""Networks of other libraries, without weights: `make integration` installs the libraries."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.attach.detach import detach
from ablations.subjects.attention.attach.state import attention_parameters, load_host_state_dict
from ablations.subjects.attention.attach.table import sites
from ablations.subjects.attention.settings import choices
from ablations.subjects.attention.settings.groups import Attention

pytestmark = pytest.mark.integration

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
WORDS = torch.arange(14).reshape(2, 7)
KINDS = [
    *({"kind": kind} for kind in get_args(choices.Kind)),
    *({"control": c} for c in ("constant", "static", "shuffled", "batch_mean", "frozen")),
    {"excitation": "eca"},
    {"squeeze": "none"},
]


@pytest.fixture(scope="module", autouse=True)
def torchvision_operators():
    """The schemas that torchvision's Python part asks for where its compiled part is for another torch."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    if not hasattr(torch.ops.torchvision, "nms"):
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def bert() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, vocab_size=50
    )  # fmt: skip
    return transformers.BertModel(config)


def gpt2() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_embd=32, n_layer=2, n_head=2, vocab_size=50, n_positions=16, bos_token_id=0, eos_token_id=0
    )  # fmt: skip
    return transformers.GPT2Model(config)


def vit() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=64, patch_size=16
    )  # fmt: skip
    return transformers.ViTModel(config)


def convnext() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1])
    return transformers.ConvNextModel(config)


def timm(name: str):
    return lambda: pytest.importorskip("timm").create_model(name, num_classes=5)


def smp(name: str):
    library = "segmentation_models_pytorch"
    return lambda: getattr(pytest.importorskip(library), name)("resnet18", encoder_weights=None)


def torchvision(name: str):
    return lambda: getattr(pytest.importorskip("torchvision").models, name)(num_classes=5)


HOSTS: dict[str, tuple[Any, Any, str, str, int, str]] = {
    "transformers bert": (bert, {"input_ids": WORDS}, "encoder.layer.*.output.dense", "standard", 4, "channels_last"),
    "transformers bert, after the sum": (bert, {"input_ids": WORDS}, "encoder.layer.?", "post", 2, "channels_last"),
    "transformers gpt2": (gpt2, {"input_ids": WORDS}, "h.*.mlp", "standard", 2, "channels_last"),
    "transformers vit": (vit, {"pixel_values": IMAGES}, "*.fc2", "standard", 2, "channels_last"),
    "transformers convnext": (convnext, IMAGES, "*.dwconv", "standard", 4, "channels_first"),
    "transformers convnext, shortcut": (convnext, IMAGES, "encoder.stages.?.layers.?", "identity", 4, "channels_first"),
    "timm resnet18": (timm("resnet18"), IMAGES, "layer?.?.bn2", "standard", 8, "channels_first"),
    "timm resnet18, after the sum": (timm("resnet18"), IMAGES, "layer?.?", "post", 8, "channels_first"),
    "timm mobilenet": (timm("mobilenetv3_small_050"), IMAGES, "blocks.*.conv_pwl", "pre", 10, "channels_first"),
    "timm convnext": (timm("convnext_atto"), IMAGES, "stages.?.blocks.?.mlp.fc2", "standard", 12, "channels_first"),
    "segmentation-models unet": (smp("Unet"), IMAGES, "encoder.layer?.?.bn2", "standard", 8, "channels_first"),
    "segmentation-models fpn": (smp("FPN"), IMAGES, "decoder.seg_blocks.?", "standard", 4, "channels_first"),
    "torchvision densenet": (torchvision("densenet121"), IMAGES, "*.transition?", "standard", 3, "channels_first"),
    "torchvision swin": (torchvision("swin_t"), IMAGES, "features.?.*.mlp", "standard", 12, "channels_last"),
}  # fmt: skip


def settings(placement: str, **fields: object) -> Attention:
    return Attention(placement=placement, hidden=2, **fields)


def output(network: nn.Module, example: Any) -> Tensor:
    found = network(**example) if isinstance(example, dict) else network(example)
    return found if isinstance(found, Tensor) else found[0]


@pytest.fixture(scope="module", params=HOSTS)
def built(request):
    """A host, built once; most of a test's time would go into its first weights."""
    make, *told = HOSTS[request.param]
    torch.manual_seed(0)
    host = make()
    move_from_special_points(host.parameters())
    return host, *told


@pytest.fixture
def case(built):
    host, *told = built
    return copy.deepcopy(host), *told


def move_from_special_points(parameters: Iterable[nn.Parameter]) -> None:
    """Libraries start a branch at 0 or 1e-6, where what gates it has no gradient in the first step."""
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(0.05 * torch.randn(parameter.shape))


def test_it_attaches_computes_and_comes_out_again(case):
    host, example, at, placement, count, layout = case
    plain = output(host.eval(), example).detach()
    state = {name: x.clone() for name, x in host.state_dict().items()}
    rows = sites(host, at, example, attention=settings(placement))
    attached = attach(host, at=at, attention=settings(placement), example=example, seed=0)
    assert {site.layout for site in attached.sites} == {layout}
    assert len(attached.sites) == count
    params = sum(p.numel() for p in attention_parameters(host).values())
    assert params == sum(row.cost.params for row in rows)
    gated = output(host, example)
    assert gated.shape == plain.shape
    assert not torch.equal(gated, plain)
    load_host_state_dict(host, state)
    assert torch.equal(output(host, example), gated)
    detach(host)
    assert torch.equal(output(host, example), plain)
    host.load_state_dict(state)


@pytest.mark.parametrize("fields", KINDS, ids=str)
def test_every_kind_trains_a_step(case, fields):
    host, example, at, placement, _, _ = case
    attach(host, at=at, attention=settings(placement, **fields), example=example, seed=0)
    move_from_special_points(attention_parameters(host).values())
    y = output(host.train(), example)
    (y - y.detach().roll(1, 0)).square().mean().backward()
    learnt = {n: p for n, p in attention_parameters(host).items() if p.requires_grad}
    assert all(torch.isfinite(p.grad).all() for p in learnt.values())
    # In a small batch ReLU may close a bottleneck of two units; one site at least learns.
    assert not learnt or any(p.grad.any() for p in learnt.values())
    assert any(
        p.grad is not None and p.grad.any() for n, p in host.named_parameters() if n not in learnt
    )
    torch.optim.SGD(host.parameters(), lr=1e-3).step()
    assert torch.isfinite(output(host, example)).all()


def test_a_tuple_is_refused_with_what_came():
    with pytest.raises(
        ValueError, match=r"gives a tuple of 2: \(2, 7, 32\), a NoneType, not one map"
    ):
        attach(
            bert(),
            at="encoder.layer.*.attention.self",
            attention=Attention(hidden=2),
            example={"input_ids": WORDS},
        )


def test_a_host_that_runs_the_children_of_a_module_itself_is_refused():
    with pytest.raises(
        ValueError,
        match=r"the network runs alone, but with attention it fails: AttributeError: 'list' object has no attribute "
        r"'is_quantized'\. A host that runs all children of a module \(a `ModuleDict` with a `forward`\) runs the "
        r"attention as well: match a module inside it, or after it\.",
    ):
        attach(
            torchvision("densenet121")(),
            at="*.denseblock?",
            attention=Attention(hidden=2),
            example=IMAGES,
        )


def test_a_pretrained_checkpoint_of_transformers_loads(tmp_path):
    pytest.importorskip("transformers")
    host = bert()
    host.save_pretrained(tmp_path)
    attach(
        host, at="encoder.layer.?", attention=settings("post"), example={"input_ids": WORDS}, seed=0
    )
    again = type(host).from_pretrained(tmp_path)
    load_host_state_dict(host, again.state_dict())
    detach(host)
    assert torch.equal(
        output(host.eval(), {"input_ids": WORDS}), output(again.eval(), {"input_ids": WORDS})
    )


def test_the_libraries_are_not_imported_by_attaching():
    code = (
        "import ablations.subjects.attention.attach.attach, json, sys\n"
        "print(json.dumps([m for m in ('transformers', 'timm', 'torchvision') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
