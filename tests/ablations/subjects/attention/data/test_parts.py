import numpy as np
import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.data.dataset import load, on_device, size_of_test_set
from ablations.subjects.attention.data.parts import parts_of
from ablations.subjects.attention.settings.groups import Data

LABELS = np.arange(1000) % 7


def val(seed: int, **settings: object) -> np.ndarray:
    return np.flatnonzero(parts_of(LABELS, Data(**settings), seed=seed).val)


def test_one_split_is_the_same_for_all_seeds() -> None:
    assert (val(0) == val(5)).all()
    assert set(val(0)) != set(val(0, split_seed=1))


def test_a_split_of_each_seed_repeats_and_another_seed_has_another_one() -> None:
    drawn = [val(seed, split="per_seed") for seed in (0, 0, 1)]
    assert (drawn[0] == drawn[1]).all()
    assert set(drawn[0]) != set(drawn[2])
    assert set(drawn[0]) != set(val(0, split="per_seed", split_seed=1))


def test_folds_take_turns_and_each_example_validates_once() -> None:
    turns = [val(seed, split="folds", folds=5) for seed in range(10)]
    for begin in (0, 5):
        assert sorted(np.concatenate(turns[begin : begin + 5])) == list(range(1000))
    assert set(turns[0]) != set(turns[5])
    # 143 or 142 of each class: sizes differ by the remainders, which go to other folds for each class.
    assert max(map(len, turns)) - min(map(len, turns)) <= 2
    for turn in turns:
        assert np.ptp(np.bincount(LABELS[turn])) <= 1


@pytest.mark.parametrize("split", ["fixed", "per_seed", "folds"])
def test_no_split_trains_on_the_test_set_or_validates_with_it(split: str) -> None:
    tests = set()
    for seed in range(12):
        for split_seed in (0, 3):
            parts = parts_of(LABELS, Data(split=split, split_seed=split_seed, test=0.2), seed=seed)
            whole = parts.train.astype(int) + parts.val + parts.test
            assert (whole == 1).all()
            tests.add(parts.test.tobytes())
    assert len(tests) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "folds", "folds": 143}, r"`data.folds` must be at most 142, the examples of class 6"),
        ({"test": 0.001}, r"`data.test` must leave .* class 0 on both sides, but 0.001 of 143 leaves 0 to test"),
        ({"test": 0.995, "val_fraction": 0.1}, r"`val_fraction` must leave examples of class 0 on both sides"),
    ],
)  # fmt: skip
def test_a_split_larger_than_the_data_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        val(0, **settings)


def test_the_test_set_is_standardised_as_the_others_and_lies_on_the_device() -> None:
    data = Data(test=0.2, split="per_seed")
    split = load(data, seed=4)
    assert split.test is not None
    assert len(split.test) == size_of_test_set(data) == 359
    rows = torch.cat([split.train.x, split.val.x, split.test.x]).flatten(1)
    # The digits hold no two equal images, so no one is in two parts.
    assert len(torch.unique(rows, dim=0)) == 1797
    placed = on_device(data, "cpu", 4)
    assert placed.test is not None
    assert torch.equal(placed.test.x, split.test.x)
    assert placed is on_device(data, "cpu", 4)
    assert not torch.equal(on_device(data, "cpu", 5).val.x[:9], split.val.x[:9])


def test_a_test_set_that_is_no_share_and_no_word_is_refused() -> None:
    for value in (0, 1, 1.5, True, "half"):
        with pytest.raises(ValueError, match=r"`data.test` must be 'none', 'own' \(the data set's"):
            Data(test=value)
