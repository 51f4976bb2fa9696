"""What a run says, leaves or does to its process that nobody meant: it harms no other run and no reader."""

import decimal
import io
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from in_process import Heard

from ablations.engine.records.files import encode, replace
from ablations.engine.records.folder import StudyFolder
from ablations.engine.worker import attempt as attempts
from ablations.engine.worker import here, library_state
from ablations.engine.worker.context import RunContext
from ablations.engine.worker.own_state import OwnState
from ablations.errors import LONGEST_MESSAGE, message_of
from ablations.torch_options import OPTIONS
from plain_files.study_records import RecordError, read_result

OWN = """
import os, signal, sys
from ablations.engine.worker.own_state import OwnState
asked = []
own = OwnState(on_sigterm=lambda: asked.append(1))
here = os.getcwd()
{left}
own.restore()
own.make_ready("json:loads", {{}})
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
    assert Path(__file__).name in found["error"]["line"]
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


def test_a_clock_that_is_put_back_during_a_run_harms_nobody(folder, monkeypatch):
    times = iter(["2026-03-29T01:30:00.000+00:00", "2026-03-29T00:10:00.000+00:00"])
    monkeypatch.setattr(attempts, "now", lambda: next(times))
    found = outcome(folder, monkeypatch, returning(val_loss=1.0))
    assert (found["state"], found["ended"] < found["started"]) == ("COMPLETE", True)
    assert 0 <= found["seconds"] < 60  # of a clock that only goes on


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


LEAVING = """
import gc, json, locale, logging, multiprocessing, os, random, signal, sys, time, warnings
from ablations.engine.worker.own_state import OwnState

def seen():
    return {{
        "environment": dict(os.environ), "zone": time.tzname, "path": list(sys.path), "filters": list(warnings.filters),
        "show": warnings.showwarning, "root": (logging.root.level, list(logging.root.handlers)),
        "disabled": logging.root.manager.disable, "mine": list(logging.getLogger("mine").handlers),
        "alarm": signal.getsignal(signal.SIGALRM), "timer": signal.getitimer(signal.ITIMER_REAL),
        "start": multiprocessing.get_start_method(allow_none=True), "depth": sys.getrecursionlimit(),
        "language": locale.setlocale(locale.LC_ALL), "gc": gc.isenabled(),
    }}

