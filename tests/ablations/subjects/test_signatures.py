from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Optional

import lightning.pytorch as pl
import pytest
from torch import nn

from ablations.errors import SettingError
from ablations.import_path import load
from ablations.subjects.hints import fits
from ablations.subjects.signatures import (
    REQUIRED,
    arguments_of,
    check_arguments,
    check_value,
    maker,
    not_taken,
    settings_of,
)

if TYPE_CHECKING:
    from nowhere import Thing


class Base(nn.Module):
    """The one that others inherit from.

    Args:
        lr: Step size of the optimiser,
            which goes on here.
    """

    def __init__(self, *, lr: float = 0.1, seed: int = 0) -> None:
        super().__init__()


class Net(Base):
    """A network.

    Args:
        hidden (int): Units of the hidden layer.
        norm: What normalises: batch, or nothing.
    """

    def __init__(
        self,
        hidden: int,
        norm: Literal["batch", "none"] = "batch",
        widths: list[int] | None = None,
        dropout: Optional[float] = None,  # noqa: UP045 - as users write it
        flag: bool = False,
        act: Any = nn.ReLU,
        lr: float = 0.2,
        **more: Any,
    ) -> None:
        super().__init__(lr=lr, **more)


@dataclass
class Options:
    """Settings in a group.

    Args:
        width: Units.
    """

    width: int = 4
    act: Literal["relu", "gelu"] = "relu"


class Base2:
    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate


class Whole:
    def __init__(
        self,
        options: Options = Options(),  # noqa: B008 - as users write it
        head: nn.Module | None = None,
        **more: Any,
    ) -> None:
        self.options, self.head = options, head
        self.base = Base2(**more)


def test_settings_are_the_arguments_with_their_types_defaults_choices_and_words() -> None:
    found = arguments_of(Net)
    assert list(found) == ["hidden", "norm", "widths", "dropout", "flag", "act", "lr", "seed"]
    assert (found["hidden"].default, found["hidden"].required) == (REQUIRED, True)
    assert found["hidden"].doc == "Units of the hidden layer."
    assert found["norm"].doc == "What normalises: batch, or nothing."
    assert found["norm"].choices == ("batch", "none")
    assert found["norm"].type_text == "'batch' | 'none'"
    assert found["flag"].choices == (True, False)
    assert found["dropout"].choices is None
    assert found["dropout"].type_text == "float | None"
    assert found["widths"].type_text == "list[int] | None"


def test_arguments_that_are_passed_on_are_those_of_the_parent_and_the_childs_default_wins() -> None:
    found = arguments_of(Net)
    assert found["seed"].default == 0
    assert found["lr"].default == 0.2
    assert arguments_of(Base)["lr"].doc == "Step size of the optimiser, which goes on here."

    class Closed(Base):
        def __init__(self, depth: int = 1) -> None:
            super().__init__()

    assert list(arguments_of(Closed)) == ["depth"]


def test_a_function_has_settings_too() -> None:
    def build(width: int, *, kind: Literal["a", "b"] = "a") -> nn.Linear:
        """Builds.

        Parameters
        ----------
        width : int
            How wide.
        """
        return nn.Linear(width, 1)

    found = arguments_of(build)
    assert [(one.name, one.doc) for one in found.values()] == [("width", "How wide."), ("kind", "")]


