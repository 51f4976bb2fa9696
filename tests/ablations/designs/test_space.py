from typing import Any

import pytest

from ablations.designs.space import LARGEST_SEED, MOST_SEEDS, Factor, Space
from ablations.errors import SettingError
from ablations.subjects.attention.settings.groups import Arm, Attention

R4 = Arm(attention=Attention(reduction=4))
RATIO = Factor(name="attention.reduction", levels=(2, 4, 8))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "attention.gate"}, "must have either `levels` or `low` and `high`"),
        (
            {"name": "attention.reduction", "levels": (2, 4), "low": 1, "high": 3},
            "must have either",
        ),
        ({"name": "attention.reduction", "levels": (2, 4, 2.0)}, "must name each level once"),
    ],
)
def test_a_factor_that_says_too_little_or_too_much_is_refused(values: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Factor(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"factors": ()}, "`factors`"),
        ({"factors": (RATIO, RATIO)}, "each factor must be named once"),
        (
            {"factors": ({1: "x"},)},
            r"the name of a setting must be a text, but got 1\. Put it in quotes",
        ),
        (
            {"factors": ({"name": "attention.gat", "levels": ("a",)},)},
            r"'attention\.gate'.*but got 'attention\.gat'",
        ),
        (
            {"factors": ({"name": "attention.gate", "low": 0, "high": 1},)},
            r"`attention\.gate` is no number",
        ),
        (
            {"factors": ({"name": "attention.bias", "low": 0, "high": 1},)},
            r"`attention\.bias` is no number",
        ),
        (
            {"factors": (RATIO,), "baseline": Arm()},
            r"must be one of its levels \(2, 4, 8\), but is 16\.0",
        ),
        (
            {"factors": ({"name": "attention.gate", "levels": ("sigmoid", "sigmod")},)},
            r"gate` must be .*but got 'sigmod'.*'sigmoid'",
        ),
        (
            {"factors": (RATIO,), "controls": {"bare": {"attention.placement": "non"}}},
            r"control 'bare': `placement` must be one of .*but got 'non'",
        ),
    ],
)
def test_a_space_that_cannot_be_run_is_refused(values: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Space(**{"name": "x", "baseline": R4, **values})


def test_numbers_are_an_ordered_scale_and_words_are_not() -> None:
    assert RATIO.ordered
    assert not Factor(name="attention.gate", levels=("sigmoid", "two_sigmoid")).ordered
    assert not Factor(name="attention.bias", levels=(False, True)).ordered


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        ({"name": "training.learning_rate", "low": 1, "high": 0.1}, "must have `low < high`"),
        (
            {"name": "training.learning_rate", "low": 0, "high": 1, "log": True},
            "is logarithmic, so `low > 0` must hold, but got 0",
        ),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused(factor: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Factor(**factor)
    Factor(name="attention.hidden", low=1, high=8, log=True)


def test_seeds_are_numbers_that_every_table_tells_apart():
    factors = [{"name": "attention.reduction", "levels": [4, 8]}]
    given = {"name": "x", "factors": factors, "baseline": {"attention.reduction": 4}}
    last = Space(**given, first_seed=LARGEST_SEED).first_seeds(MOST_SEEDS)
    assert len({float(seed) for seed in last}) == MOST_SEEDS
    with pytest.raises(SettingError, match="`first_seed"):
        Space(**given, first_seed=LARGEST_SEED + 1)
