"""A folder that somebody else sent is data: nothing of it is imported, and nothing leaves it, unasked."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from in_process import InProcess

from ablations.designs.spaces import load_space
from ablations.engine.records.folder import StudyFolder
from ablations.errors import SettingError, StudyError
from ablations.import_path import find_own_modules, load, place_of
from ablations.studies import trust
from ablations.studies.reproduction import reproduce
from ablations.studies.study import Execution, confirm, run
from ablations.subjects import find

PROGRAM = """
import pathlib
pathlib.Path("imported.txt").touch()

def score(config, seed):
    if config["how"] == "fail":
        raise ValueError("as asked")
    return {"val_loss": config["x"] + 0.1 * seed}
"""
SPACE = """
subject: my_scores:score
metric: {name: val_loss, direction: minimize}
baseline: {x: 1, how: good}
factors: [{name: x, levels: [1, 2]}]
seeds: 2
"""
HERE = Execution(executor=lambda _: InProcess(), wandb="disabled")


def at_the_desk(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """In the folder of a user with a home of their own, as in a fresh process as far as imports go."""
    patch.setenv("HOME", str(folder / "home"))
    patch.chdir(folder)
    patch.setattr(sys, "path", [*sys.path])
    find_own_modules()  # as every command does
    patch.delitem(sys.modules, "my_scores", raising=False)
    find._found.cache_clear()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A user's folder with a study that was run once there, and a copy of how it was then."""
    folder = tmp_path_factory.mktemp("begun") / "desk"
    (folder / "home").mkdir(parents=True)
    (folder / "my_scores.py").write_text(PROGRAM)
    (folder / "space.yaml").write_text(SPACE)
    with pytest.MonkeyPatch.context() as patch:
        at_the_desk(folder, patch)
        run(load_space("space.yaml"), study="s", execution=HERE)
    return folder, Path(shutil.copytree(folder, folder.with_name("kept")))


