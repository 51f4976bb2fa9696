"""Verified interventions: does each arm change what it says, nothing else, and something at all?

Each arm's network is built and compared with the baseline's: modules, shapes, parameters, which tensors learn,
and the output on a fixed batch after every weight is moved (some arms start as the identity). Two networks are
one if those all agree. Factors of the recipe (`training.*`, `data.*`) change no network and are outside.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablations.one_thread import one_thread
from ablations.streams import generator, initialise
from ablations.subjects.attention.data.dataset import fingerprint
from ablations.subjects.attention.data.dataset import shape as data_shape
from ablations.subjects.attention.networks.hosts import positions
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.arms import inactive
from ablations.subjects.attention.settings.groups import Arm
from ablations.subjects.attention.settings.identity import canonical
from ablations.subjects.attention.settings.rules import WIDENINGS
from ablations.subjects.intervention import Intervention

IMAGES = 4
SAME = 1e-9
"""Largest relative difference of two outputs, in float64, that counts as none."""
NETWORK = ("attention.", "backbone.")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the networks take and give."""

    in_channels: int
    image: int | tuple[int, ...]
    classes: int


def verify(
    arms: Mapping[str, Arm], *, declared: Collection[str], shape: Shape
) -> tuple[Intervention, ...]:
    """What each arm changes, with the problem of each that must not run.

    Args:
        arms: Label to arm; the first is the baseline. Each must be legal.
        declared: Dotted settings that the study says it varies.
        shape: Of the data.

    Returns:
        One row for each arm, in order. `intervention.refuse` turns problems into an error.
    """
    labels = list(arms)
    base_label, base_arm = labels[0], arms[labels[0]]
    base = _Network.of(base_arm, shape)
    seen: list[tuple[str, Arm, _Network]] = []
    rows = []
    for label, arm in arms.items():
        network = base if label == base_label else _Network.of(arm, shape)
        changed = _changed(arm, base_arm)
        problem = _undeclared(
            label, base_label, changed, declared, idle=inactive(arm) | inactive(base_arm)
        )
        problem = problem or _touched_host(label, base_label, changed, arm, network, base)
        problem = problem or _twin(label, arm, network, seen)
        rows.append(_row(label, changed, network, base, problem))
        seen.append((label, arm, network))
    return tuple(rows)


def shape_of(arm: Arm) -> Shape:
    """What the arm's data make its network take and give."""
    in_channels, image, classes = data_shape(arm.data)
    return Shape(in_channels=in_channels, image=image, classes=classes)


@dataclass(frozen=True, kw_only=True)
class _Network:
    """What two networks are compared by."""

    modules: frozenset[str]
    shapes: dict[str, torch.Size]
    learnt: frozenset[str]
    params: int
    output: Tensor

    @staticmethod
    def of(arm: Arm, shape: Shape) -> "_Network":
        network = build_network(
            arm.backbone,
            arm.attention,
            in_channels=shape.in_channels,
            classes=shape.classes,
            image=shape.image,
        )
        initialise(network, seed=0)
        network.double().train()
        tensors = dict(network.named_parameters())
        _move(tensors)
        return _Network(
            modules=frozenset(name for name, _ in network.named_modules()),
            shapes={name: tensor.shape for name, tensor in tensors.items()},
            learnt=frozenset(name for name, tensor in tensors.items() if tensor.requires_grad),
            params=sum(tensor.numel() for tensor in tensors.values()),
            output=_output(network, arm, shape),
        )

    def host(self) -> dict[str, torch.Size]:
        """The tensors that are not attention's."""
        return {name: s for name, s in self.shapes.items() if ".attention." not in name}

    def is_same(self, other: "_Network") -> bool:
        """Whether the two have the same tensors, learn the same ones, and give the same output."""
        return (
            self.learnt == other.learnt
            and self.shapes == other.shapes
            and _difference(self.output, other.output) <= SAME
        )


def _move(tensors: Mapping[str, Tensor]) -> None:
    """Moves each tensor by noise of its own name: a fifth of its spread, or 0.3 where it has none."""
    with torch.no_grad():
        for name, tensor in tensors.items():
            noise = torch.randn(
                tensor.shape, generator=generator(0, f"verify/{name}"), dtype=torch.float64
            )
            spread = float(tensor.std(correction=0))
            tensor.add_(noise, alpha=0.2 * spread if spread else 0.3)


def _output(network: nn.Module, arm: Arm, shape: Shape) -> Tensor:
    """Logits on a fixed batch, with batch statistics and without dropout."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    x = torch.randn(
        (IMAGES, shape.in_channels, *positions(arm.backbone.name, shape.image)),
        generator=generator(0, "verify/images"),
        dtype=torch.float64,
    )
    with torch.no_grad(), one_thread():
        logits: Tensor = network(x)
    return logits


def _difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-300))


def _changed(arm: Arm, base: Arm) -> tuple[str, ...]:
    ours, theirs = canonical(arm), canonical(base)
    names = sorted(ours.keys() | theirs.keys())
    return tuple(
        name for name in names if name.startswith(NETWORK) and ours.get(name) != theirs.get(name)
    )


def _undeclared(
    label: str,
    base: str,
    changed: Collection[str],
    declared: Collection[str],
    idle: Collection[str],
) -> str | None:
    # What only one of the two uses is no change: without a bottleneck there is no ratio.
    extra = [name for name in changed if name not in declared and name not in idle]
    if not extra:
        return None
    return (
        f"{label!r} differs from {base!r} in {', '.join(extra)}, which the study does not declare "
        f"({', '.join(sorted(declared))})."
    )


def _touched_host(
    label: str, base: str, changed: Collection[str], arm: Arm, network: _Network, other: _Network
) -> str | None:
    may_change = any(name.startswith("backbone.") for name in changed)
    may_change = may_change or arm.attention.control in WIDENINGS
    if may_change or network.host() == other.host():
        return None
    names = sorted(
        name
        for name in network.host().keys() | other.host().keys()
        if network.host().get(name) != other.host().get(name)
    )
    return (
        f"{label!r} changes tensors of the host that {base!r} has otherwise ({', '.join(names[:3])}), "
        "though it declares a change of attention only."
    )


def _twin(
    label: str, arm: Arm, network: _Network, seen: list[tuple[str, Arm, _Network]]
) -> str | None:
    """The first earlier arm that is the same network, unless the two differ in the recipe."""
    for number, (other_label, other_arm, other) in enumerate(seen):
        if not network.is_same(other) or _recipe(arm) != _recipe(other_arm):
            continue
        if number == 0:
            return (
                f"{label!r} changes nothing: its network is that of {other_label!r}, the baseline."
            )
        return f"{label!r} and {other_label!r} are one network."
    return None


def _recipe(arm: Arm) -> dict[str, object]:
    """What is outside the network: also which data there are, wherever they lie."""
    recipe = {name: x for name, x in canonical(arm).items() if not name.startswith(NETWORK)}
    return recipe | {"data": fingerprint(arm.data)}


def _row(
    label: str, changed: tuple[str, ...], network: _Network, base: _Network, problem: str | None
) -> Intervention:
    both = network.shapes.keys() & base.shapes.keys()
    return Intervention(
        label=label,
        changed=changed,
        added=tuple(sorted(network.modules - base.modules)),
        removed=tuple(sorted(base.modules - network.modules)),
        reshaped=tuple(sorted(n for n in both if network.shapes[n] != base.shapes[n])),
        params=network.params,
        params_change=network.params - base.params,
        output_change=_difference(network.output, base.output),
        problem=problem,
    )
