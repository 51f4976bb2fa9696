"""Properties of every legal setting, over settings drawn at random from all that exist."""

import random
from functools import cache
from typing import Any, get_args

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.controls import StaticGate
from ablations.subjects.attention.blocks.squeezes import GeneralisedMean
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings import choices
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.attention.settings.rules import unused

COUNT = 500
HOSTS = ("cifar_resnet8",) * 7 + ("cifar_preact_resnet8", "sequence_resnet8", "small_vit")
SHAPE = {"in_channels": 2, "classes": 3}
DRAWS = 4

LEVELS: dict[str, tuple[Any, ...]] = {
    "placement": ("standard", "pre", "post", "identity", "inner"),
    "order": get_args(choices.Order),
    "blocks": ("all", "first", "last", "every_2"),
    "kind": ("squeeze_excite",) * 4 + get_args(choices.Kind),
    "control": ("none",) * 6 + ("constant", "static", "shuffled", "batch_mean", "frozen"),
    "reduction_base": get_args(choices.Base),
    "rounding": get_args(choices.Rounding),
    "divisor": (2, 4),
    "min_hidden": (None, 1, 2),
    "squeeze": get_args(choices.Squeeze),
    "excitation": ("bottleneck",) * 3 + get_args(choices.Excitation),
    "activation": get_args(choices.Activation),
    "norm": get_args(choices.Norm),
    "bias": get_args(choices.Bias),
    "eca_kernel": (None, 1, 3, 5),
    "eca_circular": (False, True),
    "affine": (False, False, True),
    "gate": get_args(choices.Gate),
    "temperature": (1.0, 1.0, 0.5, 3.0),
    "gain": get_args(choices.Gain),
    "residual": (False, True),
    "init": get_args(choices.Init),
    "extent": (0, 2, 4),
    "gather": get_args(choices.Gather),
    "spatial_kernel": (3, 7),
}
SIZES: tuple[dict[str, Any], ...] = (
    {"reduction": 1.0},
    {"reduction": 2.0},
    {"reduction": 4.0},
    {"reduction": 3.0},
    {"ratio": 0.5},
    {"hidden": 3},
)


@cache
def legal_settings() -> tuple[tuple[Backbone, Attention], ...]:
    """`COUNT` different legal arms; illegal draws are passed over, as a design does."""
    draw = random.Random(20)
    found: dict[tuple[str, Attention], tuple[Backbone, Attention]] = {}
    while len(found) < COUNT:
        fields = {name: draw.choice(levels) for name, levels in LEVELS.items()}
        backbone = Backbone(name=draw.choice(HOSTS), width=8)
        try:
            arm = Attention(**fields, **draw.choice(SIZES), opening=0.9)
            arm = Attention(
                **arm.model_dump(exclude=unused(arm) - {"reduction", "ratio", "hidden"})
            )
            with torch.device("meta"):
                built(backbone, arm)
        except SettingError:
            continue
        found[backbone.name, arm] = (backbone, arm)
    return tuple(found.values())


def built(backbone: Backbone, arm: Attention) -> nn.Module:
    return build_network(backbone, arm, image=size_of(backbone), **SHAPE)


def size_of(backbone: Backbone) -> tuple[int, ...]:
    return (16,) if backbone.name.startswith("sequence") else (8, 8)


def trained_once(backbone: Backbone, arm: Attention, *, draw: int) -> nn.Module:
    """A network after one backward pass, its weights moved so that nothing rests at a special point."""
    torch.manual_seed(draw)
    network = built(backbone, arm)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * (1 + draw) * torch.randn(parameter.shape))
    images = 4 * (1 + draw)
    logits = network(torch.randn(images, 2, *size_of(backbone)))
    nn.functional.cross_entropy(logits, torch.arange(images) % 3).backward()
    return network


class Counter(TorchDispatchMode):
    """Sums torch's own FLOP formulas over the operations that run; `FlopCounterMode` without its tree."""

    flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        self.flops += formula(*args, **(kwargs or {}), out_val=out) if formula else 0
        return out


@pytest.mark.long
def test_the_sample_visits_every_level_of_every_setting():
    arms = [arm for _, arm in legal_settings()]
    for name, levels in LEVELS.items():
        used = {getattr(arm, name) for arm in arms if name not in unused(arm)}
        assert used >= set(levels), name
    assert len(arms) >= COUNT


@pytest.mark.long
def test_the_analytic_cost_is_the_counted_cost():
    wrong = []
    for backbone, arm in legal_settings():
        network = built(backbone, arm).eval()
        x = torch.randn(4, 2, *size_of(backbone))
        with Counter() as counter, torch.no_grad():
            network(x)
        found = cost(backbone, arm, image=size_of(backbone), **SHAPE)
        params = sum(parameter.numel() for parameter in network.parameters())
        if (found.params, found.macs) != (params, counter.flops // 2 // len(x)):
            wrong.append((backbone.name, arm, found.macs, counter.flops / 8))
    assert not wrong


def without_gradient(network: nn.Module) -> set[str]:
    """Names of the parameters that learn nothing from a backward pass."""
    learnt = {n: p.grad for n, p in network.named_parameters() if p.requires_grad}
    return {name for name, grad in learnt.items() if grad is None or not grad.any()}


@pytest.mark.long
def test_one_step_gives_finite_gradients_that_reach_every_parameter():
    # In a small batch a ReLU gate may be closed for every image; in another draw it is open for some.
    unreached = []
    for backbone, arm in legal_settings():
        waiting = None
        for draw in range(DRAWS):
            network = trained_once(backbone, arm, draw=draw)
            for name, parameter in network.named_parameters():
                frozen = arm.control == "frozen" and ".attention." in name
                assert parameter.requires_grad or frozen, (name, arm)
                assert parameter.grad is None or torch.isfinite(parameter.grad).all(), (name, arm)
            found = without_gradient(network)
            waiting = found if waiting is None else waiting & found
            if not waiting:
                break
        else:
            unreached.append((backbone.name, arm, waiting))
    assert not unreached


def test_learnt_numbers_without_a_layer_start_where_they_should():
    assert GeneralisedMean(4, 3.0).power.item() == 3.0
    assert not StaticGate(4, torch.sigmoid).logit.any()
