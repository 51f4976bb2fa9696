import re

import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.attach.detach import detach
from ablations.subjects.attention.attach.state import (
    attention_parameters,
    host_state_dict,
    load_host_state_dict,
)
from ablations.subjects.attention.settings.groups import Attention


def put(host, x, at="encoder.*.norm2", seed=0):
    attach(host, at=at, attention=Attention(reduction=4), example=x, seed=seed)
    return host


def test_the_hosts_tensors_keep_their_names_and_the_attentions_are_beside_them(host, x):
    before = list(host.state_dict())
    put(host, x)
    assert list(host_state_dict(host)) == before
    assert sorted(attention_parameters(host)) == [
        "encoder.0.norm2.channel_attention.excite.expand.weight",
        "encoder.0.norm2.channel_attention.excite.reduce.weight",
        "encoder.1.norm2.channel_attention.excite.expand.weight",
        "encoder.1.norm2.channel_attention.excite.reduce.weight",
    ]
    assert set(host.state_dict()) == set(before) | set(attention_parameters(host))


def test_a_whole_checkpoint_goes_out_and_in(host, x, tmp_path):
    put(host, x)
    torch.save(host.state_dict(), tmp_path / "whole.pt")
    other = put(type(host)(), x, seed=9).eval()
    assert not torch.equal(other(x), host.eval()(x))
    other.load_state_dict(torch.load(tmp_path / "whole.pt", weights_only=True))
    assert torch.equal(other(x), host(x))


def test_the_hosts_own_checkpoint_loads_strictly_and_leaves_the_attention(host, x):
    pretrained = type(host)()
    put(host, x)
    before = {name: p.clone() for name, p in attention_parameters(host).items()}
    load_host_state_dict(host, pretrained.state_dict())
    loaded = host_state_dict(host)
    assert all(torch.equal(loaded[name], p) for name, p in pretrained.state_dict().items())
    assert all(torch.equal(p, before[name]) for name, p in attention_parameters(host).items())
    pretrained.load_state_dict(host_state_dict(host))


def test_a_checkpoint_that_is_not_the_hosts_is_refused(host, x):
    put(host, x)
    state = {f"module.{name}": p for name, p in host_state_dict(host).items()}
    del state["module.head.bias"], state["module.head.weight"]
    state["head.bias"], state["head.weight"] = host.head.bias, host.head.weight
    with pytest.raises(
        SettingError,
        match=re.escape(
            "the checkpoint must have the host's tensors and no others, but lacks `encoder.0.conv1.weight`, "
            "`encoder.0.conv1.bias`, `encoder.0.norm1.weight` and 30 more and has `module.encoder.0.conv1.weight`, "
        ),
    ):
        load_host_state_dict(host, state)
    with pytest.raises(SettingError, match=r"but lacks `head\.bias` and has none besides\."):
        load_host_state_dict(
            host, {n: p for n, p in host_state_dict(host).items() if n != "head.bias"}
        )


def test_the_hosts_modules_named_alike_are_the_hosts(host, x):
    host.unit.add_module("channel_attention", torch.nn.Conv2d(16, 16, 1))
    put(host, x)
    assert "unit.channel_attention.weight" in host_state_dict(host)
    assert not any(name.startswith("unit.") for name in attention_parameters(host))


@pytest.mark.parametrize("placement", ["standard", "pre"])
def test_a_host_without_its_attention_is_as_it_was(placement, host, x):
    host.eval()
    plain, names = host(x), list(dict(host.named_modules()))
    hooks = [dict(vars(m)) for m in host.modules()]
    settings = Attention(reduction=4, placement=placement)
    attach(host, at=["encoder.*.norm2", "tokens"], attention=settings, example=x)
    assert not torch.equal(host(x), plain)
    detach(host)
    assert torch.equal(host(x), plain)
    assert list(dict(host.named_modules())) == names
    for module, before in zip(host.modules(), hooks, strict=True):
        assert vars(module).keys() == before.keys()
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._forward_hooks_with_kwargs
        assert not module._forward_pre_hooks_with_kwargs


def test_the_users_own_hooks_stay(host, x):
    called = []
    host.encoder[0].norm2.register_forward_hook(lambda *_: called.append("own"))
    put(host, x)
    called.clear()
    host(x)
    detach(host)
    host(x)
    assert called == ["own", "own"]


def test_there_is_nothing_to_take_out_twice(host, x):
    detach(put(host, x))
    with pytest.raises(
        SettingError,
        match=r"there is no attached attention in this network; `attach` puts it in\.",
    ):
        detach(host)
