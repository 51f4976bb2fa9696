"""A module of the current folder is never run in an installed one's place, by no process that is started."""

import re
from pathlib import Path

import ablations
from ablations.engine.worker.apart import Job, runs_apart

STARTED = re.compile(r"[\[(]\s*sys\.executable,\s*\"(\S+)\"")


def test_every_interpreter_that_is_started_has_a_safe_path():
    folder = Path(ablations.__file__).parent
    found = [
        (str(path.relative_to(folder)), flag)
        for path in sorted(folder.rglob("*.py"))
        for flag in STARTED.findall(path.read_text())
    ]
    assert len(found) >= 9
    assert [one for one in found if one[1] != "-P"] == []


def test_a_run_in_a_process_of_its_own_finds_own_modules_last(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("import pathlib\npathlib.Path('run.txt').touch()\n")
    (tmp_path / "mine.py").write_text("def train(settings, context):\n    return {'loss': 1.0}\n")
    monkeypatch.chdir(tmp_path)
    job = Job(run="r", settings={}, folder=str(tmp_path / "r"))
    (done,) = runs_apart("mine:train", [job], device="cpu")
    assert done.measured == {"loss": 1.0}
    assert not (tmp_path / "run.txt").exists()
