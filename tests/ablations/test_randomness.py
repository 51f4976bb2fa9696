import random

import numpy as np
import pytest
import torch

from ablations.randomness import drawn_since, seed_all


def states() -> tuple[object, ...]:
    of_numpy = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), of_numpy[1].tolist(), of_numpy[2:], random.getstate()


@pytest.mark.parametrize(
    "draw",
    [lambda: torch.rand(1), lambda: np.random.rand(), random.random, lambda: torch.manual_seed(2)],  # noqa: NPY002
)
def test_whatever_was_drawn_is_seen(draw) -> None:
    seed_all(1)
    draw()
    assert drawn_since(1)


def test_where_nothing_was_drawn_the_states_are_as_they_were() -> None:
    seed_all(1)
    before = states()
    assert not drawn_since(1)
    assert states() == before
