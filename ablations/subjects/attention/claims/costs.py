"""Parameters, operations and ratios, counted on real networks.

Notation: C channels, h hidden units, r = C/h, S the side of a map.
"""

from typing import Any

import numpy as np

from ablations.finding import Finding
from ablations.subjects.attention.blocks.hidden import hidden_width
from ablations.subjects.attention.claims.drawn import drawn, drawn_block
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.counting.counting import Cost
from ablations.subjects.attention.placing.own_attention import own_attention
from ablations.subjects.attention.settings.groups import Attention, Backbone


def parameters() -> Finding:
    """Eq. 5 against ResNet-50 at five ratios; with biases; and where r does not divide C."""
    blocks = {256: 3, 512: 4, 1024: 6, 2048: 3}
    off = {}
    for r in (2, 4, 8, 16, 32):
        formula = 2 * sum(n * c * c for c, n in blocks.items()) // r
        off[r] = _imagenet("resnet50", reduction=r).attention_params - formula
    biased = _imagenet("resnet50", reduction=16, bias=True).attention_params
    plain = _imagenet("resnet50", reduction=16).attention_params
    rounded = sum(p.numel() for p in drawn_block(72, reduction=16, rounding="floor").parameters())
    return Finding(
        agrees=not any(off.values()),
        computed=f"ResNet-50 at r = 2 to 32 differs from 2 sum(C^2) / r by {max(map(abs, off.values()))} "
        f"parameters, at r = 16 it adds {plain:,}; with biases {biased:,}; a block of C = 72, r = 16, h = "
        f"floor(C/r) has {rounded}, not 648",
        only_where="there are no biases and r divides C"
        if biased > plain and rounded < 648
        else "",
        number=plain,
    )


def ratio_is_the_inverse() -> Finding:
    """Hidden units by ratio and by reduction, and what int() makes of 0.29 x 100."""
    same = all(
        hidden_width(Attention(ratio=1 / r), c) == hidden_width(Attention(reduction=r), c)
        for c in (16, 64, 256) for r in (2, 4, 8, 16)
    )  # fmt: skip
    cut, whole = int(0.29 * 100), hidden_width(Attention(ratio=0.29), 100)
    return Finding(
        agrees=same,
        computed="ratio 1/r and reduction r give the same hidden units at C = 16, 64, 256; int(0.29 x 100) "
        f"is {cut}, where 0.29 of 100 is {whole}",
        only_where="the product is not cut by its binary rounding" if cut != whole else "",
        number=cut,
    )


