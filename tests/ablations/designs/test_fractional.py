import itertools

import numpy as np
import pytest

from ablations.designs.fractional import aliases, fractional


@pytest.mark.parametrize(("k", "size"), [(1, 2), (2, 4), (3, 8), (4, 8), (5, 16), (8, 16), (9, 32)])
def test_the_design_is_as_small_as_resolution_four_allows(k: int, size: int) -> None:
    assert len(fractional(k)) == size


@pytest.mark.parametrize("k", range(2, 13))
def test_main_effects_are_clear_of_each_other_and_of_two_factor_interactions(k: int) -> None:
    signs = np.array(fractional(k)) * 2 - 1
    assert len(np.unique(signs, axis=0)) == len(signs)
    pairs = [signs[:, i] * signs[:, j] for i, j in itertools.combinations(range(k), 2)]
    assert (signs.sum(axis=0) == 0).all()
    assert not any((signs.T @ pair).any() for pair in pairs)
    assert (signs.T @ signs == len(signs) * np.eye(k)).all()


def test_aliases_are_the_pairs_that_the_design_cannot_tell_apart() -> None:
    # 2^(4-1), I = ABCD: the textbook's three alias pairs.
    assert {frozenset(group) for group in aliases(["A", "B", "C", "D"])} == {
        frozenset({"A:B", "C:D"}),
        frozenset({"A:C", "B:D"}),
        frozenset({"A:D", "B:C"}),
    }


def test_a_full_factorial_has_no_aliases() -> None:
    assert aliases(["A", "B", "C"]) == []