own = OwnState(on_sigterm=lambda: None)
{ready}
before = seen()
os.environ |= {{"TZ": "Asia/Tokyo", "LEFT": "1"}}
os.environ.pop("HOME", None)
time.tzset()
sys.path.insert(0, "/left")
warnings.simplefilter("error")
logging.captureWarnings(True)
logging.disable(logging.ERROR)
logging.basicConfig(level=1)
handler = logging.FileHandler("left.txt")
logging.getLogger("mine").addHandler(handler)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.alarm(100)
multiprocessing.set_start_method("spawn")
sys.setrecursionlimit(5000)
locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C")
gc.disable()
random.seed(1)
changed = seen()
own.make_ready("json:loads", {{}})
after = seen()
print(sorted(name for name in before if before[name] == changed[name]))
print(sorted(name for name in before if before[name] != after[name]))
assert handler.stream is None
assert random.random() != random.Random(1).random()
"""


def left(tmp_path: Path, ready: str) -> list[str]:
    """What a run could not change, and what of its changes the next one found."""
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{LEAVING.format(ready=ready)}"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_what_a_run_changed_of_the_interpreter_is_put_back(tmp_path):
    assert left(tmp_path, 'own.make_ready("json:loads", {})') == ["[]", "[]"]


def test_what_the_modules_of_a_run_set_stays(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import os, sys, warnings\nos.environ['MINE'] = '1'\nsys.path.append('/mine')\n"
        "warnings.simplefilter('ignore')\ntrain = print\n"
    )
    (tmp_path / "broken.py").write_text("raise SystemExit(1)")
    ready = (
        "for named in ({}, {'subject': 'mine:train', 'arm': {'x': 'broken:x'}}, {'arm': {'x': 'broken:x'}}):\n"
        "    own.make_ready('json:loads', named)\n"
        "assert os.environ['MINE'] == '1' and '/mine' in sys.path and warnings.filters[0][0] == 'ignore'"
    )
    assert left(tmp_path, ready) == ["[]", "[]"]


@pytest.mark.parametrize("first", [False, True])
def test_what_a_run_changed_of_torch_and_numpy_is_put_back(first):
    import torch

    def seen() -> list[object]:
        options = [read(torch) for _, read, _ in OPTIONS]
        return [*options, torch.get_num_threads(), np.geterr()]

    # As torch and numpy start, whatever ran in this process before.
    for start, _, write in OPTIONS:
        write(torch, start)
    np.seterr(**library_state.NUMPY)
    before = seen()
    with pytest.MonkeyPatch.context() as patch:
        if first:  # the run is the first to import them
            patch.delitem(sys.modules, "torch")
            patch.delitem(sys.modules, "numpy")
        put_back = [keep() for keep in library_state.PARTS]
    put_back.append(library_state.draw_anew)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_float32_matmul_precision("medium")
    torch.set_grad_enabled(False)
    torch.autograd.set_detect_anomaly(True)
    torch.backends.cudnn.benchmark = torch.backends.cudnn.deterministic = True
    np.seterr(all="raise")
    numbers = _drawn(torch, seed=1)
    assert _drawn(torch, seed=1) == numbers
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - what a user's code draws from
    changed = seen()
    for one in put_back:
        one()
    assert [a == b for a, b in zip(before[:-2], changed[:-2], strict=True)] == [False] * 8
    assert seen() == before
    assert all(now != then for now, then in zip(_drawn(torch), numbers, strict=True))


TORCH = """
drawn = {"default": 67280421310721}
def seed(): drawn["default"] = "anew"
def manual_seed(number): drawn["default"] = number
def get_num_threads(): return 1
"""
FIRST = """
import sys
from ablations import torch_options
from ablations.engine.worker.own_state import OwnState
torch_options.OPTIONS = ()
own = OwnState(on_sigterm=lambda: None)
own.make_ready("json:loads", {named})
assert ("torch" in sys.modules) is {there}
import torch
assert torch.drawn == {{"default": "anew"}}, torch.drawn
"""


@pytest.mark.parametrize(
    ("named", "there"), [({}, False), ({"arm": {"x": "mine:x"}}, True)], ids=["body", "module"]
)
def test_a_run_that_is_the_first_to_import_torch_draws_as_later_ones_do(tmp_path, named, there):
    (tmp_path / "torch.py").write_text(TORCH)
    (tmp_path / "mine.py").write_text("import torch; torch.manual_seed(0)")
    code = FIRST.format(named=named, there=there)
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {['.', *sys.path]!r}\n{code}"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


def test_a_run_in_the_users_own_process_leaves_it_as_it_was(monkeypatch):
    import torch

    def train(settings, context):
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(torch.get_num_threads() + 1)
        _drawn(torch, seed=1)
        random.seed(1)
        return {"val_loss": 1.0}

    def seen() -> list[object]:
        options = [read(torch) for _, read, _ in OPTIONS]
        states = (
            torch.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002 - as above
            random.getstate(),
        )
        return [*options, torch.get_num_threads(), *states]

    monkeypatch.setattr(here, "load", lambda _: train)
    before = seen()
    here.train_here("a:b", {}, run="r", device="cpu", threads=1)
    assert seen() == before


def _drawn(torch, *, seed: int | None = None) -> tuple[float, float]:
    """What comes next of the states that programs share."""
    if seed is not None:
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
    return torch.rand(1, device="cpu").item(), np.random.random_sample()  # noqa: NPY002


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
