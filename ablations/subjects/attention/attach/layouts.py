"""Which axis of a map is its channels: (n, channels, ...) as convolutions have it, or (n, ..., channels) as tokens.

Layers whose width is known show it: a convolution of 64 channels that gives (2, 64, 8, 8), a linear layer of 32 that
gives (2, 7, 32). A module that shows nothing itself is read by the layers inside it, or the last before it, that
gave the same shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.pooling import (
    _AdaptiveAvgPoolNd,
    _AdaptiveMaxPoolNd,
    _AvgPoolNd,
    _LPPoolNd,
    _MaxPoolNd,
)

from ablations.errors import SettingError, one_of

Layout = Literal["channels_first", "channels_last"]
Asked = Literal["infer", "channels_first", "channels_last"]

CONVOLUTIONAL = (_ConvNd, _NormBase, nn.GroupNorm)
TOKENWISE = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)
POOLS = (
    _MaxPoolNd, _AvgPoolNd, _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _LPPoolNd, nn.Upsample, nn.PixelShuffle,
)  # fmt: skip
WIDTHS_OUT = ("out_channels", "out_features", "num_features", "num_channels", "embedding_dim")
WIDTHS_IN = ("in_channels", "in_features", "num_features", "num_channels")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A layer took or gave a map whose channels are known."""

    gave: bool
    shape: tuple[int, ...]
    layout: Layout


def shows_layout(layer: nn.Module) -> bool:
    """Whether it is one layer, whose width tells the layout of its maps."""
    # A layer whose weight is parametrised has a child.
    known = isinstance(layer, CONVOLUTIONAL + TOKENWISE + POOLS)
    return known or next(layer.children(), None) is None


def check_layout(asked: str) -> None:
    """Refuse an unknown word.

    Raises:
        SettingError: With the known ones.
    """
    if asked not in get_args(Asked):
        raise SettingError(one_of("layout", asked, get_args(Asked)))


def evidence(layer: nn.Module, x: Tensor, *, gave: bool) -> Evidence | None:
    """What a layer shows of a map that it took or gave, if anything."""
    if x.dim() < 3:
        return None
    width = _width(layer, WIDTHS_OUT if gave else WIDTHS_IN)
    first, last = x.shape[1] == width, x.shape[-1] == width
    layout: Layout
    if isinstance(layer, POOLS):
        layout = "channels_first"
    elif first and last:
        known = _by_kind(layer)
        if known is None:
            return None
        layout = known
    elif first or last:
        layout = "channels_first" if first else "channels_last"
    else:
        return None
    return Evidence(gave=gave, shape=tuple(x.shape), layout=layout)


def layout_of_output(
    shape: tuple[int, ...], *, before: Sequence[Evidence], inside: Sequence[Evidence]
) -> Layout | None:
    """The layout of a map that a call gave, by the layers inside it or the last before; None if they do not agree."""
    found = {e.layout for e in inside if e.gave and e.shape == shape}
    if not found:
        # Maps side by side (DenseNet, Inception), or resized: no layer gave this shape, but all may agree.
        found = {e.layout for e in inside if len(e.shape) == len(shape)}
    return found.pop() if len(found) == 1 else None if found else _last_given(shape, before)


def layout_of_input(
    shape: tuple[int, ...], *, before: Sequence[Evidence], inside: Sequence[Evidence]
) -> Layout | None:
    """The layout of a map that a call took, by the last layer that gave it or those inside that take it."""
    found = {e.layout for e in inside if not e.gave and e.shape == shape}
    return found.pop() if len(found) == 1 else _last_given(shape, before)


def channels_of(shape: Sequence[int], layout: Layout) -> int:
    """C."""
    return shape[1] if layout == "channels_first" else shape[-1]


def positions_of(shape: Sequence[int], layout: Layout) -> tuple[int, ...]:
    """The sizes of the position dimensions."""
    return tuple(shape[2:] if layout == "channels_first" else shape[1:-1])


def _last_given(shape: tuple[int, ...], before: Sequence[Evidence]) -> Layout | None:
    given = (e.layout for e in reversed(before) if e.gave and e.shape == shape)
    return next(given, None)


def _by_kind(layer: nn.Module) -> Layout | None:
    """The layout of torch's own layers; a subclass with another `forward` may have another one."""
    if isinstance(layer, CONVOLUTIONAL):
        return "channels_first"
    own = any(type(layer).forward is kind.forward for kind in TOKENWISE)
    return "channels_last" if own else None


def _width(layer: nn.Module, names: tuple[str, ...]) -> int | None:
    for name in names:
        width = getattr(layer, name, None)
        if isinstance(width, int):
            return width
    shape = getattr(layer, "normalized_shape", None)
    return shape[0] if isinstance(shape, tuple) and len(shape) == 1 else None
