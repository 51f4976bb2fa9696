"""The random states that every program shares: torch's, numpy's and Python's, set from one number and put back."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch

NUMPY_SEEDS = 2**32


def seed_all(number: int) -> None:
    """Start torch's generators (those of GPUs too, where one is in use), numpy's and Python's from one number."""
    # Not `torch.manual_seed`: where CUDA is not initialised it formats a stack trace each time.
    torch.default_generator.manual_seed(number)
    if _gpu_in_use():
        torch.cuda.manual_seed_all(number)
    # NPY002 would have a generator of our own; it is the shared one that a user's code draws from.
    np.random.seed(number % NUMPY_SEEDS)  # noqa: NPY002
    random.seed(number)


def drawn_since(number: int) -> bool:
    """Whether anything was drawn on the CPU since `seed_all(number)`; the states are anywhere afterwards.

    By what comes next, since copying the states would take ten times as long (0.1 ms for numpy's alone).
    """
    return _next_numbers() != _first_numbers(number)


@lru_cache(maxsize=8)
def _first_numbers(number: int) -> tuple[float, float, float]:
    seed_all(number)
    return _next_numbers()


def _next_numbers() -> tuple[float, float, float]:
    of_torch = torch.rand((), dtype=torch.float64, device="cpu").item()
    return of_torch, np.random.random_sample(), random.random()  # noqa: NPY002 - as above


@contextmanager
def states_kept() -> Iterator[None]:
    """Put the shared states back at the end of the block."""
    on_cpu, of_numpy, of_python = _shared_states()
    on_gpus = torch.cuda.get_rng_state_all() if _gpu_in_use() else []
    try:
        yield
    finally:
        torch.default_generator.set_state(on_cpu)
        np.random.set_state(of_numpy)  # noqa: NPY002 - as above
        random.setstate(of_python)
        for device, state in enumerate(on_gpus):
            torch.cuda.set_rng_state(state, device)


class Drawn:
    """Whether anything was drawn from numpy's or Python's shared state since this was made."""

    def __init__(self) -> None:
        _, self._numpy, self._python = _shared_states()

    def elsewhere(self) -> bool:
        """Whether numpy's or Python's moved."""
        _, of_numpy, of_python = _shared_states()
        same_array = np.array_equal(self._numpy[1], of_numpy[1])
        same_numpy = same_array and self._numpy[2:] == of_numpy[2:]
        return not same_numpy or self._python != of_python


def _gpu_in_use() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _shared_states() -> tuple[torch.Tensor, tuple, tuple]:  # type: ignore[type-arg]
    return torch.default_generator.get_state(), np.random.get_state(), random.getstate()  # type: ignore[return-value] # noqa: NPY002