def efficientnet_ratio() -> Finding:
    """EfficientNet-B0's hidden units against its units' inputs and against what is gated; and MobileNetV3's."""
    blocks = _own("efficientnet_b0").blocks
    of_input = all(block.hidden == max(1, block.base // 4) for block in blocks)
    a = own_attention("efficientnet_b0")
    mobile = {
        round(b.channels / b.hidden, 1) for b in _own("mobilenet_v3_large").blocks if b.hidden
    }
    return Finding(
        agrees=of_input and (a.activation, a.gate) == ("silu", "sigmoid"),
        computed=f"in all {len(blocks)} blocks h is a quarter of the unit's input, with {a.activation} "
        f"inside and a {a.gate}; MobileNetV3 instead takes a quarter of the expanded channels (C/h from "
        f"{min(mobile)} to {max(mobile)})",
        only_where="C is the input of the unit, not the channels that are gated",
        number=4.0,
    )


def efficientnet_effective_ratio() -> Finding:
    """C over h in every block."""
    ratios = [b.channels / b.hidden for b in _own("efficientnet_b0").blocks if b.hidden]
    return Finding(
        agrees=all(r == 4 for r in ratios),
        computed=f"C/h is {ratios[0]:g} in the first block and {max(ratios):g} in the other "
        f"{len(ratios) - 1} (144 gated channels with 6 hidden units)",
        number=max(ratios),
    )


def best_ratio() -> Finding:
    """The formula against a fine grid, at random kappa, lambda and C; and where the loss is least at r0 = 4."""
    rng = np.random.default_rng(0)
    off, curved, elsewhere = [], [], []
    for _ in range(50):
        kappa, lam, c = 10 ** rng.uniform(-5, -2), 10 ** rng.uniform(-8, -5), rng.integers(16, 512)
        best = (lam * c**2 / kappa) ** (1 / 3)
        r = best * np.linspace(0.5, 2, 300_001)
        cost_r = lam * c**2 / r
        off.append(abs(r[(kappa * r**2 / 2 + cost_r).argmin()] / best - 1))
        curved.append(abs((kappa + 2 * lam * c**2 / best**3) / (3 * kappa) - 1))
        wide = best * np.geomspace(0.1, 10, 20_001) + 4
        shifted = wide[(kappa * (wide - 4) ** 2 / 2 + lam * c**2 / wide).argmin()]
        elsewhere.append(abs(shifted / best - 1))
    return Finding(
        agrees=bool(max(off) < 1e-5 and max(curved) < 1e-9),
        computed=f"over 50 random cases the smallest J on a grid is within {max(off):.1g} of it, where J'' "
        f"is 3 kappa (off by {max(curved):.1g}); where the loss rises from r0 = 4 instead of 0 the best r "
        f"is another one, by {np.median(elsewhere):.0%} in the middle case",
        only_where="the loss rises as kappa r^2 / 2 from r = 0" if max(elsewhere) > 0.01 else "",
        number=max(off),
    )


def operations() -> Finding:
    """The formula against what is counted, at several sizes; and the operations that it leaves out."""
    found = _imagenet("resnet50", reduction=16)
    off = max(
        abs(b.flops - (2 * b.channels * b.size[0] * b.size[1] + 4 * b.channels**2 // 16))
        for b in found.blocks
    )
    b = found.blocks[0]
    assert b.hidden is not None
    exact = b.hidden * (2 * b.channels - 1) + b.channels * (2 * b.hidden - 1)
    return Finding(
        agrees=off == 0,
        computed=f"in the {len(found.blocks)} blocks of ResNet-50 the count is the formula's (off by "
        f"{off}); additions counted one by one, the layers at C = {b.channels} take {exact:,} instead of "
        f"{4 * b.channels**2 // 16:,}, and the ReLU and the sigmoid {b.hidden + b.channels} more",
        only_where="a multiply-add counts 2, a pooled or scaled element 1, and activations 0"
        if exact < 4 * b.channels**2 // 16
        else "",
        number=off,
    )


def share_by_stage() -> Finding:
    """Attention's share of the operations of each stage's 3x3 convolution, ResNet-8, r = 4."""
    a = Attention(reduction=4)
    blocks = cost(Backbone(name="cifar_resnet8"), a, image=32, in_channels=3, classes=10).blocks
    layers, whole = {}, {}
    for b in blocks:
        positions = b.size[0] * b.size[1]
        convolution = 2 * 9 * b.channels**2 * positions
        layers[b.channels] = 2 * b.macs / convolution
        whole[b.channels] = b.flops / convolution
    layer_text = ", ".join(f"{v:.3%}" for v in layers.values())
    text = ", ".join(f"{v:.2%}" for v in whole.values())
    early, late = min(whole), max(whole)
    return Finding(
        agrees=max(whole.values()) < 0.5 and layers[early] < layers[late],
        computed=f"at C = {', '.join(map(str, whole))} the layers take {layer_text} of one 3x3 convolution, "
        f"pooling and scaling with them {text}",
        only_where="the layers alone are meant: pooling and scaling weigh most in early stages"
        if whole[early] > whole[late] else "",
        number=whole[early],
    )  # fmt: skip


def half_of_the_block() -> Finding:
    """The excitation's share at the bound, one channel below it, and in ResNet-50 at r = 16."""

    def share(c: int, s: int, r: int) -> float:
        layers, rest = 4 * c * c / r, 2 * c * s * s
        return layers / (layers + rest)

    at = [share(64, 8, 2), share(392, 7, 16)]
    below = share(391, 7, 16)
    blocks = _imagenet("resnet50", reduction=16).blocks
    half = [b for b in blocks if 2 * b.macs >= b.flops / 2]
    bound = all((b.channels >= (b.excitation_half_from or 0)) == (b in half) for b in blocks)
    return Finding(
        agrees=at == [0.5, 0.5] and below < 0.5 and bound,
        computed=f"the share is {at[0]:g} at C = 64, S = 8, r = 2 and {at[1]:g} at C = 392, S = 7, r = 16, "
        f"{below:.4f} one channel below; in ResNet-50 at r = 16 it is half or more in {len(half)} of "
        f"{len(blocks)} blocks, those of {half[0].channels} channels",
        number=len(half),
    )


def without_squeeze() -> Finding:
    """What a gate without squeeze depends on, on constant maps, and what it costs in ResNet-50."""
    local, usual = drawn_block(16, reduction=4, squeeze="none"), drawn_block(16, reduction=4)
    usual.load_state_dict(local.state_dict())
    x_nchw, changed = drawn(1, 16, 6, 6), drawn(1, 16, 6, 6)
    changed[:, :, 3, 4] += 1
    moved = (local(x_nchw) - local(changed)).detach().abs().sum(1)[0] > 0
    constant = drawn(1, 16, 1, 1).expand(1, 16, 6, 6).contiguous()
    alike = float((local(constant) - usual(constant)).detach().abs().max())
    host = "resnet50_v1"
    none, without, with_ = (
        cost(Backbone(name=host), a, image=224, in_channels=3, classes=1000)
        for a in (Attention(placement="none"), Attention(squeeze="none"), Attention())
    )
    paper = with_.macs + sum(b.elementwise for b in with_.blocks)
    return Finding(
        agrees=int(moved.sum()) == 1
        and alike < 1e-5
        and without.macs - none.macs > 100 * (with_.macs - none.macs),
        computed=f"a change at one position moves the gates of {int(moved.sum())} position; on constant "
        f"maps it is the same block (off by {alike:.1g}) with the same parameters "
        f"({without.attention_params == with_.attention_params}); ResNet-50 has {none.macs / 1e9:.2f} G "
        f"multiply-adds, with attention {paper / 1e9:.2f} G, without squeeze {without.macs / 1e9:.2f} G",
        number=without.macs / 1e9,
    )


def eca_has_no_dense_layers() -> Finding:
    """Parameters and multiply-adds of ECA in ResNet-50, against r = 16."""
    eca, se = _imagenet("resnet50", excitation="eca"), _imagenet("resnet50", reduction=16)
    macs = [sum(b.macs for b in one.blocks) for one in (eca, se)]
    hidden = {b.hidden for b in eca.blocks}
    return Finding(
        agrees=hidden == {None}
        and eca.attention_params < se.attention_params
        and macs[0] < macs[1],
        computed=f"in ResNet-50 ECA has {eca.attention_params} parameters and {macs[0]:,} multiply-adds, "
        f"Squeeze-and-Excitation {se.attention_params:,} and {macs[1]:,}; both pool and scale the same maps",
        number=eca.attention_params,
    )


def _imagenet(name: str, **fields: Any) -> Cost:
    a = Attention(**fields)
    return cost(Backbone(name=name), a, image=224, in_channels=3, classes=1000)


def _own(name: str) -> Cost:
    return cost(Backbone(name=name), own_attention(name), image=224, in_channels=3, classes=1000)
