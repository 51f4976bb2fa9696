import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ablations.errors import SettingError
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/param_counts.json").read_text())
CIFAR = REFERENCE["cifar_resnet_10cls"]["models"]
SHORTCUTS = {"A": "pad", "B": "project"}


@pytest.mark.parametrize("model", CIFAR, ids=lambda m: f"{m['depth']}{m['shortcut']}")
def test_cifar_resnets_have_the_reference_parameters_and_multiply_adds(model):
    backbone = Backbone(name=f"cifar_resnet{model['depth']}", shortcut=SHORTCUTS[model["shortcut"]])
    host = cost(backbone, Attention(placement="none"), image=32, in_channels=3, classes=10)
    assert (host.params, host.macs) == (model["base"], model["macs_32"])
    for key, expected in model["se"].items():
        r, bias = key.removeprefix("r=").split(",bias=")
        arm = Attention(reduction=float(r), bias=bias == "True")
        found = cost(backbone, arm, image=32, in_channels=3, classes=10)
        assert (found.params, found.attention_params) == (expected["params"], expected["extra"])


def test_columns_hold_an_entry_per_block_and_c2_eff():
    found = cost(Backbone(), Attention(reduction=4), image=8, in_channels=1, classes=10).columns()
    assert found["channels"] == [16, 32, 64]
    assert found["hidden"] == [4, 8, 16]
    assert found["c2_eff"] == 16**2 + 32**2 + 64**2


def test_a_ratio_that_does_not_divide_the_channels_names_the_block_and_the_rule():
    with pytest.raises(
        SettingError,
        match=r"In block layer1\.0: `channels / reduction` must be whole, but got 16 channels with "
        r"reduction=3, which is 5\.33333\. Choose one that divides 16",
    ):
        cost(Backbone(), Attention(reduction=3), image=8, in_channels=1, classes=10)


@pytest.mark.parametrize("model", REFERENCE["se_standard"], ids=str)
def test_resnets_with_attention_have_the_reference_parameters(model):
    arm = Attention(reduction=model["r"], bias=model["bias"])
    found = cost(Backbone(name=model["model"]), arm, image=64, in_channels=3, classes=1000)
    assert (found.params, found.attention_params) == (model["params_floor"], model["se_extra"])


PAPER = {
    "original": {"placement": "none"},
    "T13 SE stage 2": {"stages": "1"},
    "T13 SE stage 3": {"stages": "2"},
    "T13 SE stage 4": {"stages": "3"},
    "T13 SE all": {},
    "T15 SE_3x3": {"placement": "inner"},
    **{f"T10 r={r}": {"reduction": r} for r in (2, 4, 8, 16, 32)},
}


@pytest.mark.parametrize("row", REFERENCE["paper_tables_10_13_15"], ids=lambda row: row["label"])
def test_the_papers_tables_come_out_within_a_tenth_of_a_million(row):
    arm = Attention(**PAPER[row["label"]])
    found = cost(Backbone(name="resnet50"), arm, image=64, in_channels=3, classes=1000)
    assert found.params / 1e6 == pytest.approx(row["params_nobias"], abs=5e-4)
    # The paper's columns count batch norm's running statistics, too.
    buffers = REFERENCE["baseline"]["resnet50"]["bn_buffers"]
    assert (found.params + buffers) / 1e6 == pytest.approx(row["paper_M"], abs=0.1)


GLOBAL_CONTEXT = {"reduction": 8, "bias": True, "norm": "layer"}

MACS = REFERENCE["macs_224_matmul_conv_only"]


@pytest.mark.parametrize(
    ("name", "settings", "macs"),
    [
        ("resnet50", {"placement": "none"}, MACS["resnet50"]),
        ("resnet50", {}, MACS["resnet50+SE r=16"]),
        ("resnet50_v1", {"placement": "none"}, MACS["resnet50_v1_stride_on_1x1"]),
        ("resnet50_v1", {}, MACS["resnet50_v1+SE r=16"]),
        ("resnet50_v1", {"squeeze": "none"}, MACS["resnet50_v1+NoSqueeze r=16"]),
    ],
)
def test_multiply_adds_are_the_papers(name, settings, macs):
    found = cost(Backbone(name=name), Attention(**settings), image=224, in_channels=3, classes=1000)
    assert found.macs == macs


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        ({"excitation": "eca"}, 86),
        ({"excitation": "full", "bias": True}, 20_134_656),
        ({"kind": "cbam"}, 2_516_544),
        ({"placement": "pre"}, 1_991_168),
        ({"placement": "inner"}, 157_184),
        ({"squeeze": "none"}, 2_514_944),
        # timm's score has a bias, which a softmax does not see: 16 more for 16 blocks.
        ({"squeeze": "attention", **GLOBAL_CONTEXT}, 5_065_776 - 16),
        ({"kind": "global_context", **GLOBAL_CONTEXT}, 5_065_776 - 16),
    ],
)
def test_relatives_and_placements_add_the_published_parameters(settings, params):
    found = cost(
        Backbone(name="resnet50"), Attention(**settings), image=64, in_channels=3, classes=1000
    )
    assert found.attention_params == params


