import re

import pytest
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.attach.matching import matched, outlet
from ablations.subjects.attention.settings.groups import Attention


@pytest.mark.parametrize(
    ("at", "names"),
    [
        ("encoder.*.conv2", ["encoder.0.conv2", "encoder.1.conv2"]),
        ("*conv2", ["encoder.0.conv2", "encoder.1.conv2"]),
        ("encoder.[1-9].norm?", ["encoder.1.norm1", "encoder.1.norm2"]),
        (["unit.conv", "encoder.0.conv1"], ["encoder.0.conv1", "unit.conv"]),
        (nn.Linear, ["tokens", "head"]),
        ("torch.nn:Linear", ["tokens", "head"]),
        ([nn.Sequential, "head"], ["rest", "head"]),
    ],
)
def test_modules_are_matched_in_the_networks_order_by_pattern_type_or_import_path(at, names, host):
    assert list(matched(host, at)) == names


def test_a_sequence_is_left_by_its_last_module_and_entered_by_its_first():
    inner = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 3, 1))
    outer = nn.Sequential(inner, nn.Sequential(nn.Tanh(), nn.Sequential(inner[1])))
    assert outlet("body", outer, last=True) == ("body.1.1.0", inner[1])
    assert outlet("body", outer, last=False) == ("body.0.0", inner[0])


def test_an_empty_sequence_is_refused():
    with pytest.raises(
        SettingError,
        match=r"`at` must match a module that does something, but 'body' is empty\.",
    ):
        outlet("body", nn.Sequential(), last=True)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (
            "encoder.*.conv3",
            "`at` must match a module, but 'encoder.*.conv3' matches none of 23. The nearest: "
            "'encoder.1.conv2', 'encoder.1.conv1', 'encoder.0.conv2'.",
        ),
        (
            nn.LSTM,
            "`at` must match a module, but none is a LSTM. There are: BatchNorm2d, Conv2d, Dropout, Identity, "
            "Linear, ModuleList, ReLU, Sequential, Step, Unit.",
        ),
        (
            "encoder.*",
            "`at` must not match a module and another inside it, but matches 'encoder.0' and 'encoder.0.conv1'. "
            "Name one of them; the outer ones are at=['encoder.0', 'encoder.1'].",
        ),
        ([], "`at` must name a module, a pattern or a type, but is empty."),
        (
            3.5,
            "`at` must be a pattern of names, a class of modules, its import path, or a list of these, but got 3.5.",
        ),
        ("torch.nn:Nothing", "'torch.nn:Nothing': module 'torch.nn' has no 'Nothing'."),
    ],
)
def test_a_match_that_means_nothing_is_refused_with_what_is_there(at, message, host):
    with pytest.raises(SettingError, match=re.escape(message)):
        matched(host, at)


def test_a_module_of_two_names_is_refused(host):
    host.again = host.unit.conv
    with pytest.raises(
        SettingError,
        match=r"`at` must match modules of one place each, but 'unit\.conv', 'again' are one module\. "
        r"Make a module for each place, or match another\.",
    ):
        matched(host, "again")


def test_attention_that_is_attached_is_not_matched(host, x):
    attach(host, at="unit.conv", attention=Attention(reduction=4), example=x)
    assert list(matched(host, nn.Linear)) == ["tokens", "head"]
    with pytest.raises(SettingError, match=r"'\*channel_attention\*' matches none of 23"):
        matched(host, "*channel_attention*")
