import re

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ablations.errors import SettingError
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.attach.hooks import attached_modules
from ablations.subjects.attention.attach.state import attention_parameters
from ablations.subjects.attention.attach.table import sites, words
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone


def test_every_match_is_a_row_with_its_map_and_cost(host, x):
    rows = sites(host, ["encoder.*.norm2", "head"], x, attention=Attention(reduction=4))
    assert [row.to_json() for row in rows] == [
        {
            "name": "encoder.0.norm2", "kind": "BatchNorm2d", "channels": 8, "height": 8, "width": 8,
            "size": [8, 8], "layout": "channels_first", "hidden": 2, "params": 32, "macs": 32,
            "flops": 2 * 8 * 64 + 4 * 8 * 2, "problem": None,
        },
        {
            "name": "encoder.1.norm2", "kind": "BatchNorm2d", "channels": 16, "height": 8, "width": 8,
            "size": [8, 8], "layout": "channels_first", "hidden": 4, "params": 128, "macs": 128,
            "flops": 2 * 16 * 64 + 4 * 16 * 4, "problem": None,
        },
        {
            "name": "head", "kind": "Linear", "channels": None, "height": None, "width": None,
            "size": None, "layout": None, "hidden": None, "params": None, "macs": None, "flops": None,
            "problem": "gives (4, 4), which has no positions to pool over; match a module before the pooling",
        },
    ]  # fmt: skip
    assert not attached_modules(host)


def test_the_words_are_a_table_with_a_total_and_what_does_not_fit_below(host, x):
    rows = sites(host, ["encoder.*.norm2", "head"], x, attention=Attention(reduction=4))
    assert words(rows).splitlines() == [
        "module           kind          C  size  h  parameters  multiply-adds",
        "encoder.0.norm2  BatchNorm2d   8   8x8  2          32             32",
        "encoder.1.norm2  BatchNorm2d  16   8x8  4         128            128",
        "2 sites                                           160            160",
        "not head (Linear): gives (4, 4), which has no positions to pool over; match a module before the pooling",
    ]


def test_without_attention_the_maps_alone_are_listed(host, x):
    (row,) = sites(host, "tokens", x)
    assert (row.site.channels, row.site.size, row.cost) == (24, (64,), None)
    assert words([row]).splitlines()[1].split() == ["tokens", "Linear", "24", "64", "-", "-", "-"]


def test_settings_that_are_illegal_at_a_width_are_a_problem_of_that_row(host, x):
    rows = sites(host, "encoder.*.norm2", x, attention=Attention(reduction=16))
    assert [row.problem for row in rows] == [
        "At `encoder.0.norm2`: `hidden >= 1` must hold, but 8 channels with reduction=16 leave 0.5 hidden units. Use "
        "a smaller reduction, a wider network, or a rounding with `min_hidden`",
        None,
    ]
    with pytest.raises(SettingError, match=r"`placement='inner'` is after"):
        sites(host, "tokens", x, attention=Attention(placement="inner"))


def test_it_is_what_the_built_in_network_costs():
    given = {"in_channels": 3, "classes": 10}
    backbone, attention = Backbone(name="resnet18"), Attention()
    host = build_network(backbone, Attention(placement="none"), **given)
    rows = sites(host, "layer?.?.bn2", torch.zeros(2, 3, 64, 64), attention=attention)
    expected = cost(backbone, attention, image=64, **given).blocks
    keys = ("params", "macs", "flops", "channels", "hidden", "height", "width")
    ours = [{key: row.to_json()[key] for key in keys} for row in rows]
    assert ours == [{key: block.to_json()[key] for key in keys} for block in expected]
    assert sum(row.cost.params for row in rows) == 87_040


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"squeeze": "attention"},
        {"kind": "cbam"},
        {"kind": "gather_excite", "extent": 2, "gather": "depthwise"},
        {"squeeze": "none"},
        {"excitation": "eca"},
        {"control": "static"},
        {"bias": True, "norm": "batch"},
    ],
    ids=str,
)
@pytest.mark.parametrize("at", ["encoder.*.norm2", "tokens"])
def test_the_cost_is_what_attaching_adds(at, fields, host, x):
    attention = Attention(reduction=4, **fields)
    rows = sites(host, at, x, attention=attention)
    before = counted(host, x)
    attach(host, at=at, attention=attention, example=x)
    macs = (counted(host, x) - before) / 2 / len(x)
    assert sum(row.cost.macs for row in rows) == macs
    params = sum(p.numel() for p in attention_parameters(host).values())
    assert sum(row.cost.params for row in rows) == params


def counted(host: nn.Module, x: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        host.eval()(x)
    return counter.get_total_flops()


def test_a_gated_shortcut_is_two_further_passes(unit):
    x = torch.randn(2, 8, 5, 5)
    identity, post = (
        sites(unit(last=nn.Identity()), "unit", x, attention=Attention(reduction=4, placement=p))[0]
        for p in ("identity", "post")
    )
    assert identity.cost.elementwise - post.cost.elementwise == 2 * 8 * 25


def test_what_a_hook_cannot_do_is_a_problem_of_that_row(unit):
    x = torch.randn(2, 8, 5, 5)
    (row,) = sites(unit(last=nn.ReLU()), "unit", x)
    assert re.match("a residual unit, where placement='standard' is inside", row.problem)
