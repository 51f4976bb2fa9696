"""Errors of verification against scikit-learn's, and by hand."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_curve

from ablations.subjects.tasks.metric_learning.verification import all_pairs, roc


@pytest.mark.parametrize("seed", range(12))
def test_the_errors_are_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 60))
    same = rng.random(count) < 0.4
    same[:2] = True, False
    score = rng.normal(size=count) + same
    if seed % 2:
        score = score.round()  # many pairs of one score
    far, accepted, _ = roc_curve(same, score, drop_intermediate=False)
    found = roc(torch.from_numpy(score), torch.from_numpy(same))
    np.testing.assert_allclose(found.far, far, atol=1e-12)
    np.testing.assert_allclose(found.frr, 1 - accepted, atol=1e-12)
    # Where the line through the points crosses FAR = FRR, found by numpy.
    assert found.eer() == pytest.approx(np.interp(0, far - (1 - accepted), far), abs=1e-12)
    assert found.accuracy() == pytest.approx(((accepted + 1 - far) / 2).max(), abs=1e-12)


def test_by_hand() -> None:
    score = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5])
    found = roc(score, torch.tensor([True, False, True, True, False]))
    assert found.far.tolist() == [0, 0, 0.5, 0.5, 0.5, 1]
    assert found.frr.tolist() == pytest.approx([1, 2 / 3, 2 / 3, 1 / 3, 0, 0])
    assert found.eer() == pytest.approx(0.5)
    assert found.accuracy() == pytest.approx(0.75)


def test_apart_is_without_error_and_all_alike_is_a_guess() -> None:
    same = torch.tensor([True, True, False])
    apart, alike = roc(torch.tensor([3.0, 2.0, 1.0]), same), roc(torch.zeros(3), same)
    assert (apart.eer(), apart.accuracy()) == (0, 1)
    assert (alike.eer(), alike.accuracy()) == (0.5, 0.5)


def test_all_pairs_once_by_their_angles() -> None:
    z_nd = torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0]])
    score, same = all_pairs(z_nd, torch.tensor([4, 4, 6]))
    torch.testing.assert_close(score, torch.tensor([0.5**0.5, 0.0, 0.5**0.5]))
    assert same.tolist() == [True, False, False]


def test_pairs_of_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="there must be pairs of one identity and pairs of two"):
        roc(torch.tensor([1.0, 2.0]), torch.tensor([True, True]))
