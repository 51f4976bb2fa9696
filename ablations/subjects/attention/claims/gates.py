"""Gate functions, activations and what they do to a channel.

Notation: v a logit, g(v) a gate, w a gate that is given.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ablations.finding import Finding
from ablations.subjects.attention.blocks.gates import GATES
from ablations.subjects.attention.claims.drawn import drawn, drawn_block

SAME = 1e-12


def relu_is_hard() -> Finding:
    """Hidden units that a ReLU zeroes, their gradient, and the sigmoid's gates beside them."""
    inner_nh = (drawn(64, 16) @ drawn(16, 8, seed=1) / 4).requires_grad_()
    gates = torch.sigmoid(inner_nh.relu() @ drawn(8, 16, seed=2) / 3)
    gates.sum().backward()  # type: ignore[no-untyped-call]
    assert inner_nh.grad is not None
    off = inner_nh < 0
    silent = float(inner_nh.grad[off].abs().max())
    low = float(gates.min().detach())
    return Finding(
        agrees=silent == 0.0 and low > 0,
        computed=f"{float(off.float().mean()):.0%} of the hidden units are negative and get a gradient of "
        f"{silent:g}; the smallest gate is {low:.2f}, never 0",
        number=silent,
    )


def sigmoid_attenuates() -> Finding:
    """The range of the sigmoid, and whether a later layer can undo a factor that all channels share."""
    v = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    g = GATES["sigmoid"].function(v)
    x_nc, weight = drawn(8, 16).double(), drawn(16, 4, seed=1).double()
    off = float(((0.3 * x_nc) @ (weight / 0.3) - x_nc @ weight).abs().max())
    return Finding(
        agrees=bool((g > 0).all() and (g < 1).all()),
        computed=f"its gates lie in ({float(g.min()):.1g}, 1 - {1 - float(g.max()):.1g}), below 1 "
        "everywhere; a factor of 0.3 on all channels is undone by the next layer's weights (off by "
        f"{off:.1g})",
        only_where="the next layer's weights do not undo it, and keeping is meant as a limit"
        if off < 1e-9
        else "",
        number=float(g.max()),
    )


def one_plus_tanh_range() -> Finding:
    """Ranges and largest slopes, by automatic differentiation."""
    g, slope = _slopes("one_plus_tanh")
    _, other = _slopes("sigmoid")
    steep, at = slope.max(0)
    inside = bool((g > 0).all() and (g < 2).all())
    return Finding(
        agrees=inside and abs(float(steep) - 1) < SAME and abs(float(other.max()) - 0.25) < SAME,
        computed=f"1 + tanh lies in (0, 2) with slope {float(steep):g} at v = {abs(float(_logits()[at])):.1f}; "
        f"the sigmoid's largest is {float(other.max()):g}",
        number=float(steep),
    )


def one_plus_tanh_gradient() -> Finding:
    """Where its slope is larger than the sigmoid's, and what it is equal to."""
    v = _logits()
    g, slope = _slopes("one_plus_tanh")
    _, other = _slopes("sigmoid")
    twice = float((g - 2 * torch.sigmoid(2 * v)).abs().max())
    crossing = float(v[(slope > other)].abs().max())
    starts = [float(GATES[name].function(torch.zeros(1))) for name in ("sigmoid", "one_plus_tanh")]
    return Finding(
        agrees=bool((slope > other).any()),
        computed=f"1 + tanh(v) is 2 sigmoid(2v) (off by {twice:.1g}); its slope is the larger one up to |v| "
        f"= {crossing:.3f} and the smaller one beyond. It also starts at {starts[1]:g} where the sigmoid "
        f"starts at {starts[0]:g}",
        only_where=f"|v| < {crossing:.2f}" if bool((slope < other).any()) else "",
        number=crossing,
    )


def order_is_indifferent() -> Finding:
    """phi(w x) against w phi(x) for gates w that are given, and for the gates that a block computes."""
    x, w = 2 * drawn(2000).double(), torch.sigmoid(drawn(2000, seed=1).double())
    phis: dict[str, Callable[[Tensor], Tensor]] = {
        "ReLU": torch.relu,
        "leaky ReLU": nn.LeakyReLU(0.1),
        "SiLU": nn.SiLU(),
        "GELU": nn.GELU(),
    }
    off = {name: float((phi(w * x) - w * phi(x)).abs().max()) for name, phi in phis.items()}
    negative = float((torch.relu(-w * x) + w * torch.relu(x)).abs().max())
    block, x_nchw = drawn_block(16, reduction=4), drawn(4, 16, 8, 8)
    with torch.no_grad():
        own = float((torch.relu(block(x_nchw)) - block(torch.relu(x_nchw))).abs().max())
    shown = ", ".join(f"{name} {value:.1g}" for name, value in off.items())
    holds = [name for name, value in off.items() if value < SAME]
    return Finding(
        agrees=bool(holds),
        computed=f"for a given gate in (0, 1) the two differ by at most: {shown}; for a negative gate and "
        f"ReLU by {negative:.2g}; for the gates that a block computes from each side of a ReLU by {own:.2g}",
        only_where=f"the gate is given, not negative, and the activation is {' or '.join(holds)}"
        if len(holds) < len(phis) or own > 1e-6
        else "",
        number=own,
    )


def linear_layers_are_linear() -> Finding:
    """Gate logits of two layers with and without the ReLU between them: do they add up?"""
    off = {}
    for name in ("linear_bottleneck", "bottleneck"):
        block = drawn_block(32, excitation=name, reduction=4).double()
        a, b = drawn(16, 32, 1, 1).double(), drawn(16, 32, 1, 1, seed=1).double()
        with torch.no_grad():
            off[name] = float((block.logits(a + b) - block.logits(a) - block.logits(b)).abs().max())
    return Finding(
        agrees=off["linear_bottleneck"] > SAME,
        computed=f"two layers alone are additive (off by {off['linear_bottleneck']:.1g}), with the ReLU "
        f"between them they are not (by {off['bottleneck']:.2g}): the layers are linear, and the ReLU makes "
        "the relation non-linear",
        number=off["linear_bottleneck"],
    )


def keeps_the_features() -> Finding:
    """What is left of a channel whose gate closes, in the plain block and in one with a residual gate."""
    left = {}
    for name, residual in (("plain", False), ("x (1 + g)", True)):
        block = drawn_block(4, reduction=1, bias=True, residual=residual)
        with torch.no_grad():
            block.excite.expand.weight.zero_()  # type: ignore[union-attr,operator]
            block.excite.expand.bias.fill_(-20.0)  # type: ignore[union-attr,operator]
            left[name] = float(block(torch.ones(1, 4, 3, 3)).mean())
    return Finding(
        agrees=left["plain"] < 1e-6 < left["x (1 + g)"],
        computed=f"with closed gates (v = -20) {left['plain']:.1g} of a feature of 1 is left; a residual "
        f"gate x (1 + g) leaves {left['x (1 + g)']:.3g}",
        only_where="no gate is near 0" if left["plain"] < 1e-6 else "",
        number=left["plain"],
    )


def _logits() -> Tensor:
    return torch.linspace(-10, 10, 20001, dtype=torch.float64)


def _slopes(gate: str) -> tuple[Tensor, Tensor]:
    v = _logits().requires_grad_()
    g = GATES[gate].function(v)
    (slope,) = torch.autograd.grad(g.sum(), v)
    return g.detach(), slope
