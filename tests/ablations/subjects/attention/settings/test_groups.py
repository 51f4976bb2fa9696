import json

import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.settings.arms import (
    check_name,
    inactive,
    setting_names,
    value_of,
    with_values,
)
from ablations.subjects.attention.settings.groups import Arm, Attention, Run, Training


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"reduction": 0}, r"^`reduction >= 1` must hold, but got 0\. `ratio` takes 1/r"),
        (
            {"placement": "standrd"},
            r"^`placement` must be one of .*'standard'.*, but got 'standrd'\. Did you mean 'standard'\?$",
        ),
        ({"reducton": 4}, r"^`setting` must be .*'reduction'.*but got 'reducton'"),
        (
            {"reduction": float("nan")},
            r"^`reduction`: input should be a finite number, but got nan\.$",
        ),
    ],
)
def test_an_illegal_setting_says_the_rule_and_the_value(values: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Attention(**values)


def test_a_nested_setting_says_the_same_sentence() -> None:
    with pytest.raises(SettingError, match=r"^`epochs >= 1` must hold, but got 0\.$"):
        Arm(training={"epochs": 0})


def test_warm_up_must_end_before_the_schedule() -> None:
    with pytest.raises(
        SettingError,
        match=r"^`warmup_epochs < epochs` must hold, but got 3 and 2\. A short run can go without: "
        r"`training\.warmup_epochs=0`\.$",
    ):
        Training(epochs=2)


def test_settings_survive_json() -> None:
    run = Run(arm=Arm(attention=Attention(reduction=1.5)), seed=3)
    assert Run(**json.loads(run.model_dump_json())) == run


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="Instance is frozen"):
        Attention().reduction = 4


def test_with_values_changes_what_it_names_and_nothing_else() -> None:
    arm = with_values(Arm(), {"attention.reduction": 8, "training.epochs": 7})
    differ = [name for name in setting_names() if value_of(arm, name) != value_of(Arm(), name)]
    assert sorted(differ) == ["attention.reduction", "training.epochs"]


def test_an_unknown_dotted_name_gets_the_nearest_one() -> None:
    with pytest.raises(
        SettingError, match=r"'attention\.reduction'.*but got 'attention\.reducton'"
    ):
        check_name("attention.reducton")


def test_without_attention_only_the_placement_is_used() -> None:
    unused = inactive(Arm(attention=Attention(placement="none")))
    attention = {name for name in setting_names() if "attention" in name}
    assert unused & attention == attention - {"attention.placement"}
    assert "attention.reduction" not in inactive(Arm())
