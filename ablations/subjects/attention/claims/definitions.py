"""What the block is, by its definition: each claim is computed on a module with drawn weights.

Notation: x_nchw a map, z_nc what it is squeezed to, g_nc the gates.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from ablations.finding import Finding
from ablations.subjects.attention.blocks.block import SqueezeExcite
from ablations.subjects.attention.blocks.excitations import Bottleneck
from ablations.subjects.attention.blocks.squeezes import make_squeeze
from ablations.subjects.attention.claims.drawn import drawn, drawn_block

SAME = 1e-5
"""Differences up to it are rounding in float32."""


def squeeze_is_the_mean() -> Finding:
    """Against the mean, under a permutation of the positions, and in its gradient."""
    x_nchw = drawn(2, 6, 5, 7).requires_grad_()
    squeeze = make_squeeze("avg", channels=6, power=3.0)
    z_nc = squeeze(x_nchw)
    mean = _apart(z_nc, x_nchw.sum((2, 3)) / 35)
    moved_ncs = x_nchw.flatten(2)[
        :, :, torch.randperm(35, generator=torch.Generator().manual_seed(0))
    ]
    moved = _apart(z_nc, squeeze(moved_ncs))
    z_nc.sum().backward()  # type: ignore[no-untyped-call]
    assert x_nchw.grad is not None
    share = _apart(x_nchw.grad, torch.full_like(x_nchw, 1 / 35))
    return Finding(
        agrees=max(mean, moved, share) < SAME,
        computed=f"the squeeze is {mean:.1g} from the mean and {moved:.1g} from that of permuted positions, "
        f"and every position has the gradient 1/35 (off by {share:.1g})",
        number=mean,
    )


def excitation_has_its_shapes() -> Finding:
    """Shapes of both layers, and the gates against the formula."""
    block = drawn_block(32, reduction=8)
    first, second = _layers(block)
    x_nchw = drawn(4, 32, 6, 6)
    with torch.no_grad():
        given = block.gates(x_nchw)[0]
        formula = torch.sigmoid((x_nchw.mean((2, 3)) @ first.weight.T).relu() @ second.weight.T)
    shapes = (tuple(first.weight.shape), tuple(second.weight.shape))
    off = _apart(given, formula)
    low, high = float(given.detach().min()), float(given.detach().max())
    return Finding(
        agrees=shapes == ((4, 32), (32, 4)) and off < SAME and 0 < low < high < 1,
        computed=f"C = 32 and r = 8: W1 {shapes[0]}, W2 {shapes[1]}; the gates lie in ({low:.2f}, "
        f"{high:.2f}), {off:.1g} from the formula",
        number=off,
    )


def worked_example() -> Finding:
    """The example's numbers through a real block: z1 = (-4, 1), W2 of the text."""
    block = drawn_block(3, reduction=1.5)
    first, second = _layers(block)
    z_c = torch.tensor([0.0, 4.0, 1.0])
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]))
        second.weight.copy_(torch.tensor([[0.5, -4.0], [1.0, 1.0], [1.0, -2.0]]))
        hidden = first(z_c)
        gates = block.gates(z_c.reshape(1, 3, 1, 1))[0][0]
    expected = torch.tensor([0.018, 0.731, 0.119])
    shown = ", ".join(f"{float(g):.6f}" for g in gates)
    return Finding(
        agrees=_apart(gates, expected) < 5e-4 and hidden.tolist() == [-4.0, 1.0],
        computed=f"z1 = ({hidden[0]:g}, {hidden[1]:g}) gives the gates ({shown})",
        number=float(gates[1]),
    )


def shape_is_kept() -> Finding:
    """A map of 1 x 32 x 224 x 224 in and out."""
    x_nchw = drawn(1, 32, 224, 224)
    block = drawn_block(32, reduction=16)
    with torch.no_grad():
        shape = tuple(block(x_nchw).shape)
    return Finding(
        agrees=shape == tuple(x_nchw.shape),
        computed=f"{tuple(x_nchw.shape)} in, {shape} out, with {block.hidden} hidden units",
    )


def dense_is_pointwise() -> Finding:
    """The block's own layers against 1x1 convolutions with the same weights."""
    block = drawn_block(64, reduction=4, bias=True)
    x_nchw = drawn(3, 64, 7, 7)
    first, second = _layers(block)
    with torch.no_grad():
        z_nc11 = x_nchw.mean((2, 3), keepdim=True)
        hidden = conv2d(z_nc11, first.weight[:, :, None, None], first.bias).relu()
        gates = conv2d(hidden, second.weight[:, :, None, None], second.bias).sigmoid()
        by_convolution = x_nchw * gates
        off = _apart(block(x_nchw), by_convolution)
    return Finding(
        agrees=off < SAME,
        computed=f"with the same weights the outputs differ by {off:.1g} at most",
        number=off,
    )


