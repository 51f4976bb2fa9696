from dataclasses import replace

import pytest

from ablations.designs.expand import expand, plan_arm, refuse_illegal, runs
from ablations.designs.space import Factor, Space
from ablations.designs.spaces import load_space
from ablations.errors import SettingError, StudyError
from ablations.subjects.attention.settings.arms import arm_of
from ablations.subjects.attention.settings.groups import Arm, Attention, Run

TOO_FAR = Space(
    name="far",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(Factor(name="attention.reduction", levels=(3, 4, 64)),),
)


def test_the_reduction_preset_is_five_ratios_and_no_attention() -> None:
    expansion = expand(load_space("reduction"))
    assert [arm.label for arm in expansion.arms] == [
        "reduction=4 (baseline)", "reduction=1", "reduction=2", "reduction=8", "reduction=16", "no attention",
    ]  # fmt: skip
    assert expansion.illegal == ()
    assert [arm.cost["attention_params"] for arm in expansion.arms] == [
        2688,
        10752,
        5376,
        1344,
        672,
        0,
    ]


def test_a_ratio_that_does_not_divide_is_listed_with_the_rule_and_refused() -> None:
    expansion = expand(TOO_FAR)
    assert [label for label, _ in expansion.illegal] == ["reduction=3", "reduction=64"]
    assert "16" in expansion.illegal[0][1]
    with pytest.raises(
        StudyError, match=r"2 arm\(s\) of the space `far` cannot be built:\n  reduction=3: "
    ):
        refuse_illegal(TOO_FAR, expansion)


def test_a_space_may_say_to_skip_what_is_illegal() -> None:
    space = Space(**{**TOO_FAR.model_dump(), "skip_illegal": True})
    refuse_illegal(space, expand(space))
    assert [arm.label for arm in expand(space).arms] == ["reduction=4 (baseline)"]


def test_an_illegal_baseline_cannot_be_skipped() -> None:
    space = Space(
        name="x",
        baseline=Arm(attention=Attention(reduction=64)),
        factors=(Factor(name="attention.reduction", levels=(4, 64)),),
        skip_illegal=True,
    )
    with pytest.raises(SettingError, match="the baseline cannot be built: "):
        expand(space)


def test_an_unused_factor_is_none_and_its_arms_are_folded() -> None:
    expansion = expand(load_space("placement"))
    none = [arm for arm in expansion.arms if arm.factors["attention.placement"] == "none"]
    assert [arm.factors["attention.order"] for arm in none] == [None]
    # On these no activation follows that order could be before.
    assert expansion.folded == tuple(
        (f"placement={place}, order=after", f"placement={place}")
        for place in ("pre", "post", "identity", "none")
    )


def test_runs_come_in_whole_seed_blocks() -> None:
    arms = expand(load_space("squeeze")).arms[:3]
    planned = runs(arms, seeds=(3, 5), stage="grid")
    assert [run.seed for run in planned] == [3, 3, 3, 5, 5, 5]
    assert len({run.run for run in planned}) == 6
    assert len({run.arm for run in planned}) == 3
    assert Run(**planned[0].settings) == Run(arm=arm_of(arms[0].arm), seed=3)


def test_an_arms_data_are_asked_for_once_however_many_its_seeds() -> None:
    asked: list[object] = []
    arm = expand(load_space("reduction")).arms[0]
    about = replace(arm.about, fingerprint=lambda values: str(asked.append(values)))
    found = runs([replace(arm, about=about)], seeds=range(50), stage="grid")
    assert len(asked) == 1
    assert len({run.run for run in found}) == 50
    assert found[7].run == about.run_id(arm.arm, 7)


def test_an_unknown_design_gets_the_nearest_name() -> None:
    with pytest.raises(SettingError, match=r"but got 'gird'\. Did you mean 'grid'\?"):
        expand(load_space("squeeze"), design="gird")


def test_a_label_names_what_differs_from_the_baseline() -> None:
    made = plan_arm(load_space("full"), {"attention.reduction": 8, "attention.gate": "sigmoid"})
    assert made.label == "reduction=8"
