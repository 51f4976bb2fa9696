from pathlib import Path
from typing import Any

import pytest

from ablations.designs.expand import expand, plan_arm, planned_run
from ablations.designs.space import Factor, Space
from ablations.designs.spaces import load_space
from ablations.engine.records.folder import StudyFolder
from ablations.errors import StudyError
from ablations.plan import PlannedRun
from ablations.studies.around import around
from ablations.studies.declaration import declare

SPACE = load_space("gate").model_copy(
    update={
        "factors": (
            Factor(name="attention.gate", levels=("sigmoid", "one_plus_tanh")),
            Factor(name="training.learning_rate", low=0.01, high=0.2),
        )
    }
)
TUNED = {"attention.gate": "one_plus_tanh", "training.learning_rate": 0.05}


def study(
    folder: Path, losses: dict[str, list[float | None]], *, design: str = "search"
) -> StudyFolder:
    """A search whose confirm runs came to these losses; `none` is the baseline, None a failed run."""
    arms = {"none": plan_arm(SPACE, {}), "tuned": plan_arm(SPACE, TUNED),
            "rate": plan_arm(SPACE, {"training.learning_rate": 0.05})}  # fmt: skip
    declared = declare(SPACE, arms["none"], study=folder.name, design=design, seeds=[0])
    more: dict[str, Any] = {"search": {"objectives": ["val_loss"]}} if design == "search" else {}
    made = StudyFolder.create(folder, {**declared, **more})
    for name, values in losses.items():
        for seed, loss in enumerate(values, start=3):
            commit(made, planned_run(arms[name], seed=seed, stage="confirm"), loss)
    return made


def commit(folder: StudyFolder, planned: PlannedRun, loss: float | None) -> None:
    folder.append_plan([planned])
    attempt = folder.begin_attempt(planned.run)
    outcome: dict[str, Any] = {"state": "COMPLETE", "val_loss": loss}
    if loss is None:
        outcome = {"state": "FAILED", "error": {"type": "ValueError", "message": "no"}}
    folder.end_attempt(planned.run, attempt, outcome)
    folder.commit([(planned.run, attempt)])


def test_the_winner_is_the_baseline_and_each_tuned_setting_may_go_back(tmp_path: Path) -> None:
    folder = study(tmp_path / "look", {"none": [0.5, 0.6], "tuned": [0.2, 0.3], "rate": [0.4, 0.4]})
    space = around(folder, name="back")
    assert {name: space.baseline[name] for name in TUNED} == TUNED
    assert {f.name: f.levels for f in space.factors} == {
        "attention.gate": ("one_plus_tanh", "sigmoid"),
        "training.learning_rate": (0.05, SPACE.baseline["training.learning_rate"]),
    }
    assert space.first_seeds(2) == [5, 6]  # behind all that the study has used
    assert len(expand(space, design="loco").arms) == 3
    assert Space(**space.stated()) == space


def test_an_arm_that_lost_a_run_does_not_win(tmp_path: Path) -> None:
    folder = study(
        tmp_path / "look", {"none": [0.5, 0.6], "tuned": [0.1, None], "rate": [0.4, 0.4]}
    )
    space = around(folder, name="back")
    assert [factor.name for factor in space.factors] == ["training.learning_rate"]


def test_what_has_no_winner_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"the best confirmed arm of same is the baseline"):
        around(study(tmp_path / "same", {"none": [0.1], "rate": [0.4]}), name="back")
    with pytest.raises(
        StudyError, match=r"look has no confirmed arm yet.*`ablate confirm look` first"
    ):
        around(study(tmp_path / "look", {}), name="back")
    with pytest.raises(StudyError, match=r"plain is no search \(its design is grid\)"):
        around(study(tmp_path / "plain", {}, design="grid"), name="back")


def test_a_space_that_begins_at_0_says_nothing_of_it() -> None:
    assert "first_seed" not in SPACE.stated()
    assert SPACE.model_copy(update={"first_seed": 3}).stated()["first_seed"] == 3
