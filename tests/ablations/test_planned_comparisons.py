from pathlib import Path
from typing import Any

import pytest

from ablations.errors import SettingError
from ablations.planned_comparisons import refuse_planned_search, refuse_undecidable
from ablations.settings import Arm, Attention
from ablations.space import Factor, Space
from ablations.study import run, show

SPACE = Space(
    name="tiny",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(name="attention.placement", levels=("standard", "none")),
        Factor(name="attention.reduction", levels=(1, 4, 16)),
    ),
    controls={"shuffled": {"attention.control": "shuffled"}},
)


def planned(factor: str, *levels: Any, metric: str = "val_loss") -> dict[str, Any]:
    return {"planned": {"comparisons": [{"factor": factor, "levels": levels, "metric": metric}]}}


@pytest.mark.parametrize(
    ("factor", "levels"),
    [
        ("attention.reduction", (4, 16.0)),
        ("reduction", (4.0, None)),  # arms without attention have no ratio
        ("placement", ("standard", "none")),
        ("attention.control", ("none", "shuffled")),
    ],
)
def test_what_arms_of_the_study_can_decide_is_planned(factor: str, levels: tuple[Any, ...]) -> None:
    refuse_undecidable(planned(factor, *levels), show(SPACE).arms)
    refuse_undecidable(None, show(SPACE).arms)


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        (
            planned("attention.reduction", 4, 15),
            "comparison 1: `attention.reduction` must be one of '4', '1', '16', 'null', but got '15'. "
            "Did you mean '1'?",
        ),
        (
            planned("attention.reduction", 4, True),
            "comparison 1: `attention.reduction` must be one of '4', '1', '16', 'null', but got 'true'.",
        ),
        (
            planned("reductio", 4, 1),
            "comparison 1: `factor` must be one of 'attention.placement', 'attention.reduction', "
            "'attention.control', but got 'reductio'. Did you mean 'attention.reduction'?",
        ),
        (
            planned("reduction", 4, 1, metric="val_los"),
            "comparison 1: `metric` must be one of 'val_loss', 'val_accuracy', 'train_loss', 'params', "
            "'attention_params', 'macs', 'latency', 'seconds', but got 'val_los'. Did you mean 'val_loss'?",
        ),
    ],
)
def test_what_no_run_could_decide_is_refused(comparison: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        refuse_undecidable(comparison, show(SPACE).arms)
    assert str(refused.value) == message


def test_a_level_that_the_design_leaves_out_cannot_be_planned() -> None:
    three = SPACE.model_copy(update={"factors": SPACE.factors[1:]})
    arms = [arm for arm in show(three).arms if arm.factors["attention.reduction"] != 16]
    with pytest.raises(SettingError, match=r"must be one of '4', '1', but got '16'\."):
        refuse_undecidable(planned("reduction", 4, 16), arms)


@pytest.mark.parametrize("design", ["grid", "search"])
def test_a_study_is_not_made_where_its_comparisons_cannot_be_decided(
    tmp_path: Path, design: str
) -> None:
    with pytest.raises(SettingError, match="comparison"):
        run(SPACE, design=design, planned=planned("reduction", 4, 15), root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_search_takes_no_planned_comparisons() -> None:
    refuse_planned_search(None)
    with pytest.raises(SettingError, match="this is a search, which proposes as it goes"):
        refuse_planned_search(planned("reduction", 4, 1))
