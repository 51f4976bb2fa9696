from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ablations.subjects.attention.blocks.layout import every_second, mean_over_positions

LAYOUTS = [
    ((3, 5, 7), torch.contiguous_format),
    ((3, 5, 7, 6), torch.contiguous_format),
    ((3, 5, 7, 6), torch.channels_last),
    ((3, 5, 1, 1), torch.channels_last),
    ((3, 5, 4, 3, 2), torch.channels_last_3d),
]


def random_map(shape: tuple[int, ...], layout: torch.memory_format) -> Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=layout).requires_grad_()


def gradient(y: Tensor, x: Tensor) -> Tensor:
    d = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    (found,) = torch.autograd.grad(y, x, d)
    return found


@pytest.mark.parametrize(("shape", "layout"), LAYOUTS)
def test_the_mean_is_torchs_to_the_last_bit_and_so_is_its_gradient(
    shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    x = random_map(shape, layout)
    y, plain = mean_over_positions(x), x.mean(tuple(range(2, x.dim())))
    assert torch.equal(y, plain)
    assert torch.equal(gradient(y, x), gradient(plain, x))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 2)])
def test_every_second_is_the_slice_to_the_last_bit_and_so_is_its_gradient(
    size: tuple[int, int], layout: torch.memory_format
) -> None:
    x = random_map((3, 5, *size), layout)
    y, plain = every_second(x), x[:, :, ::2, ::2]
    assert torch.equal(y, plain)
    assert torch.equal(gradient(y, x), gradient(plain, x))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("operation", [mean_over_positions, every_second])
def test_the_gradient_has_the_layout_of_the_map(
    operation: Callable[[Tensor], Tensor], layout: torch.memory_format
) -> None:
    x = random_map((3, 5, 6, 4), layout)
    assert gradient(operation(x), x).is_contiguous(memory_format=layout)
