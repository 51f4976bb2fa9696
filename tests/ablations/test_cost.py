import json
from pathlib import Path

import pytest

from ablations.cost import cost
from ablations.errors import SettingError
from ablations.settings import Attention, Backbone

REFERENCE = json.loads((Path(__file__).parent / "reference/param_counts.json").read_text())
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
