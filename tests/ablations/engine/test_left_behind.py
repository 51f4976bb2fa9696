"""What a run says, leaves or does to its process that nobody meant: it harms no other run and no reader."""

import decimal
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from in_process import Heard

from ablations.engine.records.files import encode, replace
from ablations.engine.records.folder import StudyFolder
from ablations.engine.worker import attempt as attempts
from ablations.engine.worker.context import RunContext
from ablations.engine.worker.own_state import OwnState
from ablations.errors import LONGEST_MESSAGE, message_of
from plain_files.study_records import RecordError, read_result

OWN = """
import os, signal, sys
from ablations.engine.worker.own_state import OwnState
asked = []
own = OwnState(on_sigterm=lambda: asked.append(1))
here = os.getcwd()
{left}
own.restore()
os.kill(os.getpid(), signal.SIGTERM)
mode = os.umask(0)
print("said")
print("wrong", file=sys.stderr)
assert (os.getcwd(), asked, mode) == (here, [1], 0o77), (os.getcwd(), asked, mode)
"""


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def outcome(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch, train) -> dict:
    """What is recorded of a run that does this, as every reader reads it."""
    monkeypatch.setattr(attempts, "load", lambda _: train)
    number = folder.begin_attempt("r")
    job = {
        "run": "r", "attempt": number, "folder": str(folder.run_folder("r")), "settings": {}, "train": "a:b",
        "metric": "val_loss", "metrics": ["val_loss"], "ask": False, "device": "cpu", "threads": 1,
    }  # fmt: skip
    told = SimpleNamespace(run="r", attempt=number)
    attempts.attempt(job, RunContext(job, Heard(told, [])))
    found = read_result(
        folder.attempt_folder("r", number) / "result.json", run="r", numbers=["val_loss"]
    )
    assert found is not None
    return found


def raising(error: BaseException):
    def train(settings, context):
        raise error

    return train


def returning(**measured):
    return lambda settings, context: measured


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Wordless(), "it cannot say why: its message fails with RuntimeError"),
        (
            ValueError("x" * 5_000_000),
            "x" * LONGEST_MESSAGE + " ... and 4,996,000 characters more",
        ),
        (ValueError("half \ud800 of one"), "half ? of one"),
        (ValueError("whole \U0001f600"), "whole \U0001f600"),
        (SystemExit(0), "0"),
    ],
)
def test_whatever_an_error_says_is_recorded(folder, monkeypatch, error, message):
    found = outcome(folder, monkeypatch, raising(error))
    assert (found["state"], found["error"]["message"]) == ("FAILED", message)
    assert len(found["error"]["traceback"]) <= attempts.TRACEBACK_CHARACTERS


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        ({"val_loss": 10**400}, "`val_loss` must be finite, but is inf: the run diverged."),
        ({"val_loss": 1, "z": -(10**5000)}, "`z` must be finite, but is -inf: the run diverged."),
        ({"val_loss": True}, "what a run returns must be a dict with a number named val_loss"),
        ({"val_loss": 1j}, "what a run returns must be a dict with a number named val_loss"),
        ({"val_loss": 1, "z": decimal.Decimal(1)}, "what a run returns must be numbers, texts"),
        ({"val_loss": 1, "z": 1j}, "what a run returns must be numbers, texts"),
    ],
)
def test_a_number_that_is_none_fails_its_own_run(folder, monkeypatch, measured, message):
    found = outcome(folder, monkeypatch, returning(**measured))
    assert found["state"] == "FAILED"
    assert found["error"]["message"].startswith(message)


def test_an_epoch_that_cannot_be_written_fails_its_own_run(folder, monkeypatch):
    def train(settings, context):
        context.epoch({"epoch": 1, "val_loss": decimal.Decimal(1)})

    found = outcome(folder, monkeypatch, train)
    assert (found["state"], found["error"]["type"]) == ("FAILED", "TypeError")


@pytest.mark.parametrize("end", ["returns", "raises"])
def test_a_fork_of_the_runs_own_says_nothing_for_it(folder, monkeypatch, end):
    def train(settings, context):
        child = os.fork()
        if child == 0:
            if end == "raises":
                raise ValueError("in the child")
            return {"val_loss": 99.0}
        os.waitpid(child, 0)
        return {"val_loss": 1.0}

    found = outcome(folder, monkeypatch, train)
    assert (found["state"], found["val_loss"]) == ("COMPLETE", 1.0)


def test_half_a_character_is_readable_in_every_record(tmp_path):
    record = {"a\ud800": "\udc00", "smile": "\U0001f600", "slash": "\\ud800"}
    read = {"a?": "?", "smile": "\U0001f600", "slash": "\\ud800"}
    assert json.loads(encode(record)) == read
    replace(tmp_path / "x.json", record)
    assert json.loads((tmp_path / "x.json").read_bytes()) == read
    assert encode({"smile": "\U0001f600"}).isascii() is False
    assert encode({"a": "é"}) == b'{"a":"\\u00e9"}\n'


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400])
@pytest.mark.parametrize("name", ["val_loss", "seconds"])
def test_a_whole_number_beyond_every_float_is_damage(tmp_path, name, number):
    path = tmp_path / "result.json"
    path.write_text(f'{{"state": "COMPLETE", "val_loss": 1.0, "{name}": {number}}}')
    with pytest.raises(RecordError, match=f"`{name}`"):
        read_result(path, run="r", numbers=["val_loss"])


@pytest.mark.parametrize(
    "left",
    [
        "os.chdir('/')",
        "os.umask(0o777)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "sys.stdout.close(); sys.stderr.close(); os.open(os.devnull, 1); os.dup2(os.open('out', 65), 1); os.dup2(1, 2)",
        "sys.stdout = sys.stderr = None",
        "sys.stdout = sys.stderr = object()",
        "import io; sys.stdout = sys.stderr = io.StringIO()",
    ],
)
def test_what_a_run_changed_of_its_process_is_put_back(tmp_path, left):
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{OWN.format(left=left)}"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    out = tmp_path / "out"
    assert (out.read_text() if out.exists() else ran.stdout + ran.stderr) == "said\nwrong\n"


def test_a_streams_own_object_stays_where_nothing_was_done_to_it():
    held = os.dup(1), signal.getsignal(signal.SIGTERM), os.umask(0o22), Path.cwd()
    try:
        mine = io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", mine)
            patch.setattr(sys, "stderr", sys.stderr)
            OwnState(on_sigterm=lambda: None)
            assert sys.stdout is mine
    finally:
        os.close(held[0])
        signal.signal(signal.SIGTERM, held[1])
        os.umask(held[2])


def test_a_message_is_as_it_is_where_it_is_short():
    assert message_of(ValueError("as it is")) == "as it is"
