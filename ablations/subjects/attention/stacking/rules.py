"""Which networks can be stacked, and how each kind of module is.

A map of a stack has its members' channels side by side (`layers.py`), so a module that treats every channel
by itself is the stack's as it is, and a frame that only calls its children is a frame of stacked children.
"""

from collections.abc import Callable, Hashable, Sequence
from copy import copy
from typing import Any, NamedTuple

from torch import nn

from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.excitations import Bottleneck as TwoLayers
from ablations.subjects.attention.blocks.gates import GATES, channel_softmax
from ablations.subjects.attention.blocks.host_layers import Conv1, Conv2
from ablations.subjects.attention.blocks.squeezes import avg, avg_max, l2, largest, std
from ablations.subjects.attention.networks.cifar_resnet import CifarResNet, PadShortcut
from ablations.subjects.attention.networks.regnet import RegNet
from ablations.subjects.attention.networks.residual import ResidualUnit
from ablations.subjects.attention.networks.resnet import ResNet
from ablations.subjects.attention.networks.sequence_resnet import SequenceResNet, SequenceUnit
from ablations.subjects.attention.stacking.layers import (
    Separately,
    StackedConv,
    StackedLinear,
    StackedNorm,
    StackedPad,
    StackedSqueezeExcite,
)
from ablations.subjects.attention.stacking.tensors import Joined, joined_buffer

Members = Sequence[Any]
"""Modules of one kind at one place, one of each member."""


class Rule(NamedTuple):
    """How modules of one type are stacked."""

    same: Callable[[Any], Hashable]
    """What they must have in common."""
    stack: Callable[[Members, Joined], nn.Module]


def structure(network: nn.Module) -> Hashable | None:
    """What networks must have in common to be stacked; None where the network cannot be."""
    rule = RULES.get(type(network))
    if rule is None:
        return None
    children = []
    for name, child in network.named_children():
        # Attention may differ: it can be computed one by one.
        known = ATTENTION if name == ATTENTION else structure(child)
        if known is None:
            return None
        children.append((name, known))
    return type(network), rule.same(network), tuple(children)


def stack(members: Members, joined: Joined) -> nn.Module:
    """One module that computes all members, which have one structure."""
    return RULES[type(members[0])].stack(members, joined)


def _frame(members: Members, joined: Joined) -> nn.Module:
    frame: nn.Module = copy(members[0])
    frame._modules = dict(frame._modules)
    for name, _ in members[0].named_children():
        children = [member.get_submodule(name) for member in members]
        how = _attention if name == ATTENTION else stack
        frame._modules[name] = how(children, joined)
    return frame


def _attention(members: Members, joined: Joined) -> nn.Module:
    """As one where all are the same plain block, else one after the other."""
    plain = {_plain(member) for member in members}
    if len(plain) > 1 or None in plain:
        return Separately(members)
    first = members[0]
    return StackedSqueezeExcite(
        _linear([member.excite.reduce for member in members], joined),
        _linear([member.excite.expand for member in members], joined),
        squeeze=first.squeeze,
        act=first.excite.act,
        gate=first.gate,
    )


def _plain(block: nn.Module) -> Hashable | None:
    """What plain blocks must have in common; None for any other."""
    if not isinstance(block, SqueezeExcite) or not isinstance(block.excite, TwoLayers):
        return None
    simple = block.squeeze in SQUEEZES and block.gate in BY_CHANNEL_GATES
    if not simple or block.affine or block.on_gates is not None or block.excite.norm is not None:
        return None
    layers = (block.excite.reduce, block.excite.expand)
    weights = tuple((x.weight.shape, x.bias is None, x.weight.requires_grad) for x in layers)
    return block.squeeze, block.excite.act, block.gate, weights


def _conv(members: Members, joined: Joined) -> nn.Module:
    weight = joined.parameter([member.weight for member in members])
    bias = _bias(members, joined)
    return StackedConv(weight, bias, like=members[0], k=joined.k)


def _linear(members: Members, joined: Joined) -> StackedLinear:
    weight = joined.parameter([member.weight for member in members])
    return StackedLinear(weight, _bias(members, joined), k=joined.k)


def _bias(members: Members, joined: Joined) -> nn.Parameter | None:
    return (
        None if members[0].bias is None else joined.parameter([member.bias for member in members])
    )


def _norm(members: Members, joined: Joined) -> nn.Module:
    statistics = (
        joined_buffer([member.running_mean for member in members]),
        joined_buffer([member.running_var for member in members]),
        joined_buffer([member.num_batches_tracked for member in members]),
    )
    weight = joined.parameter([member.weight for member in members])
    bias = joined.parameter([member.bias for member in members])
    return StackedNorm(weight, bias, statistics, like=members[0])


def _pad(members: Members, joined: Joined) -> nn.Module:
    return StackedPad(members[0].new_channels, k=joined.k)


def _first(members: Members, _: Joined) -> nn.Module:
    first: nn.Module = members[0]
    return first


def _geometry(conv: nn.Conv1d | nn.Conv2d) -> Hashable:
    shape = (conv.weight.shape, conv.bias is None)
    return shape, conv.stride, conv.padding, conv.dilation, conv.groups


def _options(module: Any) -> Hashable:
    return repr(module)


def _point(frame: Any) -> Hashable:
    # Where the attention sits changes what a unit does besides.
    return getattr(frame, "point", "")


ATTENTION = "attention"
SQUEEZES = (avg, largest, avg_max, l2, std)
BY_CHANNEL_GATES = [
    gate.function for gate in GATES.values() if gate.function is not channel_softmax
]

FRAMES = (
    nn.Sequential,
    nn.ModuleList,
    CifarResNet,
    ResNet,
    RegNet,
    SequenceResNet,
    ResidualUnit,
    SequenceUnit,
)
"""Their forward passes do nothing between channels but through their children."""

RULES: dict[type[nn.Module], Rule] = {
    **dict.fromkeys((Conv1, Conv2), Rule(_geometry, _conv)),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), Rule(_options, _norm)),
    nn.Linear: Rule(_options, _linear),
    PadShortcut: Rule(lambda pad: pad.new_channels, _pad),
    **dict.fromkeys((nn.Identity, nn.ReLU, nn.MaxPool2d), Rule(_options, _first)),
    **dict.fromkeys(FRAMES, Rule(_point, _frame)),
}
