from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ablations.designs.expand import plan_arm, planned_run
from ablations.designs.spaces import load_space
from ablations.engine.records.folder import StudyFolder
from ablations.errors import SettingError, StudyError
from ablations.studies.declaration import declare
from ablations.studies.reproduction import reproduce
from ablations.subjects.attention.settings.arms import arm_of
from ablations.subjects.attention.settings.groups import Run
from ablations.subjects.attention.training.run import train

SHORT = {"training.epochs": 1, "training.warmup_epochs": 0, "training.batch_size": 256}


@pytest.fixture(scope="module")
def stored() -> dict[str, object]:
    arm = plan_arm(load_space("gate", SHORT), {})
    outcome = train(Run(arm=arm_of(arm.arm), seed=0))
    return {"attempt": 1, "state": "COMPLETE", "versions": {"torch": "1.0"}, **asdict(outcome)}


def study(path: Path, result: dict[str, object]) -> tuple[StudyFolder, str]:
    space = load_space("gate", SHORT)
    arm = plan_arm(space, {})
    folder = StudyFolder.create(path, declare(space, arm, study="s", design="grid", seeds=[0]))
    run = planned_run(arm, seed=0, stage="grid")
    folder.append_plan([run])
    folder.begin_attempt(run.run)
    folder.end_attempt(run.run, 1, result)
    folder.commit([(run.run, 1)])
    return folder, run.run


def test_a_run_trained_again_is_equal_and_what_changed_is_said(
    tmp_path: Path, stored: dict[str, object]
) -> None:
    folder, run = study(tmp_path / "s", stored)
    done = reproduce(folder, run[:5])
    assert done.run == run
    assert done.equal
    assert done.again["val_loss"] == stored["val_loss"]
    (changed,) = done.conditions
    assert changed.startswith("torch: 1.0 -> ")


def test_a_result_that_another_training_gave_is_not_equal(
    tmp_path: Path, stored: dict[str, object]
) -> None:
    folder, run = study(tmp_path / "s", {**stored, "val_loss": 0.5})
    assert not reproduce(folder, run).equal


def test_a_run_of_a_stack_says_that_it_was_not_alone(
    tmp_path: Path, stored: dict[str, object]
) -> None:
    folder, run = study(tmp_path / "s", {**stored, "stacked": 3})
    assert "trained in step with 2 others -> alone" in reproduce(folder, run).conditions
    folder, run = study(tmp_path / "t", {**stored, "stacked": 1, "versions": {}})
    assert reproduce(folder, run).conditions == ()


def test_what_cannot_be_reproduced_is_told(tmp_path: Path, stored: dict[str, object]) -> None:
    folder, run = study(tmp_path / "s", {**stored, "state": "FAILED", "error": {"type": "E"}})
    with pytest.raises(
        StudyError, match=r"only a COMPLETE run can be reproduced, but .* is FAILED"
    ):
        reproduce(folder, run)
    with pytest.raises(
        StudyError, match=r"no id begins with 'nothing'\. The ids stand in .*plan\.jsonl"
    ):
        reproduce(folder, "nothing")
    planned = folder.plan()[0]
    folder.append_plan([replace(planned, run=f"{run}{end}", seed=9 + end) for end in range(4)])
    with pytest.raises(StudyError, match=rf"'{run[:3]}' begins 5: .*, \.\.\.\. Give more of it\."):
        reproduce(folder, run[:3])
    with pytest.raises(StudyError, match=f"but {run} is FAILED"):  # an id is no beginning of others
        reproduce(folder, run)
    with pytest.raises(SettingError, match=r"`device` must be one that torch has here \(cpu"):
        reproduce(folder, run, device="cuda:7")
