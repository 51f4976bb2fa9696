"""The squeeze-and-excitation block (Hu et al., arXiv 1709.01507, eq. 2 to 4).

Notation: C channels, r reduction, h = C/r hidden units, z = squeeze(x), v = W2 relu(W1 z),
g = gate(v), y = g x. x_ncs is a feature map (N, C, ...) of one, two, three or any number of dimensions.
"""

import torch
from torch import Tensor, nn

from ablations.attention.gates import GATES
from ablations.attention.hidden import hidden_width
from ablations.attention.squeezes import SQUEEZES
from ablations.errors import SettingError, one_of


class Linear(nn.Linear):
    """A linear layer that starts as He's normal initialisation asks, with zero biases."""

    def reset_parameters(self) -> None:
        """Draw the weights from torch's global generator."""
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class SqueezeExcite(nn.Module):
    """Multiplies every channel by a gate that is computed from the whole map.

    Args:
        channels: C.
        reduction: r >= 1; C/r must be whole.
        squeeze: Name of a squeeze, see `squeezes.SQUEEZES`.
        gate: Name of a gate, see `gates.GATES`.
        bias: Biases in both layers.

    Raises:
        SettingError: If C/r is not whole or below 1, or a name is unknown.
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: float = 16,
        squeeze: str = "avg",
        gate: str = "sigmoid",
        bias: bool = False,
    ) -> None:
        super().__init__()
        if squeeze not in SQUEEZES:
            raise SettingError(one_of("squeeze", squeeze, SQUEEZES))
        if gate not in GATES:
            raise SettingError(one_of("gate", gate, GATES))
        self.channels = channels
        self.hidden = hidden_width(channels, reduction)
        self.squeeze = SQUEEZES[squeeze]
        self.gate = GATES[gate]
        self.reduce = Linear(channels, self.hidden, bias=bias)
        self.expand = Linear(self.hidden, channels, bias=bias)

    def forward(self, x_ncs: Tensor) -> Tensor:
        """The gated map, of the same shape."""
        g_nc = self.gates(x_ncs)
        return x_ncs * g_nc.reshape(g_nc.shape + (1,) * (x_ncs.dim() - 2))

    def gates(self, x_ncs: Tensor) -> Tensor:
        """The gates (N, C) of each image and channel."""
        z_nc = self.squeeze(x_ncs)
        return self.gate(self.expand(torch.relu(self.reduce(z_nc))))
