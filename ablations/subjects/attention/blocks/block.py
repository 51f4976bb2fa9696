"""The squeeze-and-excitation block and every variant of it (Hu et al., arXiv 1709.01507, eq. 2 to 4).

Notation: C channels, h hidden units, z = squeeze(x), v = excite(z), g = gate(v), y = g x (+ shift).
x_ncs is a feature map (N, C, ...) of one, two, three or any number of position dimensions.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.controls import ON_GATES
from ablations.subjects.attention.blocks.excitations import Shape, make_excitation
from ablations.subjects.attention.blocks.fused import (
    BACKWARDS,
    FusedSqueezeExcite,
    may_fuse,
    plain_parts,
)
from ablations.subjects.attention.blocks.gates import make_gate, opening_logit
from ablations.subjects.attention.blocks.hidden import hidden_width
from ablations.subjects.attention.blocks.layers import Shift
from ablations.subjects.attention.blocks.readable import Readable, refuse_unreadable
from ablations.subjects.attention.blocks.squeezes import POOLED, STATISTICS, avg, make_squeeze
from ablations.subjects.attention.settings.groups import Attention
from ablations.subjects.attention.settings.rules import WIDENINGS, WITH_HIDDEN_UNITS, WITHOUT_IMAGE


class SqueezeExcite(Readable):
    """Multiplies every channel by a gate that is computed from the whole map.

    Usable in any network: `SqueezeExcite(64, reduction=16)`, `SqueezeExcite(64, squeeze="max")`.
    Where gradients are needed and it pays, the plain block (average, bottleneck with ReLU, a smooth gate) runs
    as one fused function of the same numbers. Every call asks anew whether the block is plain: with parts that are
    replaced, wrapped, hooked or pruned, under `torch.func` and where it is traced, it goes step by step. Set `fused`
    to False to have it always so.

    Args:
        channels: C.
        base: Channels that the reduction divides; C unless given.
        settings: What the block is, instead of `fields`. Where it sits is the host's business.
        fields: Fields of `settings.Attention`.

    Raises:
        SettingError: If a field is unknown or illegal, C/r is below 1 or not whole, or the settings are those
            of another module (`build.build_block`).
    """

    def __init__(
        self,
        channels: int,
        *,
        base: int | None = None,
        settings: Attention | None = None,
        **fields: Any,
    ) -> None:
        super().__init__()
        if settings is not None and fields:
            raise TypeError(f"give either `settings` or fields, but got both: {sorted(fields)}.")
        a = settings or Attention(**fields)
        _refuse_other_modules(a)
        self.channels = channels
        has_hidden = a.excitation in WITH_HIDDEN_UNITS
        self.hidden = hidden_width(a, base or channels) if has_hidden else None
        self.squeeze = make_squeeze(a.squeeze, channels=channels, power=a.squeeze_power)
        self.per_position = a.squeeze == "none"
        self.sums_rows = a.squeeze == "avg_max_mlp"
        shift = opening_logit(a, channels=channels) if a.init == "open" else 0.0
        self.excite = make_excitation(
            a,
            Shape(
                channels=channels,
                statistics=STATISTICS.get(a.squeeze, 1),
                hidden=self.hidden,
                shift=Shift(shift, channels),
            ),
        )
        self.gate = make_gate(a, channels=channels)
        self.affine = a.affine
        self.passes = POOLED.get(a.squeeze, 1) + (2 if a.affine else 1)
        """How often each element of the map is pooled, scaled or shifted."""
        self.on_gates: Callable[[Tensor], Tensor] | None = ON_GATES.get(a.control)
        self.fused = True
        if a.control == "frozen":
            self.requires_grad_(False)

    def forward(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """The gated map, of the same shape.

        Args:
            x_ncs: The feature map.
            mask_ns: True at the positions that count, (N, ...); None counts all.
        """
        refuse_unreadable(x_ncs)
        if self.fused and mask_ns is None and may_fuse(x_ncs):
            layers, gate_backward = plain_parts(self.excite), BACKWARDS.get(self.gate)
            if layers is not None and gate_backward is not None and self._is_plain():
                reduce, expand = layers
                fused: Tensor = FusedSqueezeExcite.apply(  # type: ignore[no-untyped-call]
                    x_ncs,
                    reduce.weight,
                    reduce.bias,
                    expand.weight,
                    expand.bias,
                    self.gate,
                    gate_backward,
                )
                return fused
        factor, shift = self.gates(x_ncs, mask_ns)
        y_ncs = x_ncs * self._spread(factor, x_ncs)
        return y_ncs if shift is None else y_ncs + self._spread(shift, x_ncs)

    def gates(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The factors (N, C), or (N, ..., C) without a squeeze, and the shifts of an affine block."""
        v = self.logits(x_ncs, mask_ns)
        v, shift = v.chunk(2, dim=-1) if self.affine else (v, None)
        g = self.gate(v)
        if self.on_gates is not None:
            g = self.on_gates(g)
            shift = None if shift is None else self.on_gates(shift)
        return g, shift

    def logits(self, x_ncs: Tensor, mask_ns: Tensor | None = None) -> Tensor:
        """What the gate is computed from, channels last."""
        z = self.squeeze(x_ncs) if mask_ns is None else self.squeeze(x_ncs, mask_ns)
        v: Tensor = self.excite(z)
        return v.sum(dim=1) if self.sums_rows else v

    def _is_plain(self) -> bool:
        """Whether what lies around the excitation and the gate is what the fused function computes."""
        own = all(
            getattr(getattr(self, name), "__func__", None) is getattr(SqueezeExcite, name)
            for name in ("gates", "logits", "_spread")
        )
        plain = self.squeeze is avg and not (self.per_position or self.sums_rows or self.affine)
        return own and plain and self.on_gates is None

    def _spread(self, g: Tensor, x_ncs: Tensor) -> Tensor:
        """Gates with the dimensions of the map."""
        if self.per_position:
            return g.movedim(-1, 1)
        return g.reshape(g.shape + (1,) * (x_ncs.dim() - 2))


def refuse_no_block(a: Attention) -> None:
    """Refuse settings that put nothing at a place in the host.

    Raises:
        SettingError: With what builds such a network.
    """
    if a.placement == "none" or a.control in WIDENINGS:
        value = "placement='none'" if a.placement == "none" else f"control={a.control!r}"
        raise SettingError(
            f"`{value}` leaves the block out, so there is none to make. "
            "Use `ablations.build_network`, which builds the whole network."
        )


def _refuse_other_modules(a: Attention) -> None:
    refuse_no_block(a)
    if a.kind != "squeeze_excite":
        rule, value = "`kind='squeeze_excite'`", f"`kind={a.kind!r}`"
    elif a.control in WITHOUT_IMAGE:
        rule, value = "a gate that sees the image", f"`control={a.control!r}`"
    else:
        return
    raise SettingError(
        f"`SqueezeExcite` is {rule}, but got {value}. "
        "Use `ablations.build_block`, which makes every kind and control."
    )
