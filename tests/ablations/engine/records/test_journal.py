import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from ablations.engine.records.journal import SafeJournalBackend


def open_study(path: Path) -> optuna.Study:
    storage = optuna.storages.JournalStorage(SafeJournalBackend(path))
    return optuna.create_study(storage=storage, study_name="s", load_if_exists=True)


def add(study: optuna.Study, x: float) -> None:
    trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 10)})
    del x
    study.tell(trial, trial.params["x"])


def test_a_write_torn_at_any_byte_loses_only_itself(tmp_path: Path):
    path = tmp_path / "journal.log"
    add(open_study(path), 1.0)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    acknowledged = len(whole[:last].splitlines())
    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        SafeJournalBackend(path).append_logs([{"cut": cut}])
        SafeJournalBackend(path).append_logs([{"after": cut}])
        logs = list(SafeJournalBackend(path).read_logs(0))
        assert logs[acknowledged:] == [{"cut": cut}, {"after": cut}]


def test_a_stock_journal_is_unreadable_after_a_torn_write(tmp_path: Path):
    # Why this backend exists; when this fails, Optuna has repaired it and the backend can go.
    path = tmp_path / "journal.log"
    stock = optuna.storages.journal.JournalFileBackend(str(path))
    stock.append_logs([{"a": 1}])
    with path.open("ab") as file:
        file.write(b'{"b"')
    stock.append_logs([{"c": 1}])
    stock.append_logs([{"d": 1}])
    with pytest.raises(json.JSONDecodeError, match="delimiter"):
        list(optuna.storages.journal.JournalFileBackend(str(path)).read_logs(0))


def test_a_failed_append_is_rolled_back_and_the_next_one_works(tmp_path: Path):
    script = """
import resource, sys
from ablations.engine.records.journal import SafeJournalBackend
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = SafeJournalBackend(sys.argv[1])
journal.append_logs([{"n": 1}])
resource.setrlimit(resource.RLIMIT_FSIZE, (40, resource.RLIM_INFINITY))
try:
    journal.append_logs([{"n": "x" * 100}])
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append_logs([{"n": 2}])
"""
    path = tmp_path / "journal.log"
    ran = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert (ran.stdout.strip(), ran.stderr) == ("File too large", "")
    assert list(SafeJournalBackend(path).read_logs(0)) == [{"n": 1}, {"n": 2}]


def test_a_batch_is_one_append_that_the_storage_can_read_before_it_is_written(tmp_path: Path):
    backend = SafeJournalBackend(tmp_path / "journal.log")
    study = optuna.create_study(storage=optuna.storages.JournalStorage(backend), study_name="s")
    size = (tmp_path / "journal.log").stat().st_size
    with backend.batch():
        for value in range(5):
            study.add_trial(optuna.trial.create_trial(value=value))
        assert [trial.value for trial in study.trials] == [0, 1, 2, 3, 4]
        assert (tmp_path / "journal.log").stat().st_size == size
    assert len(open_study(tmp_path / "journal.log").trials) == 5


def test_a_relative_path_and_several_processes_share_a_journal(tmp_path: Path, monkeypatch):
    # A stock journal hangs for ever on a stale lock of a relative path with a folder.
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    script = """
from ablations.engine.records.journal import SafeJournalBackend
journal = SafeJournalBackend("runs/j.log")
for i in range(50):
    journal.append_logs([{"i": i}])
"""
    started = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    logs = list(SafeJournalBackend("runs/j.log").read_logs(0))
    assert sorted(log["i"] for log in logs) == sorted([*range(50)] * 4)
