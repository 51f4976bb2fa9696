"""Layers whose `reset_parameters` leaves the initialisation that the networks are meant to start with."""

from typing import Any

from torch import nn

from ablations.subjects.attention.blocks.layers import he_normal


class _HeNormal:
    """He's normal initialisation (fan out) and a zero bias, for any convolution."""

    def reset_parameters(self) -> None:
        """Draw the weights from torch's global generator."""
        assert isinstance(self, nn.Conv1d | nn.Conv2d | nn.Conv3d)
        he_normal(self.weight, fan="fan_out")
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Conv1(_HeNormal, nn.Conv1d):
    """A 1-d convolution with He's start."""


class Conv2(_HeNormal, nn.Conv2d):
    """A 2-d convolution with He's start."""


class Conv3(_HeNormal, nn.Conv3d):
    """A 3-d convolution with He's start."""


CONVS: dict[int, Any] = {1: Conv1, 2: Conv2, 3: Conv3}
BATCH_NORMS: dict[int, Any] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def conv(
    dims: int,
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int | None = None,
    groups: int = 1,
    bias: bool = False,
) -> nn.Module:
    """A convolution of 1, 2 or 3 dimensions; padded to keep the size unless told otherwise."""
    layer: nn.Module = CONVS[dims](
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=kernel // 2 if padding is None else padding,
        groups=groups,
        bias=bias,
    )
    return layer
