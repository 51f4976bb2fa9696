import pytest

from ablations.subjects.attention.settings.arms import setting_names
from ablations.subjects.attention.settings.groups import Arm, Attention, Data, Training
from ablations.subjects.attention.settings.identity import (
    NEUTRAL,
    NOT_IDENTITY,
    arm_id,
    canonical,
    run_id,
)

# Golden ids: a change here means that no stored run would be found again.
GOLDEN = {
    "default": (Arm(), "3a85d0e11a"),
    "r=4": (Arm(attention=Attention(reduction=4)), "1597cee0ae"),
    "no attention": (Arm(attention=Attention(placement="none")), "718733b2b7"),
    "constant": (Arm(attention=Attention(control="constant", init="zero")), "ad2bf5acec"),
    "static": (Arm(attention=Attention(control="static", gate="two_sigmoid")), "1f5338e3e6"),
    "recipe": (Arm(training=Training(learning_rate=0.03, epochs=12)), "7e4e2ee8ea"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_ids_never_change(name: str) -> None:
    arm, expected = GOLDEN[name]
    assert arm_id(arm, "0123456789abcdef") == expected


def test_eight_and_eight_point_zero_are_one_arm() -> None:
    one, other = Arm(attention=Attention(reduction=8)), Arm(attention=Attention(reduction=8.0))
    assert canonical(one) == canonical(other) == {"attention.reduction": 8}


def test_what_an_arm_does_not_use_is_not_in_its_id() -> None:
    one = Arm(attention=Attention(placement="none", reduction=4))
    other = Arm(attention=Attention(placement="none", gate="one_plus_tanh"))
    assert arm_id(one, "x") == arm_id(other, "x")


def test_where_the_files_lie_is_not_in_the_id_but_what_is_in_them_is() -> None:
    here, there = Arm(data=Data(root="/a")), Arm(data=Data(root="/b"))
    assert arm_id(here, "x") == arm_id(there, "x")
    assert arm_id(here, "x") != arm_id(here, "y")


def test_the_seed_is_in_the_run_and_not_in_the_arm() -> None:
    assert run_id(Arm(), 0, "x") != run_id(Arm(), 1, "x")
    assert run_id(Arm(), 0, "x") != arm_id(Arm(), "x")


def test_every_setting_has_a_neutral_value_that_new_settings_must_declare() -> None:
    assert set(setting_names()) == set(NEUTRAL) | NOT_IDENTITY


def test_the_neutral_arm_is_empty() -> None:
    groups: dict = {}
    for name, value in NEUTRAL.items():
        group, _, field = name.partition(".")
        groups.setdefault(group, {})[field] = value
    assert canonical(Arm(**groups)) == {}
