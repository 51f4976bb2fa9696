import socket

import pytest
import torch
from torch import Tensor, nn


class Step(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(x)))


class Unit(nn.Module):
    """A residual unit; `last` is the identity, or an activation after the sum."""

    def __init__(self, channels: int, *, last: nn.Module, inplace: bool = False) -> None:
        super().__init__()
        self.first = nn.ReLU(inplace=inplace)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x + self.conv(self.first(x)))


class Host(nn.Module):
    """Two steps, a unit, a plain sequence, tokens and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList([Step(3, 8), Step(8, 16)])
        self.unit = Unit(16, last=nn.Identity())
        self.rest = nn.Sequential(
            nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        )
        self.dropout = nn.Dropout(0.5)
        self.tokens, self.positive = nn.Linear(16, 24), nn.ReLU()
        self.head = nn.Linear(24, 4)

    def forward(self, x: Tensor) -> Tensor:
        for step in self.encoder:
            x = step(x)
        x = self.dropout(self.rest(self.unit(x)))
        return self.head(self.positive(self.tokens(x.flatten(2).transpose(1, 2))).mean(1))


@pytest.fixture
def host() -> nn.Module:
    torch.manual_seed(0)
    return Host()


@pytest.fixture
def unit():
    """Makes a network of one residual unit named `unit`."""

    def make(**fields) -> nn.Module:
        torch.manual_seed(0)
        network = nn.Sequential()
        network.add_module("unit", Unit(8, **fields))
        return network

    return make


@pytest.fixture
def x() -> Tensor:
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
