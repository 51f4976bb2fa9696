from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.cli.main import main
from ablations.cli.options.auto_pilot import SEEDS, pilot_space
from ablations.designs.spaces import load_space
from ablations.errors import StudyError
from benchmarks.synthetic_study import write_study


@pytest.mark.parametrize("name", ["full", "gate", "recipe", "senet/table14"])
def test_a_pilot_has_at_most_three_arms(name: str) -> None:
    space = load_space(name)
    if not any(factor.levels for factor in space.factors):
        pytest.skip("a space to search")
    small = pilot_space(space)
    (factor,) = small.factors
    assert 2 <= len(factor.levels) <= 3
    assert small.baseline == space.baseline
    assert small.name == f"{space.name}-pilot"
    assert small.controls == {}


def test_the_pilot_of_a_ratio_has_both_ends_and_the_baseline() -> None:
    space = load_space("reduction")
    (ratio,) = [factor for factor in space.factors if factor.name == "attention.reduction"]
    (factor,) = pilot_space(space).factors
    ends = {min(ratio.levels), max(ratio.levels), space.baseline["attention.reduction"]}
    assert set(factor.levels) == ends


def test_a_plan_runs_the_pilot_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(space, *, study, seeds, root, execution):
        write_study(root / study, ratios=space.factors[0].levels, seeds=seeds, control=False)
        return SimpleNamespace(exit_code=0)

    monkeypatch.setattr("ablations.studies.study.run", run)
    monkeypatch.setattr(
        "ablations.engine.executors.local.LocalExecutor.prepare", lambda *_, **__: None
    )
    main(["plan", "reduction", "--pilot", "auto", "--root", str(tmp_path)])
    said = " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "reduction-pilot" / "study.json").is_file()
    assert "The pilot knows sigma to" in said
    assert SEEDS == 4


def test_a_pilot_that_is_not_whole_stops_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "ablations.studies.study.run", lambda *_, **__: SimpleNamespace(exit_code=1, failed=2)
    )
    monkeypatch.setattr(
        "ablations.engine.executors.local.LocalExecutor.prepare", lambda *_, **__: None
    )
    with pytest.raises(SystemExit) as left:
        main(["plan", "gate", "--pilot", "auto", "--root", str(tmp_path)])
    assert left.value.code == 2
    assert "gate-pilot is not whole (2 of its runs failed)" in " ".join(
        capsys.readouterr().err.split()
    )


@pytest.mark.long
def test_without_any_noise_effects_are_planned_in_units_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["plan", "gate"])
    said = " ".join(capsys.readouterr().out.split())
    assert "effects are in units of sigma" in said
    assert "Seeds for effects" in said


def test_a_space_without_levels_has_no_pilot() -> None:
    with pytest.raises(StudyError, match="has no factor with levels"):
        pilot_space(load_space("recipe").model_copy(update={"factors": ()}))
