"""How long a network takes with its attention and without, on this machine."""

import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ablations.subjects.attention.networks.hosts import positions
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Arm, Attention

SECONDS = 5.0
"""Repeats stop after this long, but not before the third."""
MOST = 50
PASSES = 30
"""Of a run that measures its own latency."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Medians of one forward pass in evaluation."""

    batch: int
    milliseconds: float
    milliseconds_without: float
    repeats: int
    device: str
    threads: int

    @property
    def ratio(self) -> float:
        """With attention over without."""
        return self.milliseconds / self.milliseconds_without

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "ratio": self.ratio}


def compare(
    arm: Arm, *, batch: int, image: int | tuple[int, ...], in_channels: int, classes: int
) -> Latency:
    """Times the arm's network and the same host without attention, in turns.

    Raises:
        SettingError: If the arm is illegal in this host.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    given: dict[str, Any] = {"in_channels": in_channels, "classes": classes, "image": image}
    networks = [
        build_network(arm.backbone, attention, **given).eval().to(device)
        for attention in (arm.attention, Attention(placement="none"))
    ]
    x = torch.randn((batch, in_channels, *positions(arm.backbone.name, image)), device=device)
    for network in networks:
        _seconds(network, x)
    times: list[list[float]] = [[], []]
    begun = time.perf_counter()
    while len(times[0]) < 3 or (time.perf_counter() - begun < SECONDS and len(times[0]) < MOST):
        for network, found in zip(networks, times, strict=True):
            found.append(1000 * _seconds(network, x))
    return Latency(
        batch=batch,
        milliseconds=statistics.median(times[0]),
        milliseconds_without=statistics.median(times[1]),
        repeats=len(times[0]),
        device=str(device),
        threads=torch.get_num_threads(),
    )


def inference_milliseconds(network: nn.Module, *inputs: Tensor) -> float:
    """Median time of one forward pass in evaluation, of a network that is not compiled.

    Args:
        network: It is in evaluation afterwards.
        inputs: Of one pass; they are on the network's device.
    """
    network.eval()
    with torch.compiler.set_stance("force_eager"):
        _seconds(network, *inputs)
        times = [_seconds(network, *inputs) for _ in range(PASSES)]
    return 1000 * statistics.median(times)


def _seconds(network: nn.Module, *inputs: Tensor) -> float:
    begun = time.perf_counter()
    with torch.no_grad():
        network(*inputs)
    if inputs[0].is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begun
