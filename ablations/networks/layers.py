"""Layers whose `reset_parameters` leaves the initialisation that the networks are meant to start with."""

from torch import nn


class Conv(nn.Conv2d):
    """A 2-d convolution without bias that starts as He's normal initialisation asks (fan out)."""

    def reset_parameters(self) -> None:
        """Draw the weights from torch's global generator."""
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)
