import fcntl
import json
import shutil

import pytest

from ablations.errors import StudyError
from ablations.tracking.wandb.rebuild import rebuild
from ablations.tracking.wandb.sync import sync
from ablations.tracking.wandb.view import run_id, study_id
from analysis.tables.formats.wandb_file import offline_files, read_offline_file
from analysis.tables.wandb_export import read_offline


def files_of(folder):
    return [read_offline_file(path) for path in offline_files(folder)]


def test_everything_is_written_from_the_records(written, study):
    folder, ids = written
    runs = [run_id(study, run, 1) for run in ("run2s0", "run2s1", "run4s0", "run4s1")]
    assert ids == [*runs, run_id(study, "run4s1", 2), study_id(study)]
    found = {run.id: run for run in files_of(folder)}
    assert set(found) == set(ids)
    again = found[run_id(study, "run4s1", 2)]
    # The second attempt went on from the first one's checkpoint.
    assert [row["epoch"] for row in again.history] == [1, 2, 3]
    assert (again.tags[-1], again.exit_code) == ("failed", 1)
    assert found[run_id(study, "run4s1", 1)].tags[-1] == "lost"
    frame = read_offline(folder)
    assert list(frame["state"]) == ["COMPLETE", "PRUNED", "COMPLETE", "FAILED"]
    assert list(frame["attempt"]) == [1, 1, 1, 2]


def test_twice_changes_nothing(written):
    folder, _ = written
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.wandb")}
    assert rebuild(folder, on_disk=files_of(folder)) == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.wandb")} == before


def test_only_what_differs_is_written_again(written, study):
    folder, _ = written
    found = {run.id: run for run in files_of(folder)}
    cut, gone, late = (run_id(study, run, 1) for run in ("run2s0", "run4s0", "run4s1"))
    content = found[cut].path.read_bytes()
    found[cut].path.write_bytes(content[: len(content) // 2])
    shutil.rmtree(found[gone].path.parent)
    # A file that was moved out of its folder takes nothing beside it away.
    shutil.copy(found[cut].path, folder / "wandb" / found[cut].path.name)
    # A worker that outlived its supervisor commits what was shown as lost.
    result = json.loads((folder / "runs/run2s0/1/result.json").read_text())
    (folder / "runs/run4s1/1/result.json").write_text(json.dumps(result | {"run": "run4s1"}))
    assert rebuild(folder, on_disk=files_of(folder)) == [cut, gone, late]
    assert sorted(run.id for run in files_of(folder)) == sorted(found)
    assert [run.tags[-1] for run in files_of(folder) if run.id == late] == ["complete"]
    assert rebuild(folder, on_disk=files_of(folder)) == []


@pytest.mark.integration
def test_a_new_report_is_attached_to_the_study(written, study, add_report):
    folder, _ = written
    add_report(folder)
    assert rebuild(folder, on_disk=files_of(folder)) == [study_id(study)]
    own = next(run for run in files_of(folder) if run.id == study_id(study))
    assert "figures/ratio" in own.history[-1]
    assert not [
        path
        for path in (folder / "wandb").rglob("*")
        if path.is_file() and b"canary" in path.read_bytes()
    ]
    assert rebuild(folder, on_disk=files_of(folder)) == []


def test_a_running_study_is_left_alone(recorded):
    with (recorded / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        message = (
            r"study 'first' is running, and its files in .* with it. "
            "Sync it when it has ended, or run it with `--wandb online`."
        )
        with pytest.raises(StudyError, match=message):
            rebuild(recorded)


def test_a_folder_without_a_study_is_refused(folder):
    with pytest.raises(StudyError, match=r"holds no study: there is no study.json in it."):
        rebuild(folder)


@pytest.mark.integration
def test_a_sync_without_a_key_says_so(written, tmp_path):
    folder, _ = written
    environment = {"WANDB_BASE_URL": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    message = (
        r"W&B's server can not be asked what it has: there is no API key. Set WANDB_API_KEY, "
        r"or run `wandb login`."
    )
    with pytest.raises(StudyError, match=message):
        sync(folder, environment=environment)