def attention_is_affine() -> Finding:
    """The plain block at a map and at none: nothing is added; the affine variant adds, at C more outputs."""
    plain, affine = drawn_block(16, reduction=4), drawn_block(16, reduction=4, affine=True)
    x_nchw = drawn(2, 16, 4, 4)
    with torch.no_grad():
        product = _apart(plain(x_nchw), plain.gates(x_nchw)[0][:, :, None, None] * x_nchw)
        g_nc, shift_nc = affine.gates(x_nchw)
        assert shift_nc is not None
        sum_ = g_nc[:, :, None, None] * x_nchw + shift_nc[:, :, None, None]
        shifted = _apart(affine(x_nchw), sum_)
    counts = [sum(p.numel() for p in block.parameters()) for block in (plain, affine)]
    return Finding(
        agrees=product < SAME and shifted < SAME and counts == [128, 192],
        computed=f"the plain block is {product:.1g} from gates times map; with a shift (beta) it is another "
        f"block of {counts[1]} instead of {counts[0]} parameters at C = 16, r = 4",
        number=product,
    )


def depends_on_the_example() -> Finding:
    """One example's gates beside other examples; the same for batch norm; and for a block behind batch norm."""
    x_nchw, other_nchw = drawn(4, 16, 5, 5), drawn(4, 16, 5, 5, seed=1)
    other_nchw[0] = x_nchw[0]
    block, norm = drawn_block(16, reduction=4), nn.BatchNorm2d(16)

    def moved(module: nn.Module) -> float:
        with torch.no_grad():
            return _apart(module(x_nchw)[0], module(other_nchw)[0])

    alone, batch, behind = moved(block), moved(norm), moved(nn.Sequential(norm, block))
    fixed = moved(norm.eval())
    return Finding(
        agrees=alone < SAME < batch and fixed < SAME,
        computed=f"other examples in the batch move the block's output by {alone:.1g}, batch norm's by "
        f"{batch:.2g} in training and by {fixed:.1g} in evaluation; a block behind batch norm in training "
        f"moves by {behind:.2g}",
        only_where="no batch norm in training mode stands before the block"
        if behind > SAME
        else "",
        number=alone,
    )


def maximum_keeps_a_peak() -> Finding:
    """One position of 64 at A = 5, the others at 0."""
    x_nchw = torch.zeros(1, 1, 8, 8)
    x_nchw[0, 0, 3, 5] = 5.0
    mean, most = (float(make_squeeze(s, channels=1, power=3.0)(x_nchw)) for s in ("avg", "max"))
    return Finding(
        agrees=most == 5.0 and abs(mean - 5 / 64) < SAME,
        computed=f"a peak of 5 in 64 positions is squeezed to {most:g} by the maximum and to {mean:.3g} by "
        "the average",
        number=most / mean,
    )


def uniform_maps() -> Finding:
    """A constant map, and maps of mean 1 and standard deviation 0.1."""
    squeezes = [make_squeeze(s, channels=1, power=3.0) for s in ("avg", "max")]
    mean, most = (float(s(torch.ones(1, 1, 8, 8))) for s in squeezes)
    noisy = {}
    for side in (8, 16, 32):
        x_nchw = 1 + 0.1 * torch.randn(
            500, 1, side, side, generator=torch.Generator().manual_seed(0)
        )
        noisy[side] = float((squeezes[1](x_nchw) - squeezes[0](x_nchw)).mean())
    shown = ", ".join(f"{gap:.2f} at {side}x{side}" for side, gap in noisy.items())
    return Finding(
        agrees=mean == most,
        computed=f"on a constant map both are {mean:g}; with noise of 0.1 the maximum is larger by {shown}",
        only_where="the map is constant" if noisy[32] > noisy[8] > 0.1 else "",
        number=noisy[8],
    )


def output_is_the_product() -> Finding:
    """The fused function that training runs, and the steps, against the product; channel by channel."""
    block = drawn_block(32, reduction=4)
    x_nchw = drawn(2, 32, 48, 48).contiguous(memory_format=torch.channels_last).requires_grad_()
    g_nc = block.gates(x_nchw)[0]
    off = _apart(block(x_nchw), x_nchw * g_nc[:, :, None, None])
    return Finding(
        agrees=off < SAME and tuple(g_nc.shape) == (2, 32),
        computed=f"one gate for each example and channel {tuple(g_nc.shape)}; the output is {off:.1g} from "
        "the product",
        number=off,
    )


def layout_changes_nothing() -> Finding:
    """One map in both memory layouts."""
    block = drawn_block(16, reduction=4)
    x_nchw = drawn(2, 16, 9, 9)
    with torch.no_grad():
        off = _apart(block(x_nchw), block(x_nchw.contiguous(memory_format=torch.channels_last)))
    return Finding(
        agrees=off < SAME, computed=f"the outputs of both layouts differ by {off:.1g}", number=off
    )


def _layers(block: SqueezeExcite) -> tuple[nn.Linear, nn.Linear]:
    layers = block.excite
    assert isinstance(layers, Bottleneck)
    return layers.reduce, layers.expand


def _apart(one: Tensor, other: Tensor) -> float:
    """The largest difference."""
    return float((one - other).detach().abs().max())
