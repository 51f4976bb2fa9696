from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablations.designs.space import Factor, Space
from ablations.errors import SettingError
from ablations.studies.planned_comparisons import refuse_planned_search, refuse_undecidable
from ablations.studies.study import run, show
from ablations.subjects.attention.settings.groups import Arm, Attention
from analysis.planned.comparisons import load_comparisons

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
    entry = {"factor": factor, "levels": levels, "metric": metric}
    return {"planned": {"comparisons": [entry]}, "planned_hash": "x"}


@pytest.mark.parametrize(
    ("factor", "levels"),
    [
        ("attention.reduction", (4, 16.0)),
        ("reduction", (1, 16)),
        ("placement", ("standard", "none")),  # arms without attention have no ratio to differ in
        ("attention.control", ("none", "shuffled")),
    ],
)
@pytest.mark.parametrize("design", ["grid", "loco"])
def test_what_arms_of_the_study_can_decide_is_planned(
    factor: str, levels: tuple[Any, ...], design: str
) -> None:
    refuse_undecidable(planned(factor, *levels), show(SPACE, design=design).arms)
    refuse_undecidable(None, show(SPACE, design=design).arms)


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        (planned("reduction", 4, 15), "`attention.reduction` must be one of 4, 1, 16, but got 15."),
        (
            planned("attention.reduction", 4, True),
            "`attention.reduction` must be one of 4, 1, 16, but got true.",
        ),
        (
            planned("reduction", 4, "16"),
            '`attention.reduction` must be one of 4, 1, 16, but got "16".',
        ),
        (
            planned("reduction", 4, None),
            "`attention.reduction` must be one of 4, 1, 16, but got null.",
        ),
        (
            planned("placement", "standard", "nine"),
            "`attention.placement` must be one of 'standard', 'none', but got 'nine'. "
            "Did you mean 'none'?",
        ),
        (
            planned("reductio", 4, 1),
            "`factor` must be one of 'attention.placement', 'attention.reduction', "
            "'attention.control', but got 'reductio'. Did you mean 'attention.reduction'?",
        ),
        (
            planned("reduction", 4, 1, metric="val_los"),
            "`metric` must be one of 'val_loss', 'val_accuracy', 'train_loss', 'params', "
            "'attention_params', 'macs', 'latency', 'seconds', but got 'val_los'. Did you mean 'val_loss'?",
        ),
    ],
)
def test_what_no_run_could_decide_is_refused(comparison: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        refuse_undecidable(comparison, show(SPACE).arms)
    assert str(refused.value) == f"comparison 1: {message}"


def test_levels_that_no_two_arms_differ_in_alone_cannot_be_planned() -> None:
    together = SPACE.model_copy(
        update={
            "factors": (
                Factor(name="attention.reduction", levels=(4, 16)),
                Factor(name="attention.gate", levels=("sigmoid", "one_plus_tanh")),
            ),
            "controls": {},
        }
    )
    comparison = planned("reduction", 4, 16)
    refuse_undecidable(comparison, show(together).arms)
    with pytest.raises(
        SettingError,
        match=r"^comparison 1: `attention.reduction` at 4 and 16 must be compared in arms that differ in nothing "
        r"else, but no two arms do\. Use another design, as grid or loco\.$",
    ):
        refuse_undecidable(comparison, show(together, design="zip").arms)


def test_a_short_name_of_two_factors_is_refused() -> None:
    names = ("backbone.name", "data.name")
    base = show(SPACE).arms[0]
    arms = [
        replace(base, factors=dict(zip(names, levels, strict=True)))
        for levels in (("a", "a"), ("a", "b"))
    ]
    refuse_undecidable(planned("data.name", "a", "b"), arms)
    with pytest.raises(SettingError, match=r"`factor` must be one of 'backbone.name', 'data.name'"):
        refuse_undecidable(planned("name", "a", "b"), arms)


def test_what_is_planned_is_what_a_file_declares(tmp_path: Path) -> None:
    file = tmp_path / "comparisons.yaml"
    file.write_text("comparisons: [{factor: reduction, levels: [4, 16]}]")
    refuse_undecidable(load_comparisons(file).declared, show(SPACE).arms)
    with pytest.raises(
        SettingError,
        match=r"^`planned` must be `analysis.planned.comparisons.load_comparisons\(path\)\.declared`, "
        r"but is a Comparisons\.$",
    ):
        refuse_undecidable(load_comparisons(file), show(SPACE).arms)  # type: ignore[arg-type]


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
