"""A user's module whose arguments are more than numbers: objects, groups of settings, what a parent takes."""

from dataclasses import dataclass
from typing import Literal

import torch
from houses import Prices
from lightning.pytorch.cli import OptimizerCallable
from torch import nn


@dataclass
class Encoder:
    """How the table is read.

    Args:
        width: Units.
    """

    width: int = 4
    act: Literal["relu", "gelu"] = "relu"


class Head(nn.Module):
    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.out = nn.Linear(16, 1, bias=bias)

    def forward(self, x):
        return self.out(x)


class Deep(Head):
    def __init__(self, units: int = 3, **given) -> None:
        super().__init__(**given)
        self.between = nn.Linear(16, units)
        self.back = nn.Linear(units, 16)

    def forward(self, x):
        return super().forward(self.back(self.between(x)))


class Assembled(Prices):
    """Assembled of objects.

    Args:
        head: What gives the price.
    """

    def __init__(
        self,
        head: Head,
        encoder: Encoder = Encoder(),  # noqa: B008 - as users write it
        rule: OptimizerCallable = torch.optim.Adam,
        pool=None,
        **given,
    ) -> None:
        super().__init__(**given)
        self.encoder, self.rule = encoder, rule
        self.net[-1] = head
        self.extra = nn.Linear(1, encoder.width)

    def configure_optimizers(self):
        return self.rule(self.parameters())