@pytest.fixture
def desk(begun: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, of a user with a home of their own, and a module of theirs in it."""
    folder, kept = begun
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    at_the_desk(folder, monkeypatch)
    return folder


@pytest.fixture
def study(desk: Path) -> StudyFolder:
    return StudyFolder.open(desk / "runs" / "s")


def another_user(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same folder at another user's desk, in a fresh process as far as imports go."""
    (desk / "other").mkdir()
    monkeypatch.setenv("HOME", str(desk / "other"))
    monkeypatch.delitem(sys.modules, "my_scores", raising=False)
    find._found.cache_clear()
    (desk / "imported.txt").unlink(missing_ok=True)


def test_a_study_of_ones_own_is_confirmed_and_reproduced_without_a_question(
    study: StudyFolder,
) -> None:
    first = study.plan()[0].run
    assert reproduce(study, first).equal
    assert confirm("s", top=1, seeds=1, execution=HERE).failed == 0
    key = Path.home() / trust.KEY
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_study_of_somebody_else_says_what_it_would_import_and_imports_nothing(
    desk: Path, study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_user(desk, monkeypatch)
    first = study.plan()[0].run
    asked = r"was not started by you on this machine.*\n  my_scores:score  \(it would be .*my_scores\.py\)\n.*--trust"
    with pytest.raises(StudyError, match=asked):
        reproduce(study, first)
    with pytest.raises(StudyError, match=asked):
        confirm("s", execution=HERE)
    assert not (desk / "imported.txt").exists()
    assert reproduce(study, first, trust=True).equal
    assert confirm("s", top=1, seeds=1, trust=True, execution=HERE).failed == 0
    assert reproduce(study, first).equal  # the folder is this user's now


def test_what_the_user_names_in_the_command_is_trusted_with_it(
    desk: Path, study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_user(desk, monkeypatch)
    assert run(load_space("space.yaml"), study="s", execution=HERE).complete == 4


def test_a_plan_that_names_more_than_the_study_is_asked_about(study: StudyFolder) -> None:
    lines = [json.loads(line) for line in study.plan_file.read_text().splitlines()]
    lines[0]["settings"]["arm"]["how"] = "os:getcwd"
    study.plan_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(StudyError, match=r"\n  os:getcwd  \("):
        reproduce(study, study.plan()[1].run)


def test_a_storage_that_the_folder_names_is_asked_about(desk: Path, study: StudyFolder) -> None:
    elsewhere = desk / "elsewhere.db"
    study.rewrite_study({**study.study(), "storage": f"sqlite:///{elsewhere}"})
    with pytest.raises(StudyError, match=r"elsewhere\.db  \(a database that would be written to\)"):
        confirm("s", execution=HERE)
    assert not elsewhere.exists()


def test_ones_own_study_is_asked_about_where_another_module_has_the_name(
    desk: Path, study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = desk / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "my_scores.py").write_text(PROGRAM.replace("imported.txt", "wrong.txt"))
    monkeypatch.chdir(elsewhere)
    monkeypatch.delitem(sys.modules, "my_scores", raising=False)
    find._found.cache_clear()
    asked = (
        r"started by you, but .* not installed, and here another file .*\n"
        r"  my_scores:score  \(it would be .*elsewhere/my_scores\.py\)\n.*--trust"
    )
    first = study.plan()[0].run
    for command in (
        lambda: reproduce(study, first),
        lambda: confirm("s", execution=HERE, root=desk / "runs"),
    ):
        with pytest.raises(StudyError, match=asked):
            command()
    assert not (elsewhere / "wrong.txt").exists()
    assert reproduce(study, first, trust=True).equal
    assert reproduce(study, first).equal  # it is the user's module from now on


def test_where_a_module_is_missing_that_is_said_and_nothing_asked(
    desk: Path, study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "my_scores.py").unlink()
    trust.refuse_untrusted(study, trust=False)


def test_no_path_of_the_users_stands_in_the_study(desk: Path, study: StudyFolder) -> None:
    assert list(study.study()[trust.PLACES]) == ["my_scores:score"]
    assert str(desk) not in study.study_file.read_text()


def test_what_is_installed_has_no_place(desk: Path) -> None:
    for name in (
        "optuna:create_study",
        "ablations.subjects.tasks.graphs.module:GraphClassifier",
        "no:no",
    ):
        assert trust._own_place(name) is None


def test_a_mark_is_no_others(
    desk: Path, study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_user(desk, monkeypatch)
    trust.marked({})  # this user has a key, too
    with pytest.raises(StudyError, match="was not started by you"):
        trust.refuse_untrusted(study, trust=False)


def test_without_a_home_a_study_runs_and_is_asked_about_later(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/proc/nowhere")
    run(load_space("space.yaml"), study="s", execution=HERE)
    with pytest.raises(StudyError, match="--trust"):
        confirm("s", execution=HERE)


def test_a_module_in_a_studys_folder_is_never_imported(study: StudyFolder) -> None:
    (study.path / "payload.py").write_text("raise SystemExit(0)")
    (study.path / "deep").mkdir()
    (study.path / "deep" / "__init__.py").write_text("raise SystemExit(0)")
    for path in ("runs.s.payload:load", "runs.s.deep.more:load"):
        with pytest.raises(SettingError, match=r"lies in the folder of a study \(.*/runs/s\)"):
            load(path)


def test_from_within_a_studys_folder_only_installed_modules_are_found(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (study.path / "payload.py").write_text("raise SystemExit(0)")
    monkeypatch.chdir(study.path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    with pytest.raises(SettingError, match="cannot be imported: No module named 'payload'"):
        load("payload:load")


def test_a_module_beside_the_study_never_stands_for_an_installed_one(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "optuna.py").write_text("raise SystemExit(0)")
    (desk / "my_own.py").write_text("x = 1")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    find_own_modules()
    assert sys.path[-1] == ""
    assert place_of("my_own") == desk / "my_own.py"
    assert place_of("optuna") != desk / "optuna.py"
    assert load("my_own:x") == 1


def test_a_workers_current_folder_does_not_come_first(desk: Path) -> None:
    (desk / "json.py").write_text("raise SystemExit(0)")  # a worker imports it
    quick = Execution(wandb="disabled")
    assert run(load_space("space.yaml"), study="w", seeds=1, execution=quick).complete == 2


@pytest.mark.parametrize("run_id", ["../../../victim", "/victim", "..", ".hidden"])
def test_a_plan_cannot_name_a_place_outside_the_study(
    desk: Path, study: StudyFolder, run_id: str
) -> None:
    victim = desk / "victim"
    (victim / "1").mkdir(parents=True)
    for name in (".bashrc", "1/.hidden", "checkpoint.ckpt"):
        (victim / name).write_text("mine")
    before = sorted(path.relative_to(desk) for path in victim.rglob("*"))
    lines = [json.loads(line) for line in study.plan_file.read_text().splitlines()]
    lost, lines[0]["run"] = lines[0]["run"], run_id
    study.plan_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(StudyError, match=r"1 line of plan\.jsonl cannot be read"):
        confirm("s", execution=HERE)
    summary = run(load_space("space.yaml"), study="s", execution=HERE)
    assert (summary.complete, summary.attempts) == (4, 0)
    assert sorted(path.relative_to(desk) for path in victim.rglob("*")) == before
    assert lost in {planned.run for planned in study.plan()}  # the plan is mended
    assert study.plan_lines().damaged == []


def test_a_run_that_is_a_link_is_refused(desk: Path, study: StudyFolder) -> None:
    (desk / "victim").mkdir()
    (desk / "victim" / ".bashrc").write_text("mine")
    (study.runs / "link").symlink_to(desk / "victim")
    with pytest.raises(StudyError, match=r"runs/link is a link"):
        run(load_space("space.yaml"), study="s", execution=HERE)
    attempt = study.runs / study.plan()[0].run / "2"
    (study.runs / "link").unlink()
    attempt.symlink_to(desk / "victim")
    study.tidy(study.plan()[0].run, keep_checkpoint=False, interrupted=True)
    assert (desk / "victim" / ".bashrc").read_text() == "mine"


@pytest.mark.parametrize("name", ["lock", "plan.jsonl", "events.jsonl"])
def test_a_file_that_is_a_link_is_not_written_through(
    desk: Path, study: StudyFolder, name: str
) -> None:
    (desk / "victim").write_text("mine")
    (study.path / name).unlink(missing_ok=True)
    (study.path / name).symlink_to(desk / "victim")
    with pytest.raises(StudyError, match="ELOOP"):
        run(load_space("space.yaml"), study="s", execution=HERE)
    assert (desk / "victim").read_text() == "mine"
