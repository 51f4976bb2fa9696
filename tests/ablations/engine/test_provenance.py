import copy
import subprocess
from pathlib import Path

import pytest

from ablations.engine.folder import StudyFolder
from ablations.engine.provenance import (
    code_hash,
    code_version,
    continue_study,
    drift,
    fingerprint,
    training_code,
)
from ablations.errors import StudyError

STUDY = {
    "study": "first",
    "space": {"name": "reduction", "factors": [{"name": "attention.reduction", "levels": [4, 8]}]},
    "baseline": {"attention.reduction": 4},
    "metric": "val_loss",
    "direction": "minimize",
    "fingerprint": {"space": "a", "code": "b", "data": "c", "versions": {"torch": "2.13.0"}},
    "seeds": [0, 1],
}

DRIFTS = {
    "level added": (["space", "factors", 0, "levels"], [4, 8, 16]),
    "level order": (["space", "factors", 0, "levels"], [8, 4]),
    "number to word": (["space", "factors", 0, "levels"], ["4", "8"]),
    "factor renamed": (["space", "factors", 0, "name"], "attention.gate"),
    "factor added": (["space", "factors"], [{"name": "a"}, {"name": "b"}]),
    "factor removed": (["space", "factors"], []),
    "linear to log": (["space", "factors", 0, "log"], True),
    "direction": (["direction"], "maximize"),
    "metric": (["metric"], "val_accuracy"),
    "data": (["fingerprint", "data"], "other"),
    "code": (["fingerprint", "code"], "other"),
    "versions": (["fingerprint", "versions", "torch"], "2.14.0"),
    "baseline": (["baseline", "attention.reduction"], 8),
}


def drifted(path: list, value: object) -> dict:
    study = copy.deepcopy(STUDY)
    *parents, last = path
    place = study
    for key in parents:
        place = place[key]
    place[last] = value
    return study


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_is_refused_with_the_difference(tmp_path: Path, name):
    path, value = DRIFTS[name]
    folder = StudyFolder.create(tmp_path / "first", STUDY)
    before = folder.study_file.read_bytes()
    where = ".".join(map(str, path))
    with pytest.raises(StudyError, match=f"was started with something else:\n  {where}: .* -> "):
        continue_study(folder, drifted(path, value))
    assert folder.study_file.read_bytes() == before


def test_an_allowed_drift_is_written_down(tmp_path: Path):
    folder = StudyFolder.create(tmp_path / "first", STUDY)
    continue_study(folder, drifted(["fingerprint", "code"], "other"), allow=True)
    study = folder.study()
    assert study["fingerprint"]["code"] == "other"
    assert study["drifts"][0]["changes"] == ['fingerprint.code: "b" -> "other"']
    assert "created" in study
    assert "drift_allowed" in folder.events_file.read_text()


def test_8_and_8_point_0_are_one_value():
    assert drift(STUDY, drifted(["space", "factors", 0, "levels"], [4.0, 8.0])) == []


def test_more_seeds_are_no_drift(tmp_path: Path):
    folder = StudyFolder.create(tmp_path / "first", STUDY)
    continue_study(folder, {**STUDY, "seeds": [0, 1, 2]})
    assert drift(STUDY, {**STUDY, "seeds": (0, 1, 2)}) == []


def test_the_fingerprint_follows_space_data_and_code(tmp_path: Path):
    (tmp_path / "net.py").write_text("a = 1\n")
    code = [tmp_path / "net.py"]
    first = fingerprint(space={"a": 1}, data="d", code=code)
    assert first == fingerprint(space={"a": 1}, data="d", code=code)
    assert first["space"] != fingerprint(space={"a": 2}, data="d", code=code)["space"]
    (tmp_path / "net.py").write_text("a = 2\n")
    assert code_hash(code) != first["code"]
    assert {"torch", "numpy"} <= first["versions"].keys()


def test_code_that_gives_no_numbers_is_not_in_the_fingerprint():
    names = {"/".join(file.parts[-2:]) for file in training_code()}
    assert "ablations/training.py" in names
    assert not any(name.startswith(("engine/", "cli/", "tracking/")) for name in names)


def test_the_code_version_is_the_commit_and_a_hash_of_what_differs(tmp_path: Path):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=n", "-c", "user.email=e@x"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True)

    assert code_version(tmp_path) == {"commit": None, "diff": None}
    git("init", "-q")
    (tmp_path / "a.py").write_text("a = 1\n")
    git("add", "a.py")
    git("commit", "-q", "-m", "Start")
    clean = code_version(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["diff"] is None
    (tmp_path / "a.py").write_text("a = 2\n")
    assert code_version(tmp_path)["diff"] is not None
