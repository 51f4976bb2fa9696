import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.settings.arms import inactive, setting_names, with_values
from ablations.subjects.attention.settings.groups import Arm, Data, Training
from ablations.subjects.attention.settings.identity import canonical
from ablations.subjects.attention.settings.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_the_values_that_it_stands_for(name: str) -> None:
    arm = Arm(training={"recipe": name})  # type: ignore[arg-type]
    assert RECIPES[name].keys() <= set(setting_names())
    assert arm == with_values(Arm(), {"training.recipe": name})
    assert canonical(arm) == canonical(with_values(Arm(), RECIPES[name]))


def test_what_is_given_beside_a_recipe_takes_precedence() -> None:
    given = {"training.recipe": "senet_cifar", "training.epochs": 200, "data.augmentation": "flip"}
    arm = with_values(Arm(training=Training(batch_size=32)), given)
    assert (arm.training.epochs, arm.data.augmentation) == (200, "flip")
    assert arm.training.batch_size == 128
    assert Training(recipe="short", epochs=8).epochs == 8
    assert Arm(training={"recipe": "short"}, data={"augmentation": "none"}).data == Data()  # type: ignore[arg-type]


def test_a_schedule_uses_its_own_settings_only() -> None:
    own = {"training.decay_at", "training.decay_factor", "training.patience"}
    assert own <= inactive(Arm())
    step = inactive(Arm(training=Training(schedule="step")))
    assert own & step == {"training.patience"}
    plateau = inactive(Arm(training=Training(schedule="plateau", warmup_epochs=0)))
    assert own & plateau == {"training.decay_at"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"recipe": "senet"}, r"`recipe` must be one of .* but got 'senet'"),
        ({"schedule": "step", "epochs": 20}, r"must name epochs before the last.* has 25 of 20\."),
        ({"decay_at": "ten"}, r"numbers of epochs with commas between them"),
        ({"schedule": "plateau"}, r"`training\.warmup_epochs` must be 0 .* but is 3"),
        ({"precision": 64}, r"`precision` must be one of '32', .* but got '64'"),
        ({"ema_decay": 1}, r"`ema_decay < 1` must hold, but got 1"),
        ({"accumulate": 0}, r"`accumulate >= 1` must hold, but got 0"),
    ],
)
def test_what_no_recipe_can_be_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Training(**values)


def test_an_unknown_augmentation_gets_the_nearest_one() -> None:
    with pytest.raises(SettingError, match=r"but got 'erase'\. .*'erasing'\?.*joined by a plus"):
        Data(augmentation="flip+erase")


def test_numbers_from_yaml_are_words_where_words_are_meant() -> None:
    read = Training(precision=32, decay_at=15, schedule="step")  # type: ignore[arg-type]
    assert (read.precision, read.decay_at) == ("32", "15")
