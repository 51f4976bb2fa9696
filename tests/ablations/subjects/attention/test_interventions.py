import numpy as np
import pytest

from ablations.designs.expand import expand
from ablations.designs.expand import verify as verify_arms
from ablations.designs.spaces import load_space
from ablations.errors import StudyError
from ablations.subjects.attention.interventions import (
    Shape,
    verify,
)
from ablations.subjects.attention.settings.arms import with_values
from ablations.subjects.attention.settings.groups import Arm, Attention, Backbone
from ablations.subjects.intervention import Intervention, refuse

SHAPE = Shape(in_channels=1, image=8, classes=3)
BASE = Arm(attention=Attention(reduction=4), backbone=Backbone(width=8))


def verified(
    changes: dict[str, dict], *, base: Arm = BASE, declared: tuple[str, ...] | None = None
) -> tuple[Intervention, ...]:
    arms = {"baseline": base}
    arms |= {label: with_values(base, values) for label, values in changes.items()}
    names = declared or tuple({name for values in changes.values() for name in values})
    return verify(arms, declared=names, shape=SHAPE)


def test_the_table_says_what_each_arm_changes():
    base, ratio, none = verified(
        {"r=2": {"attention.reduction": 2}, "none": {"attention.placement": "none"}}
    )
    assert (base.changed, base.params_change, base.output_change) == ((), 0, 0.0)
    assert ratio.changed == ("attention.reduction",)
    # 2 C² / r with C = 8, 16, 32: 1344 at r = 2, half of it at r = 4.
    assert ratio.params_change == 672
    assert all(".attention." in name for name in ratio.reshaped)
    assert len(ratio.reshaped) == 6
    assert none.params_change == -672
    assert "layer1.0.attention" in none.removed
    assert ratio.output_change > 1e-3
    assert [row.problem for row in (base, ratio, none)] == [None, None, None]


@pytest.mark.parametrize(
    "changes",
    [
        {"attention.control": "constant", "attention.gain": "unit"},
        {"attention.control": "constant", "attention.gate": "one_plus_tanh"},
    ],
)
def test_a_block_that_is_the_identity_changes_nothing(changes):
    base = with_values(BASE, {"attention.placement": "none"})
    table = verified({"one": {"attention.placement": "standard", **changes}}, base=base)
    with pytest.raises(
        StudyError,
        match=r"'one' changes nothing: its network is that of 'baseline', the baseline\.",
    ):
        refuse(table)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            {"attention.gate": "one_plus_tanh"},
            {"attention.gate": "two_sigmoid", "attention.temperature": 0.5},
        ),
        ({"attention.gain": "unit"}, {"attention.gate": "two_sigmoid"}),
        ({"attention.ratio": 0.5}, {"attention.reduction": 2}),
        (
            {"attention.reduction": 5, "attention.rounding": "divisible"},
            {"attention.reduction": 6, "attention.rounding": "divisible"},
        ),
        (
            {"attention.norm": "batch", "attention.bias": True},
            {"attention.norm": "batch", "attention.bias": "last"},
        ),
    ],
)
def test_two_arms_that_are_one_network_are_refused_and_both_named(first, second):
    with pytest.raises(StudyError, match=r"'second' and 'first' are one network\."):
        refuse(verified({"first": first, "second": second}))


def test_the_first_power_is_the_average_where_no_map_is_negative():
    base = with_values(BASE, {"attention.placement": "inner", "attention.order": "after"})
    power = {"attention.squeeze": "lp", "attention.squeeze_power": 1}
    with pytest.raises(
        StudyError, match=r"'p=1' changes nothing: its network is that of 'baseline'"
    ):
        refuse(verified({"p=1": power}, base=base))
    refuse(verified({"p=2": power | {"attention.squeeze_power": 2}}, base=base))


@pytest.mark.parametrize("squeeze", ["max", "lse", "attention"])
def test_on_a_single_position_other_means_are_the_average(squeeze):
    base = with_values(BASE, {"attention.stages": "3"})
    arms = {"baseline": base, squeeze: with_values(base, {"attention.squeeze": squeeze})}
    small = Shape(in_channels=1, image=4, classes=3)
    table = verify(arms, declared=["attention.squeeze"], shape=small)
    equal = table[1].output_change < 1e-9
    assert equal
    # Learnt pooling has weights of its own, so it is another network though it computes the same.
    assert (table[1].problem is None) == (squeeze == "attention")


def test_a_change_outside_the_declared_factor_is_refused():
    table = verified(
        {"r=2": {"attention.reduction": 2, "attention.bias": True}},
        declared=("attention.reduction",),
    )
    with pytest.raises(
        StudyError,
        match=r"'r=2' differs from 'baseline' in attention\.bias, which the study does not declare "
        r"\(attention\.reduction\)\.",
    ):
        refuse(table)


def test_frozen_weights_are_another_network_though_the_output_is_the_same():
    table = verified({"frozen": {"attention.control": "frozen"}})
    assert table[1].output_change == 0
    assert table[1].problem is None


def test_a_block_that_starts_as_the_identity_is_told_apart_once_its_weights_move():
    base = with_values(BASE, {"attention.placement": "none"})
    table = verified(
        {"gct": {"attention.placement": "standard", "attention.kind": "gct"}}, base=base
    )
    assert table[1].output_change > 1e-3
    assert table[1].problem is None


def test_factors_of_the_recipe_are_outside_the_check():
    table = verified({"slow": {"training.learning_rate": 0.01}})
    assert table[1].output_change == 0
    assert table[1].problem is None


def test_a_widened_host_is_a_declared_change_of_the_host():
    table = verified({"wide": {"attention.control": "widen_params", "attention.reduction": 1}})
    assert table[1].problem is None
    assert "layer1.0.conv1.weight" in table[1].reshaped


@pytest.mark.parametrize(
    "name",
    [
        "reduction",
        "squeeze",
        "gate",
        "placement",
        "excitation",
        "controls",
        "kin",
        "initialisation",
    ],
)
def test_every_arm_of_the_presets_is_an_intervention(name):
    space = load_space(name)
    expansion = expand(space)
    assert not expansion.illegal
    refuse(verify_arms(space, expansion) or ())


def test_other_data_are_no_twin_wherever_they_lie(tmp_path):
    roots = []
    for number in range(2):
        x = np.random.default_rng(number).random((20, 1, 8, 8))
        np.savez(tmp_path / f"{number}.npz", x=x, y=np.repeat([0, 1], 10))
        roots.append(str(tmp_path / f"{number}.npz"))
    base = with_values(BASE, {"data.name": "npz", "data.root": roots[0]})
    (_, other) = verified({"other data": {"data.root": roots[1]}}, base=base)
    assert other.problem is None
