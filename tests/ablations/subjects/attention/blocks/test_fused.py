"""Every call asks anew whether the block may be fused: whatever was done to its parts gives the same numbers."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from ablations.subjects.attention.blocks.block import SqueezeExcite

MAPS = {
    "small": ((2, 8, 4, 4), torch.contiguous_format),
    "channels last": ((2, 8, 4, 4), torch.channels_last),
    "large": ((2, 8, 65, 64), torch.contiguous_format),
}


class Adapter(nn.Module):
    """What parameter-efficient tuning puts around a layer."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(2, base.in_features).double())
        self.b = nn.Parameter(torch.randn(base.out_features, 2).double())

    @property
    def weight(self) -> Tensor:
        return self.base.weight

    @property
    def bias(self) -> Tensor:
        return self.base.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + x @ self.a.T @ self.b.T


class Doubled(SqueezeExcite):
    """A subclass that computes other gates."""

    def gates(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        g, shift = super().gates(x_ncs, mask_ns)
        return 2 * g, shift


def adapt(block: SqueezeExcite) -> None:
    block.excite.reduce = Adapter(block.excite.reduce)


def swap_gate(block: SqueezeExcite) -> None:
    block.gate = torch.tanh


def swap_squeeze(block: SqueezeExcite) -> None:
    block.squeeze = lambda x: x.amax((2, 3))


def swap_activation(block: SqueezeExcite) -> None:
    block.excite.act = nn.functional.silu


def normalise(block: SqueezeExcite) -> None:
    block.excite.norm = nn.LayerNorm(2).double()


def hook(block: SqueezeExcite) -> None:
    block.excite.expand.register_forward_hook(lambda *given: 3 * given[-1])


def hook_gradients(block: SqueezeExcite) -> None:
    block.excite.register_full_backward_hook(lambda _, gradients, __: (5 * gradients[0],))


def hook_before(block: SqueezeExcite) -> None:
    block.excite.reduce.register_forward_pre_hook(lambda _, given: (given[0] + 1,))


def cut(block: SqueezeExcite) -> None:
    prune.l1_unstructured(block.excite.reduce, "weight", 0.5)


def weight_norm(block: SqueezeExcite) -> None:
    parametrizations.weight_norm(block.excite.expand)


def own_forward(block: SqueezeExcite) -> None:
    reduce = block.excite.reduce
    reduce.forward = lambda z: nn.functional.linear(z, 2 * reduce.weight, reduce.bias)


def own_method(block: SqueezeExcite) -> None:
    block.logits = lambda x, mask=None: -SqueezeExcite.logits(block, x, mask)


def watch_gates(block: SqueezeExcite) -> None:
    block.on_gates = torch.square


def other_type(block: SqueezeExcite) -> None:
    block.__class__ = Doubled


def nothing(block: SqueezeExcite) -> None:
    del block


CHANGES = [
    nothing,
    adapt,
    swap_gate,
    swap_squeeze,
    swap_activation,
    normalise,
    hook,
    hook_gradients,
    hook_before,
    cut,
    weight_norm,
    own_forward,
    own_method,
    watch_gates,
    other_type,
]


def made() -> SqueezeExcite:
    torch.manual_seed(0)
    return SqueezeExcite(8, reduction=4, bias=True).double()


def map_of(name: str) -> Tensor:
    shape, layout = MAPS[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return x.contiguous(memory_format=layout).requires_grad_()


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_part_counts_on_every_map(
    change: Callable[[SqueezeExcite], None], name: str
) -> None:
    block, x = made(), map_of(name)
    change(block)
    found = []
    for fused in (True, False):
        block.fused = fused
        for _ in range(2):  # pruning failed in the second step
            y = block(x)
            trained = [p for p in block.parameters() if p.requires_grad]
            gradients = torch.autograd.grad(y.square().sum(), [x, *trained])
        found.append((y, *gradients))
        with torch.no_grad():
            torch.testing.assert_close(block(x), y, rtol=1e-12, atol=1e-12)
    for fused, steps in zip(*found, strict=True):
        torch.testing.assert_close(fused, steps, rtol=1e-10, atol=1e-12)


def test_the_plain_block_is_the_only_one_that_is_fused() -> None:
    fused = []
    for change in CHANGES:
        block = made()
        change(block)
        if "FusedSqueezeExcite" in type(block(map_of("large")).grad_fn).__name__:
            fused.append(change)
    assert fused == [nothing]
    assert "Fused" in type(copy.deepcopy(made())(map_of("large")).grad_fn).__name__


@pytest.mark.parametrize("name", MAPS)
def test_a_gradient_penalty_has_its_gradient(name: str) -> None:
    block, x = made(), map_of(name)
    found = []
    for fused in (True, False):
        block.fused = fused
        (slope,) = torch.autograd.grad(block(x).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), [x, *block.parameters()]))
    for one, other in zip(*found, strict=True):
        assert other.abs().max() > 0
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_a_hook_on_all_modules_sees_the_layers_inside() -> None:
    seen: list[str] = []
    handle = nn.modules.module.register_module_forward_hook(
        lambda module, *_: seen.append(type(module).__name__)
    )
    try:
        made()(map_of("large"))
    finally:
        handle.remove()
    assert seen.count("Linear") == 2


# torch's own `jvp` scripts its rules.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
@pytest.mark.parametrize("name", MAPS)
def test_transforms_of_torch_func_see_the_same_function(name: str) -> None:
    block, x = made(), map_of(name).detach()
    weights = dict(block.named_parameters())

    def loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(block, weights, (x,)).square().sum()

    wanted = torch.autograd.grad(block(x).square().sum(), list(weights.values()))
    for name_, gradient in zip(weights, wanted, strict=True):
        torch.testing.assert_close(torch.func.grad(loss)(weights, x)[name_], gradient)
    each = torch.func.vmap(torch.func.grad(loss), (None, 0))(weights, x.unsqueeze(1))
    for name_, gradient in zip(weights, wanted, strict=True):
        torch.testing.assert_close(each[name_].sum(0), gradient)
    _, slope = torch.func.jvp(block, (x,), (torch.ones_like(x),))
    near = (block(x + 1e-6) - block(x - 1e-6)).detach() / 2e-6
    torch.testing.assert_close(slope.detach(), near, rtol=1e-6, atol=1e-8)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("name", MAPS)
def test_traced_and_exported_blocks_give_the_same_numbers(name: str) -> None:
    block, x = made(), map_of(name)
    wanted = block(x)
    traced = torch.jit.trace(block, (x,))
    torch.testing.assert_close(traced(x), wanted)
    exported = torch.export.export(block, (x.detach(),)).module()
    torch.testing.assert_close(exported(x.detach()), wanted)