def test_a_hint_that_cannot_be_resolved_is_not_checked() -> None:
    def build(thing: "Thing", width: int = 1) -> "Thing":
        return thing

    assert arguments_of(build)["thing"].annotation is Any
    check_arguments(build, {"thing": 3}, at="model")


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (1, int, True),
        (1.0, int, False),
        (True, int, False),
        (1, float, True),
        (True, float, False),
        ("1", float, False),
        (None, float | None, True),
        (1, Literal[1, 2], True),
        (True, Literal[1, 2], False),
        (3, Literal[1, 2], False),
        ([1, 2], list[int], True),
        ([1, "a"], list[int], False),
        ([1, "a"], tuple[int, str], True),
        ([1], tuple[int, str], False),
        ([1, 2, 3], tuple[int, ...], True),
        (1, list[int], False),
        ({"a": 1}, dict[str, int], True),
        ({"a": "b"}, dict[str, int], False),
        ([1], dict[str, int], False),
        (1, str | list[str], False),
        ("torch.nn.ReLU", nn.Module, True),
        ("torch.optim.SGD", nn.Module, False),
    ],
)
def test_which_values_fit_which_hints(value: Any, hint: Any, expected: bool) -> None:
    assert fits(value, hint) is expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hiden": 1}, r"^`model setting` must be one of 'hidden', .*, but got 'hiden'\. Did you mean 'hidden'\?$"),
        ({"hidden": "8"}, r"^`model\.hidden` must be int, but got '8' \(str\)\.$"),
        ({"hidden": 8, "norm": "bach"}, r"^`model\.norm` must be one of 'batch', 'none', but got 'bach'\. Did you"),
        ({"norm": "none"}, r"^`model\.hidden` must be given: `Net` has no default for it\. Put it in the base"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        check_arguments(Net, values, at="model")


def test_what_fits_is_accepted() -> None:
    check_arguments(Net, {"hidden": 8, "widths": [4, 2], "lr": 1, "seed": 3}, at="model")


def test_an_argument_is_a_setting_of_a_subject() -> None:
    found = {name: one.as_setting(at="model") for name, one in arguments_of(Net).items()}
    assert found["norm"].choices == ("batch", "none")
    assert (found["lr"].default, found["lr"].kinds) == (0.2, frozenset({float}))
    assert found["dropout"].kinds == {float, type(None)}
    assert (found["hidden"].default, found["hidden"].meaning) == (
        None,
        "Units of the hidden layer.",
    )
    assert found["act"].kinds == {bool, int, float, str, list, type(None)}
    found["lr"].check_level("model.lr", 1)
    with pytest.raises(
        SettingError, match=r"^`model\.lr` must be float, but got 'fast' \(str\)\.$"
    ):
        found["lr"].check_level("model.lr", "fast")


def test_a_field_of_a_dataclass_and_what_any_call_takes_are_arguments() -> None:
    found = arguments_of(Whole)
    assert list(found) == ["options.width", "options.act", "head", "rate"]
    assert (found["options.width"].default, found["options.width"].doc) == (4, "Units.")
    assert found["options.act"].choices == ("relu", "gelu")
    made = maker(Whole, {"options.width": 7, "rate": 3}, at="model")()
    assert (made.options, made.base.rate) == (Options(width=7), 3.0)


def test_an_object_is_named_by_its_class_and_made_anew_each_time() -> None:
    given = {"head.class_path": "torch.nn.Linear", "head.init_args.in_features": 2}
    make = maker(Whole, {**given, "head.init_args.out_features": 3}, at="model")
    first, second = make().head, make().head
    assert first.weight.shape == (3, 2)
    assert first is not second
    assert isinstance(maker(Whole, {"head": "torch.nn.ReLU"}, at="model")().head, nn.ReLU)


def test_of_an_object_those_arguments_are_settings_that_are_said() -> None:
    said = {"head.class_path": ["torch.nn.Linear"], "head.init_args.bias": [True, False]}
    found = settings_of(Whole, said, at="model")
    assert "head" not in found
    assert found["head.init_args.bias"].default is True
    assert found["head.init_args.bias"].kinds == {bool}
    with pytest.raises(
        SettingError, match=r"^`model\.head\.init_args` must be one of 'in_features', .*'bais'"
    ):
        settings_of(Whole, {**said, "head.init_args.bais": [True]}, at="model")


def test_a_class_of_a_factor_leaves_out_what_only_the_others_take() -> None:
    values = {"head.class_path": "torch.nn.ReLU", "head.init_args.out_features": 3}
    assert not_taken(Whole, values, at="model") == {"head.init_args.out_features"}
    assert isinstance(maker(Whole, values, at="model")().head, nn.ReLU)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"head": "torch.optim.SGD"}, r"`model\.head` must be Module \| None, but got 'torch\.optim\.SGD' \(str\)\."),
        ({"head.class_path": "nowhere.Head"}, r"`model\.head\.class_path` must name a class, but 'nowhere\.Head'"),
        ({"head.class_path": "../../x"}, r"`model\.head\.class_path` must name a class, but '\.\./\.\./x' is no path"),
        ({"head.class_path": "torch.nn.Nothing"}, r"`model\.head\.class_path` must name a class, but 'torch\.nn\.N"),
        ({"head.init_args.units": 3}, r"`model\.head\.class_path` must name the class whose arguments are given"),
        ({"head.class_path": "torch.nn.ReLU", "head.init_args.inplace": 3}, r"`model\.head\.init_args\.inplace` must"),
        ({"options.act": "tanh"}, r"`model\.options\.act` must be one of 'relu', 'gelu', but got 'tanh'"),
        ({"options.wdth": 3}, r"but got 'options\.wdth'\. Did you mean 'options\.width'"),
    ],
)  # fmt: skip
def test_an_object_that_does_not_fit_is_refused_in_a_sentence(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message) as refused:
        check_arguments(Whole, values, at="model")
    assert "\n" not in str(refused.value)


class Colour(Enum):
    RED = 1
    BLUE = 2


def test_the_members_of_an_enumeration_are_named() -> None:
    def paint(colour: Colour = Colour.RED) -> None: ...

    check_arguments(paint, {"colour": "BLUE"}, at="model")
    said = r"^`model\.colour` must be one of 'RED', 'BLUE', but got 'BLEU'\. Did you mean 'BLUE'\?$"
    with pytest.raises(SettingError, match=said):
        check_arguments(paint, {"colour": "BLEU"}, at="model")


def test_a_class_of_the_running_program_is_refused() -> None:
    with pytest.raises(
        SettingError,
        match=r"^'__main__:Prices' lies in the program or notebook that runs now.* `mine:Prices`\.$",
    ):
        load("__main__:Prices")


@pytest.mark.parametrize(
    "value",
    ["__main__.Mine", ["__main__.Mine"], [{"class_path": "__main__.Mine", "init_args": {"x": 1}}]],
)
def test_an_object_of_the_running_program_is_refused(value: Any) -> None:
    callbacks = arguments_of(pl.Trainer)["callbacks"]
    with pytest.raises(SettingError, match=r"^'__main__\.Mine' lies in .* name it `mine\.Mine`\.$"):
        check_value(callbacks, value, at="trainer")
