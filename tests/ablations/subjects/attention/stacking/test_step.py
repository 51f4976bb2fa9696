"""A step of several networks together gives what their separate steps give."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.streams import initialise
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.attention.stacking.rules import structure
from ablations.subjects.attention.stacking.step import Part, Stack, StackFailed, train_in_step

HOSTS = {
    "cifar_resnet8": (1, 8, 8),
    "cifar_preact_resnet8": (3, 8, 8),
    "resnet18": (3, 32, 32),
    "resnext50_32x4d": (3, 32, 32),
    "regnet_y_200mf": (3, 32, 32),
    "sequence_resnet8": (2, 12),
}
PLAIN = {"reduction": 4}
ATTENTION: dict[str, dict[str, object]] = {
    "none": {"placement": "none"},
    "plain": PLAIN,
    "max": {"squeeze": "max", "reduction": 8},
    "tanh with biases": {"gate": "one_plus_tanh", "bias": True},
    "no biases": {"bias": False},
    "pre": {"placement": "pre"},
    "post": {"placement": "post"},
    "identity": {"placement": "identity"},
    "after": {"order": "after"},
    "inner": {"placement": "inner"},
    "softmax": {"gate": "softmax"},
    "affine": {"affine": True},
    "batch norm": {"norm": "batch"},
    "concat": {"squeeze": "concat"},
    "eca": {"excitation": "eca"},
    "cbam": {"kind": "cbam"},
    "static": {"control": "static"},
    "shuffled": {"control": "shuffled"},
    "frozen": {"control": "frozen"},
    "silu": {"activation": "silu"},
}


def network(
    seed: int, shape: tuple[int, ...], host: str = "cifar_resnet8", **a: object
) -> nn.Module:
    made = build_network(
        Backbone(name=host), Attention(**a), in_channels=shape[0], classes=5, image=shape[1:]
    )
    initialise(made, seed=seed)
    made.double()
    if len(shape) == 3:
        made.to(memory_format=torch.channels_last)
    return made.train()


def batch(seed: int, shape: tuple[int, ...], n: int = 4) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *shape, generator=draws, dtype=torch.float64)
    return x, torch.randint(5, (n,), generator=draws)


def optimiser(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, fused=True)


def train_apart(nets: list[nn.Module], batches: list[list[tuple[Tensor, Tensor]]]) -> list[float]:
    losses = []
    for net, mine in zip(nets, batches, strict=True):
        steps = optimiser(net)
        for x, y in mine:
            steps.zero_grad()
            loss = F.cross_entropy(net(x), y, label_smoothing=0.1)
            loss.backward()
            steps.step()
        losses.append(loss.item())
    return losses


def train_together(
    nets: list[nn.Module], batches: list[list[tuple[Tensor, Tensor]]]
) -> list[float]:
    steps = [optimiser(net) for net in nets]
    found: list[Stack | None] = [None] * len(nets)
    for now in zip(*batches, strict=True):
        parts = [
            Part(net, structure(net), x, y, label_smoothing=0.1, stack=was)
            for net, (x, y), was in zip(nets, now, found, strict=True)
        ]
        train_in_step(parts)
        found = [part.stack for part in parts]
        for step, part in zip(steps, parts, strict=True):
            assert part.loss is not None
            step.zero_grad()
            for parameter, gradient in part.gradients:
                parameter.grad = gradient
            step.step()
    return [part.loss.item() for part in parts if part.loss is not None]


def assert_equal(nets: list[nn.Module], twins: list[nn.Module]) -> None:
    for net, twin in zip(nets, twins, strict=True):
        ours, theirs = net.state_dict(), twin.state_dict()
        assert ours.keys() == theirs.keys()
        for name, tensor in ours.items():
            off = (tensor.double() - theirs[name].double()).norm()
            assert off <= 1e-11 + 1e-9 * theirs[name].double().norm(), (name, off)


def check(nets: list[nn.Module], shape: tuple[int, ...], *, steps: int = 3) -> None:
    batches = [[batch(100 * k + step, shape) for step in range(steps)] for k in range(len(nets))]
    twins = deepcopy(nets)
    assert train_together(nets, batches) == pytest.approx(train_apart(twins, batches), abs=1e-11)
    assert_equal(nets, twins)


@pytest.mark.parametrize("host", HOSTS)
def test_seeds_of_an_arm_train_together_as_apart(host: str) -> None:
    shape = HOSTS[host]
    check([network(seed, shape, host, **PLAIN) for seed in range(2)], shape, steps=1)


@pytest.mark.parametrize("name", ATTENTION)
def test_every_kind_of_attention_trains_together_as_apart(name: str) -> None:
    shape = (3, 8, 8)
    check([network(seed, shape, **ATTENTION[name]) for seed in range(3)], shape)


def test_arms_with_attention_at_one_point_train_together() -> None:
    shape = (3, 8, 8)
    arms = [PLAIN, {"reduction": 16}, {"squeeze": "max"}, {"gate": "softmax"}, {"kind": "cbam"}]
    check([network(seed, shape, **arm) for seed, arm in enumerate(arms)], shape)


def test_a_wrong_mate_would_be_seen() -> None:
    shape = (3, 8, 8)
    nets = [network(seed, shape, **PLAIN) for seed in range(2)]
    batches = [[batch(100 * k + step, shape) for step in range(3)] for k in range(2)]
    twins = [network(0, shape, **PLAIN), network(2, shape, **PLAIN)]
    train_together(nets, batches)
    train_apart(twins, batches)
    assert_equal(nets[:1], twins[:1])
    with pytest.raises(AssertionError):
        assert_equal(nets[1:], twins[1:])


@pytest.mark.parametrize("host", ["googlenet", "mobilenet_v3_small", "vgg11_bn", "small_vit"])
def test_a_host_that_joins_channels_or_draws_at_random_is_not_stacked(host: str) -> None:
    with torch.device("meta"):
        made = build_network(
            Backbone(name=host), Attention(placement="none"), in_channels=3, classes=5, image=32
        )
    assert structure(made) is None


@pytest.mark.parametrize(
    "other", [{"placement": "post"}, {"order": "after"}, {"placement": "none"}, {"stages": "1,2"}]
)
def test_attention_at_other_points_is_another_structure(other: dict[str, object]) -> None:
    first, second = (network(0, (3, 8, 8), **a) for a in ({}, other))
    assert structure(first) != structure(second)


def test_who_has_no_mate_is_left_alone() -> None:
    shape = (3, 8, 8)
    nets = [network(0, shape), network(1, shape), network(2, shape, placement="post")]
    parts = [Part(net, structure(net), *batch(0, shape), label_smoothing=0.0) for net in nets]
    train_in_step(parts)
    assert [part.loss is None for part in parts] == [False, False, True]


def test_a_step_that_fails_is_the_fault_of_its_own_runs_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = Stack.step

    def fail(stack: Stack, *given: Any, **options: Any) -> Any:
        if len(stack.networks) == 2:
            raise MemoryError("none left")
        return step(stack, *given, **options)

    monkeypatch.setattr(Stack, "step", fail)
    shape = (3, 8, 8)
    nets = [network(seed, shape) for seed in range(2)]
    nets += [network(seed, shape, placement="post") for seed in range(3)]
    parts = [Part(net, structure(net), *batch(0, shape), label_smoothing=0) for net in nets]
    train_in_step(parts)
    assert [part.loss is None for part in parts] == [True, True, False, False, False]
    assert [part.error is None for part in parts] == [False, False, True, True, True]
    told = "a step of 2 runs together failed: MemoryError: none left. .* use a smaller --stack"
    with pytest.raises(StackFailed, match=told):
        raise parts[0].error or AssertionError


def test_only_equal_batches_and_losses_share_a_step() -> None:
    shape = (3, 8, 8)
    nets = [network(seed, shape) for seed in range(3)]
    given = [(4, 0.0), (5, 0.0), (4, 0.1)]
    parts = [
        Part(net, structure(net), *batch(0, shape, n=n), label_smoothing=smoothing)
        for net, (n, smoothing) in zip(nets, given, strict=True)
    ]
    train_in_step(parts)
    assert [part.loss for part in parts] == [None] * 3


def test_gradients_are_those_of_separate_steps() -> None:
    shape = (3, 8, 8)
    nets = [network(seed, shape, **PLAIN) for seed in range(3)]
    twins = deepcopy(nets)
    batches = [batch(seed, shape) for seed in range(3)]
    parts = [
        Part(net, structure(net), x, y, label_smoothing=0)
        for net, (x, y) in zip(nets, batches, strict=True)
    ]
    train_in_step(parts)
    for part, twin, (x, y) in zip(parts, twins, batches, strict=True):
        F.cross_entropy(twin(x), y).backward()
        ours = {id(parameter): gradient for parameter, gradient in part.gradients}
        for mine, theirs in zip(part.network.parameters(), twin.parameters(), strict=True):
            assert (ours[id(mine)] - theirs.grad).norm() <= 1e-12 * (1 + theirs.grad.norm())


def test_members_change_their_stacks_and_lose_nothing() -> None:
    """A and B, then A and C while B trains alone, then A and B again."""
    shape = (3, 8, 8)
    nets = [network(seed, shape, **PLAIN) for seed in range(3)]
    batches = [[batch(100 * k + step, shape) for step in range(3)] for k in range(3)]
    a, b, c = deepcopy(nets)
    # Plain descent, so that nothing but the tensors is carried over.
    stacks: list[Stack | None] = [None] * 3
    for step, together in enumerate(((0, 1), (0, 2), (0, 1))):
        parts = [
            Part(nets[k], structure(nets[k]), *batches[k][step], label_smoothing=0, stack=stacks[k])
            for k in together
        ]
        train_in_step(parts)
        for k, part in zip(together, parts, strict=True):
            stacks[k] = part.stack
            for parameter, gradient in part.gradients:
                parameter.data -= 0.1 * gradient
        (left,) = {0, 1, 2} - set(together)
        descend(nets[left], *batches[left][step])
    for k, twin in enumerate((a, b, c)):
        for x, y in batches[k]:
            descend(twin, x, y)
    assert_equal(nets, [a, b, c])


def descend(net: nn.Module, x: Tensor, y: Tensor) -> None:
    net.zero_grad()
    F.cross_entropy(net(x), y).backward()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= 0.1 * parameter.grad
