import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture
def reference_map() -> Tensor:
    """The input of the reference files, (2, 8, 3, 5) in float64."""
    n = torch.arange(240, dtype=torch.float64)
    return (torch.sin(0.37 * n + 0.1) + 0.25 * torch.cos(0.011 * n)).reshape(2, 8, 3, 5)


@pytest.fixture
def fill():
    """Sets parameters to the reference files' values: the k-th to 0.8 cos(0.53 j + 0.2 k)."""

    def fill_parameters(module: nn.Module, order: tuple[int, ...] | None = None) -> nn.Module:
        parameters = list(module.parameters())
        with torch.no_grad():
            for k, parameter in zip(order or range(len(parameters)), parameters, strict=True):
                j = torch.arange(parameter.numel(), dtype=torch.float64)
                parameter.data = (0.8 * torch.cos(0.53 * j + 0.2 * k)).reshape(parameter.shape)
        return module.double().eval()

    return fill_parameters


@pytest.fixture
def references() -> dict[str, Tensor]:
    """Case -> expected output, flat, from timm and torchvision."""
    cases = {}
    for name in ("forward_refs.json", "kin_refs.json"):
        for case, content in json.loads((REFERENCE / name).read_text())["cases"].items():
            cases[case] = torch.tensor(content["y"], dtype=torch.float64)
    return cases
