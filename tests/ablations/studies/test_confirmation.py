from pathlib import Path

import pytest

from ablations.cli.main import main
from ablations.designs.expand import expand, plan_arm, runs
from ablations.designs.spaces import load_space
from ablations.engine.records.folder import StudyFolder
from ablations.errors import SettingError, StudyError
from ablations.plan import PlannedRun
from ablations.studies.confirmation import confirm_runs, unfinished_confirm
from ablations.studies.declaration import declare
from ablations.subjects.attention.settings.groups import Run

SPACE = load_space("reduction")
LOSS = {1: 0.5, 2: 0.1, 4: 0.3, 8: 0.2, 16: 0.4}


def commit(folder: StudyFolder, planned: PlannedRun, loss: float, **more: float) -> None:
    attempt = folder.begin_attempt(planned.run)
    folder.end_attempt(planned.run, attempt, {"state": "COMPLETE", "val_loss": loss, **more})
    folder.commit([(planned.run, attempt)])


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study of five ratios, two seeds each; r = 2 is the best and r = 8 the next."""
    arms = expand(SPACE).arms
    made = StudyFolder.create(
        tmp_path / "s", declare(SPACE, arms[0], study="s", design="grid", seeds=[0, 1])
    )
    planned = runs(arms, seeds=[0, 1], stage="grid")
    made.append_plan(planned)
    for run in planned:
        commit(made, run, LOSS.get(run.factors["attention.reduction"], 0.9) + run.seed / 100)
    return made


def ratios(planned: list[PlannedRun]) -> list[float]:
    return [run.factors["attention.reduction"] for run in planned if run.seed == planned[0].seed]


def test_the_best_arms_and_the_baseline_are_confirmed_on_fresh_seeds(folder: StudyFolder) -> None:
    planned = confirm_runs(folder, top=2, seeds=3)
    assert ratios(planned) == [4, 2, 8]
    assert sorted({run.seed for run in planned}) == [2, 3, 4]
    assert {run.stage for run in planned} == {"confirm"}
    assert len({run.run for run in planned}) == 9
    assert all(Run(**run.settings).seed == run.seed for run in planned)


def test_a_confirmed_run_has_the_id_that_the_same_run_has_anywhere(folder: StudyFolder) -> None:
    (first, *_) = confirm_runs(folder, top=1, seeds=1)
    arm = plan_arm(SPACE, {})
    assert first.run == runs([arm], seeds=[2], stage="grid")[0].run


def test_an_interrupted_confirmation_goes_on_with_the_same_runs(folder: StudyFolder) -> None:
    planned = confirm_runs(folder, top=1, seeds=2)
    folder.append_plan(planned)
    commit(folder, planned[0], 0.05)
    assert unfinished_confirm(folder) == (2, 2)
    assert confirm_runs(folder, top=4, seeds=9) == planned


def test_a_fitted_ratio_is_confirmed_beside_its_tested_neighbours(folder: StudyFolder) -> None:
    planned = confirm_runs(folder, top=1, seeds=1, at={"attention.reduction": "3.2"})
    assert ratios(planned) == [4, 3.2, 2]


def test_a_fitted_ratio_must_be_a_level_of_a_numeric_factor(folder: StudyFolder) -> None:
    with pytest.raises(
        SettingError,
        match=r"^`at` \(`--set`\) must set a numeric factor of the space, but got \{'attention\.gate': 'relu'\}\.$",
    ):
        confirm_runs(folder, top=1, seeds=1, at={"attention.gate": "relu"})


def test_a_ratio_that_is_no_number_is_refused(folder: StudyFolder) -> None:
    with pytest.raises(SettingError, match="reduction"):
        confirm_runs(folder, top=1, seeds=1, at={"attention.reduction": "abc"})


def test_an_arm_that_differs_in_what_the_study_does_not_vary_is_refused(
    folder: StudyFolder,
) -> None:
    with pytest.raises(
        SettingError,
        match=r"must name what the study varies \(attention.reduction, .*\), but got 'attention.rounding', in which",
    ):
        confirm_runs(
            folder, top=1, seeds=1, at={"attention.reduction": 3, "attention.rounding": "round"}
        )


def test_a_ratio_that_cannot_be_built_is_refused(folder: StudyFolder) -> None:
    with pytest.raises(SettingError, match="16"):
        confirm_runs(folder, top=1, seeds=1, at={"attention.reduction": 3})


def search_of_three(path: Path, **search: object) -> StudyFolder:
    """A search that tried r = 1, 4 and 16: the larger the network, the smaller the loss."""
    arms = [plan_arm(SPACE, {"attention.reduction": r}) for r in (1, 4, 16)]
    declared = declare(SPACE, arms[1], study="s", design="search", seeds=[0])
    made = StudyFolder.create(path, {**declared, "search": {"per_arm": None, **search}})
    planned = runs(arms, seeds=[0], stage="search")
    made.append_plan(planned)
    for run, loss, latency in zip(planned, (0.1, 0.2, 0.3), (3.0, 9.0, 1.0), strict=True):
        commit(made, run, loss, latency=latency)
    return made


def test_an_arm_that_breaks_the_searchs_constraint_is_not_confirmed(tmp_path: Path) -> None:
    params = plan_arm(SPACE, {}).cost["params"]
    folder = search_of_three(tmp_path / "s", objectives=["val_loss"], max_params=params)
    assert ratios(confirm_runs(folder, top=1, seeds=1)) == [4]
    assert ratios(confirm_runs(folder, top=9, seeds=1)) == [4, 16]
    none = search_of_three(tmp_path / "none", objectives=["val_loss"], max_params=1)
    with pytest.raises(StudyError, match=r"no arm of the search has at most 1 parameters"):
        confirm_runs(none, top=1, seeds=1)


def test_arms_that_no_other_beats_in_every_objective_are_confirmed_first(tmp_path: Path) -> None:
    folder = search_of_three(tmp_path / "s", objectives=["val_loss", "latency"])
    # r = 4 is worse than r = 1 in both; the baseline comes along first.
    assert ratios(confirm_runs(folder, top=2, seeds=1)) == [4, 1, 16]


@pytest.mark.parametrize(("top", "seeds"), [(0, 1), (-1, 1), (1, 0)])
def test_numbers_below_one_are_refused(folder: StudyFolder, top: int, seeds: int) -> None:
    with pytest.raises(SettingError, match="`top >= 1` and `seeds >= 1` must hold"):
        confirm_runs(folder, top=top, seeds=seeds)


def test_nothing_can_be_confirmed_before_a_run_is_complete(tmp_path: Path) -> None:
    arm = plan_arm(SPACE, {})
    folder = StudyFolder.create(
        tmp_path / "s", declare(SPACE, arm, study="s", design="grid", seeds=[0])
    )
    folder.append_plan(runs([arm], seeds=[0], stage="grid"))
    with pytest.raises(StudyError, match="no complete run yet, so there is nothing to confirm"):
        confirm_runs(folder, top=1, seeds=1)


def test_a_confirmation_is_told_before_it_runs(
    folder: StudyFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablations.cli.words.estimate_text.estimate", lambda *_, **__: None)
    before = folder.plan()
    words = ["confirm", folder.path.name, "--root", str(folder.path.parent)]
    main([*words, "--top", "1", "--seeds", "3", "--dry-run"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 arms x 3 fresh seeds (")
    assert lines[0].endswith(" = 6 runs")
    assert len(lines) == 4
    assert folder.plan() == before
