import subprocess
import sys

import pytest
import torch
from torch import nn

from ablations.streams import epoch_order, generator, initialise, stream, stream_seed
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone


def drawn(attention: Attention, *, seed: int) -> dict[str, torch.Tensor]:
    network = build_network(Backbone(), attention, in_channels=1, classes=10)
    initialise(network, seed=seed)
    return network.state_dict()


NONE = Attention(placement="none")


@pytest.mark.parametrize(
    "other",
    [
        Attention(reduction=4),
        Attention(reduction=16),
        Attention(reduction=4, squeeze="max", gate="one_plus_tanh", placement="post"),
        Attention(reduction=2, bias=True, order="after"),
    ],
)
def test_arms_of_one_seed_share_every_tensor_of_the_host(other: Attention) -> None:
    host, with_attention = drawn(NONE, seed=3), drawn(other, seed=3)
    assert set(host) < set(with_attention)
    assert all(torch.equal(tensor, with_attention[name]) for name, tensor in host.items())


def test_ratios_share_nothing_but_the_host() -> None:
    four, eight = drawn(Attention(reduction=4), seed=0), drawn(Attention(reduction=8), seed=0)
    differ = {name for name in four if four[name].shape != eight[name].shape}
    assert differ
    assert all("attention" in name for name in differ)


def test_another_seed_draws_other_weights() -> None:
    one, other = drawn(NONE, seed=0), drawn(NONE, seed=1)
    weights = [name for name in one if name.endswith("weight") and one[name].dim() > 1]
    assert not any(torch.equal(one[name], other[name]) for name in weights)


def test_initialise_refuses_a_module_that_cannot_be_drawn() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

    with pytest.raises(TypeError, match="`Scale` at `0` must have `reset_parameters"):
        initialise(nn.Sequential(Scale()), seed=0)


def test_a_stream_leaves_the_global_generator_as_it_was() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with stream(1, "dropout"):
        torch.rand(100)
    assert torch.equal(torch.rand(3), expected)


def test_a_stream_is_named_by_seed_and_text_on_every_machine() -> None:
    # Computed once with hashlib: a changed value would change every stored run.
    assert stream_seed(0, "order/0") == 3955691223199900983
    assert len({stream_seed(s, n) for s in range(20) for n in ("a", "b")}) == 40


def test_streams_do_not_depend_on_the_process() -> None:
    code = "from ablations.streams import *; print(generator(7, 'x').initial_seed())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(out.stdout) == generator(7, "x").initial_seed()


def test_the_order_is_new_in_each_epoch_and_equal_for_each_seed() -> None:
    first = epoch_order(50, seed=0, epoch=0)
    assert sorted(first.tolist()) == list(range(50))
    assert torch.equal(first, epoch_order(50, seed=0, epoch=0))
    assert not torch.equal(first, epoch_order(50, seed=0, epoch=1))
    assert not torch.equal(first, epoch_order(50, seed=1, epoch=0))
