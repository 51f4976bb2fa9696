import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.hidden import hidden_width
from ablations.subjects.attention.settings.groups import Attention


@pytest.mark.parametrize(
    ("settings", "base", "expected"),
    [
        ({"reduction": 16}, 256, 16),
        ({"reduction": 1.5}, 3, 2),
        ({"ratio": 1 / 3}, 48, 16),
        ({"hidden": 7}, 64, 7),
        ({"reduction": 16, "rounding": "floor"}, 40, 2),
        ({"reduction": 16, "rounding": "ceil"}, 40, 3),
        ({"reduction": 16, "rounding": "round"}, 40, 2),
        ({"reduction": 16, "rounding": "floor", "min_hidden": 1}, 8, 1),
        ({"ratio": 0.29, "rounding": "floor"}, 100, 29),
        # make_divisible(40 / 4 = 10, 8) is 8 in timm, 16 where it must not fall below 90 %.
        ({"reduction": 4, "rounding": "divisible", "round_limit": 0}, 40, 8),
        ({"reduction": 4, "rounding": "divisible"}, 40, 16),
        ({"reduction": 4, "rounding": "divisible"}, 72, 24),
        ({"reduction": 16, "rounding": "divisible"}, 16, 8),
        ({"reduction": 4, "rounding": "divisible", "divisor": 4}, 40, 12),
    ],
)
def test_hidden_units_by_hand(settings, base, expected):
    assert hidden_width(Attention(**settings), base) == expected


def test_hidden_refuses_to_round():
    with pytest.raises(
        SettingError,
        match=r"^`channels / reduction` must be whole, but got 40 channels with reduction=16, which is "
        r"2\.5\. Choose one that divides 40, or name a `rounding` \('floor', 'round', 'ceil', "
        r"'divisible'\)\.$",
    ):
        hidden_width(Attention(reduction=16), 40)


@pytest.mark.parametrize("rounding", ["exact", "floor", "round"])
def test_fewer_than_one_hidden_unit_is_an_error(rounding):
    with pytest.raises(
        SettingError,
        match=r"^`hidden >= 1` must hold, but 8 channels with reduction=32 leave 0\.25 hidden units\.",
    ):
        hidden_width(Attention(reduction=32, rounding=rounding), 8)
