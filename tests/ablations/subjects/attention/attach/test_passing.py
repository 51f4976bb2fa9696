import re

import pytest
import torch
from torch import Tensor, nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.passing import call, described, refuse_unready, run


class Takes(nn.Module):
    def __init__(self, forward) -> None:
        super().__init__()
        self.forward = forward


X, Y = torch.ones(2, 3), torch.zeros(2)


@pytest.mark.parametrize(
    ("forward", "example"),
    [
        (lambda x: x, X),
        (lambda x, y: x, (X, Y)),
        (lambda x, y: x, [X, Y]),
        (lambda x, y=None: x, (X,)),
        (lambda y, x: x, {"x": X, "y": Y}),
        (lambda batch: batch["x"], {"x": X, "y": Y}),
    ],
)
def test_an_example_passes_as_forward_takes_it(forward, example):
    assert call(Takes(forward), example) is X


def test_a_batch_with_labels_is_refused_where_forward_takes_the_images_alone():
    with pytest.raises(
        SettingError,
        match=re.escape(
            "the example must be what `forward` takes, but it has 2 parts, and `Takes.forward` takes (x). Pass the "
            "part that it takes, or say how it passes: `forward=lambda network, example: network(example[0])`."
        ),
    ):
        call(Takes(lambda x: x), (X, Y))


class Restless(nn.Module):
    """Everything that a forward pass may leave behind."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.frozen = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(()))
        self.train()
        self.frozen.eval()

    def train(self, mode: bool = True) -> "Restless":
        super().train(mode)
        for parameter in self.frozen.parameters():
            parameter.requires_grad_(mode)
        return self

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.replaced = self.replaced + 1
        y = self.frozen(self.norm(x)) + torch.rand(3)
        if self.count > 1:
            raise ValueError("twice")
        return y


def test_a_pass_leaves_nothing_behind():
    network = Restless()
    before = {name: x.clone() for name, x in network.state_dict().items()}
    random, replaced = torch.get_rng_state(), network.replaced
    run(network, X, call)
    run(network, X, call)
    assert all(torch.equal(before[name], x) for name, x in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert network.replaced is replaced
    assert (network.training, network.norm.training, network.frozen.training) == (True, True, False)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert network(X).requires_grad


def test_a_pass_that_fails_says_the_hosts_words_and_leaves_nothing_behind():
    network = Restless()
    network.count += 1
    with pytest.raises(
        SettingError,
        match=r"the example must pass through the network, but that fails: ValueError: twice "
        r"\(.*test_passing\.py, line \d+\)\. The example is \(2, 3\)\.",
    ):
        run(network, X, call)
    assert network.count == 1
    assert network.training


def test_what_came_is_described_by_shapes():
    value = {"a": X, "b": (Y, [None, 3])}
    assert (
        described(value)
        == "a dict of a: (2, 3), b: a tuple of 2: (2,), a list of 2: a NoneType, a int"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: torch.compile(nn.Linear(2, 2), backend="eager"),
            "attention must be attached before compiling, but the network is compiled.",
        ),
        (
            lambda: nn.Sequential(torch.compile(nn.Linear(2, 2), backend="eager")),
            "attention must be attached before compiling, but `0` is compiled.",
        ),
        (
            lambda: nn.DataParallel(nn.Linear(2, 2)),
            "attention must be attached before wrapping, but the network is a DataParallel, which has listed the "
            "parameters already.",
        ),
        (
            lambda: nn.Sequential(nn.LazyLinear(2)),
            "the network must have its shapes, but `0.weight` is lazy: pass a batch through it first.",
        ),
    ],
)
def test_a_network_that_is_not_what_will_be_trained_is_refused(make, message):
    with pytest.raises(SettingError, match=re.escape(message)):
        refuse_unready(make())


def test_a_network_compiled_in_place_is_refused():
    network = nn.Sequential(nn.Linear(2, 2))
    network[0].compile(backend="eager")
    with pytest.raises(SettingError, match=r"before compiling, but `0` is compiled\."):
        refuse_unready(network)
