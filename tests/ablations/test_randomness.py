import random

import numpy as np
import pytest
import torch

from ablations.randomness import drawn_since, seed_all


@pytest.mark.parametrize(
    "draw",
    [lambda: torch.rand(1), lambda: np.random.rand(), random.random, lambda: torch.manual_seed(2)],  # noqa: NPY002
)
def test_whatever_was_drawn_is_seen(draw) -> None:
    seed_all(1)
    draw()
    assert drawn_since(1)


@pytest.mark.parametrize("number", [1, 2])
def test_where_nothing_was_drawn_nothing_is_seen(number) -> None:
    seed_all(number)
    assert not drawn_since(number)