def test_kept_activations_are_those_of_a_real_step():
    arm = Attention(reduction=4, squeeze="max")
    found = cost(Backbone(), arm, image=8, in_channels=1, classes=10)
    network = build_network(Backbone(), arm, in_channels=1, classes=10)
    held = [*network.parameters(), *network.buffers()]
    weights = {tensor.untyped_storage().data_ptr() for tensor in held}
    kept: dict[int, int] = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = network(torch.randn(2, 1, 8, 8))
    assert loss.requires_grad
    assert found.activation_bytes == sum(kept.values()) // 2


def test_from_half_of_r_positions_on_the_excitation_is_half_of_the_cost():
    arm = Attention(reduction=2)
    # C = 64 on an 8x8 map at r = 2 is the exact boundary.
    found = cost(Backbone(), arm, image=32, in_channels=3, classes=10).blocks[-1]
    assert (found.channels, found.size, found.excitation_half_from) == (64, (8, 8), 64)
    assert 4 * found.channels**2 / 2 == found.flops / 2


# Hand-computed for C = 64, h = 16 on an 8x8 map: passes over the map, and multiply-adds of the block.
C, H, P = 64, 16, 8 * 8


@pytest.mark.parametrize(
    ("settings", "passes", "macs"),
    [
        ({}, 2, 2 * C * H),
        ({"squeeze": "max"}, 2, 2 * C * H),
        ({"squeeze": "avg_max"}, 3, 2 * C * H),
        ({"squeeze": "avg_max_mlp"}, 3, 2 * 2 * C * H),
        ({"squeeze": "concat"}, 3, 3 * C * H),
        ({"squeeze": "std"}, 3, 2 * C * H),
        ({"squeeze": "avg_std"}, 4, 3 * C * H),
        ({"squeeze": "attention"}, 1, 2 * C * P + 2 * C * H),
        ({"squeeze": "none"}, 1, P * 2 * C * H),
        ({"affine": True}, 3, 3 * C * H),
        ({"excitation": "none"}, 2, 0),
        ({"kind": "cbam"}, 6, 2 * 2 * C * H + 2 * 49 * P),
        ({"kind": "scse"}, 4, 2 * C * H + C * P),
        ({"kind": "gct"}, 2, 0),
        ({"kind": "gather_excite"}, 2, 2 * C * H),
        ({"kind": "global_context"}, 1, 2 * C * P + 2 * C * H),
        ({"control": "constant"}, 1, 0),
        ({"control": "static"}, 1, 0),
    ],
    ids=str,
)
def test_each_block_costs_its_passes_over_the_map_and_its_multiply_adds(settings, passes, macs):
    arm = Attention(reduction=4, **settings)
    block = cost(Backbone(), arm, image=32, in_channels=3, classes=10).blocks[-1]
    assert (block.elementwise, block.macs) == (passes * C * P, macs)
    assert block.flops == passes * C * P + 2 * macs
    plain = passes == 2 and macs == 2 * C * H
    assert block.excitation_half_from == (4 * P / 2 if plain else None)


def test_torchs_flop_counter_sees_the_multiply_adds_twice_and_no_pooling():
    arm = Attention(reduction=4)
    found = cost(Backbone(), arm, image=8, in_channels=3, classes=10)
    network = build_network(Backbone(), arm, in_channels=3, classes=10).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 8, 8))
    assert counter.get_total_flops() == 2 * found.macs


def test_the_cost_of_the_deepest_network_takes_less_than_two_seconds():
    begun = time.process_time()
    cost(Backbone(name="resnet152"), Attention(), image=224, in_channels=3, classes=1000)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("host", "settings"),
    [
        ("cifar_resnet20", {"reduction": 4}),
        ("cifar_resnet8", {"placement": "none"}),
        ("cifar_preact_resnet8", {"kind": "cbam"}),
        ("cifar_resnet8", {"excitation": "eca", "eca_permuted": True}),
        ("cifar_resnet8", {"control": "shuffled"}),
        ("cifar_resnet8", {"control": "widen_macs"}),
        ("cifar_resnet8", {"kind": "gather_excite", "gather": "depthwise"}),
        ("resnet18", {"squeeze": "max"}),
        ("mobilenet_v3_small", {"reduction": 8}),
        ("small_vit", {"placement": "none"}),
        ("regnet_y_200mf", {"reduction": 8}),
    ],
)
def test_small_and_large_networks_are_counted_alike(monkeypatch, host, settings):
    def counted():
        found = cost(
            Backbone(name=host), Attention(**settings), image=64, in_channels=3, classes=10
        )
        return found.to_json()

    before = torch.random.get_rng_state()
    monkeypatch.setattr("ablations.subjects.attention.counting.tracing.SMALL", math.inf)
    with_zeros = counted()
    assert torch.equal(torch.random.get_rng_state(), before)
    monkeypatch.setattr("ablations.subjects.attention.counting.tracing.SMALL", 0)
    without = counted()
    # A shuffled gate's order, of 16 bytes, is kept with numbers only.
    kept = with_zeros.pop("activation_bytes")
    assert without.pop("activation_bytes") == pytest.approx(kept, rel=1e-5)
    assert without == with_zeros


def test_a_small_study_is_planned_without_torchs_compiler():
    """Which takes two seconds to import."""
    code = (
        "import sys; from ablations.designs.spaces import load_space; from ablations.designs.expand import expand;"
        "import ablations.studies.study; expand(load_space('reduction'));"
        "assert not {'torch._dynamo', 'sympy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
