"""A function before its first run: what it reads, how long it takes, what names it may not use; its pairing, after."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.engine.worker.attempt import attempt
from ablations.errors import SettingError
from ablations.subjects.find import find_subject
from ablations.subjects.function import pilot, verify
from ablations.subjects.function.program import COSTS
from ablations.subjects.function.reads import Reads
from ablations.subjects.function.trial import Trial
from ablations.subjects.program import RECORDED, Program
from analysis import read_study
from analysis.tables.runs_table import COLUMNS

MODULE = """
import time

def whole(config, seed):
    rate = config["rate"] if config["deep"]["on"] else config["deep"]["rate"]
    return {"loss": rate + 0.01 * seed, "params": 7}

def epochs(config, seed):
    for epoch in range(config["epochs"]):
        time.sleep(0.05)
        yield {"loss": 1.0 + (config["rate"] if epoch else 0)}

def forever(config, seed):
    config["rate"]
    time.sleep(60)

def fails(config, seed):
    raise OSError(f"no accelerator for {config['rate']}")

def names(config, seed):
    return {"loss": config["rate"], "attempt": 3}
"""
SPACE = """
subject: mine:{function}
metric: {{name: loss, direction: minimize}}
baseline: {{rate: 0.1, epochs: 4, deep: {{on: true, rate: 0.3}}}}
factors: {factors}
seeds: 3
"""
RATE = "[{name: rate, levels: [0.1, 0.2]}]"
UNREAD = "[{name: rate, levels: [0.1, 0.2]}, {name: deep.rate, levels: [0.3, 0.4]}]"
OTHERWISE = "[{name: deep.on, levels: [true, false]}, {name: deep.rate, levels: [0.3, 0.4]}]"


@pytest.fixture
def space(mine: Path, monkeypatch: pytest.MonkeyPatch):
    (mine / "mine.py").write_text(MODULE)
    monkeypatch.delitem(__import__("sys").modules, "mine", raising=False)

    def write(function: str, factors: str) -> str:
        (mine / "own.yaml").write_text(SPACE.format(function=function, factors=factors))
        return "own.yaml"

    return write


@pytest.mark.parametrize(
    ("use", "read"),
    [
        (lambda c: c["a"], {"a"}),
        (lambda c: c["b"], set()),
        (lambda c: c["b"]["c"], {"b.c"}),
        (lambda c: c.get("a", 5), {"a"}),
        (lambda c: c.get("z", 5), set()),
        (lambda c: "a" in c or len(c) or list(c), set()),
        (lambda c: dict(**c["b"]), {"b.c", "b.d"}),
        (lambda c: {**c}, {"a"}),
        (lambda c: c.pop("a"), {"a"}),
        (lambda c: "{a}".format_map(c), {"a"}),
        (json.dumps, {"a", "b.c", "b.d"}),
        (str, {"a", "b.c", "b.d"}),
        (copy.deepcopy, {"a", "b.c", "b.d"}),
        (lambda c: pickle.loads(pickle.dumps(c)), {"a", "b.c", "b.d"}),
        (lambda c: c == {"a": 1}, {"a", "b.c", "b.d"}),
        (lambda c: c | {"a": 2}, {"a", "b.c", "b.d"}),
        (lambda c: sorted(c.items()), {"a", "b.c", "b.d"}),
    ],
)
def test_whatever_reads_a_setting_tells_and_gets_what_a_dict_gives(use, read) -> None:
    seen: set[str] = set()
    tree = {"a": 1, "b": {"c": 2, "d": 3}}
    got = use(Reads(copy.deepcopy(tree), seen.add))
    assert seen == read
    assert got == use(tree)


def test_an_arm_that_changes_only_what_is_never_read_is_refused_before_the_first_run(
    space, ablate, mine
) -> None:
    file = space("whole", UNREAD)
    code, said = ablate("run", file, "--design", "loco", "--study", "s", "--workers", "1")
    assert code == 2
    assert "changes nothing: the baseline's call never reads `deep.rate`." in said
    assert not (mine / "runs").exists()


def test_what_another_arm_may_read_is_noted_and_not_refused(space, ablate) -> None:
    code, said = ablate("show", space("whole", OTHERWISE), "--design", "grid", "--verify")
    words = " ".join(said.split())
    assert code == 0
    assert "never reads `deep.rate`, so its runs are the baseline's once more." in words
    assert "reads all but `deep.rate`, `epochs`. What the function does" in words


def test_of_a_generator_the_first_epoch_is_seen_and_what_comes_later_is_not_denied(
    space, ablate
) -> None:
    code, said = ablate("show", space("epochs", RATE), "--verify")
    words = " ".join(said.split())
    assert code == 0
    assert "'rate=0.2' changes `rate`, which the call had not read after its first epoch." in words


def test_a_call_that_fails_here_is_said_and_one_that_measures_what_it_may_not_is_refused(
    space, ablate
) -> None:
    code, said = ablate("show", space("fails", RATE), "--verify")
    words = " ".join(said.split())
    assert code == 0
    assert (
        "The baseline's call read all but `deep.on`, `deep.rate`, `epochs`, and then fails here: OSError: no"
        in words
    )
    code, said = ablate("run", space("names", RATE), "--workers", "1")
    assert code == 2
    assert "must not measure something called 'attempt'" in said


def test_what_a_program_calls_its_numbers_changes_no_record_of_its_run(mine, tmp_path) -> None:
    (mine / "odd.py").write_text(
        "def train(settings, context):\n"
        "    return {'loss': 1.0, 'attempt': 3, 'run': 4, 'state': 5, 'error': 6}\n"
    )
    context = SimpleNamespace(
        rank=0, attempt_folder=tmp_path, attempt=1, first_epoch=1, seconds_within=0.0
    )
    job = {"train": "odd:train", "run": "a", "attempt": 1, "metric": "loss", "metrics": ["loss"]}
    assert (
        attempt({**job, "settings": {}}, SimpleNamespace(**vars(context), beat=int)) == "COMPLETE"
    )
    record = json.loads((tmp_path / "result.json").read_text())
    told = [record[name] for name in ("run", "attempt", "state", "error", "loss")]
    assert told == ["a", 1, "COMPLETE", None, 1.0]


def test_what_is_read_at_the_test_is_in_no_record_but_its_own(mine, tmp_path) -> None:
    (mine / "seen.py").write_text(
        "def train(config):\n"
        "    for epoch in range(2):\n"
        "        yield {'loss': 1.0 / (epoch + 1), 'test_loss': 9.0 + epoch}\n"
    )
    loss = {"name": "loss", "direction": "minimize"}
    program = {"metrics": [loss, {**loss, "name": "test_loss", "at": "test"}]}
    epochs = []
    context = SimpleNamespace(
        rank=0, attempt_folder=tmp_path, attempt=1, first_epoch=1, seconds_within=0.0
    )
    context.beat, context.epoch, context.device = int, epochs.append, "cpu"
    settings = {"subject": "seen:train", "program": program, "arm": {}, "seed": 0}
    job = {"train": "ablations.subjects.function.run:train_run", "run": "a", "attempt": 1,
           "metric": "loss", "metrics": ["loss"], "settings": settings}  # fmt: skip
    assert attempt(job, context) == "COMPLETE"
    record = json.loads((tmp_path / "result.json").read_text())
    assert (record["loss"], "test" in record, "test_loss" in record) == (0.5, False, False)
    assert json.loads((tmp_path / "test.json").read_text()) == {"test_loss": 10.0}
    assert epochs == [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}]


def test_a_call_that_does_not_end_is_ended(space, ablate, monkeypatch) -> None:
    monkeypatch.setattr(verify, "SECONDS", 2.0)
    monkeypatch.setattr(pilot, "MOST_SECONDS", 2.0)
    file = space("forever", RATE)
    code, said = ablate("show", file, "--verify")
    assert code == 0
    assert "which was ended after 2 s, reads all but" in " ".join(said.split())
    code, said = ablate("run", file, "--dry-run")
    assert code == 0
    assert "time: unknown, because no run has ended yet and a pilot came neither to" in said


@pytest.mark.parametrize(
    ("function", "basis"),
    [
        ("whole", "from one whole call of each arm"),
        ("epochs", "from the first epochs of a call of each arm"),
    ],
)
def test_a_dry_run_says_how_long_and_what_that_rests_on(space, ablate, function, basis) -> None:
    code, said = ablate("run", space(function, RATE), "--dry-run")
    assert code == 0
    assert "for 6 runs on" in said
    assert basis in said


def test_a_runs_seconds_are_those_of_the_call_or_of_its_epochs() -> None:
    assert Trial(seconds=3.0, epochs=(1.0,)).run_seconds(9) == 3.0
    assert Trial(epochs=(3.0, 5.0)).run_seconds(4) == 9.0
    assert Trial(epochs=(3.0,)).run_seconds(4) == 12.0
    assert Trial().run_seconds(4) is None


@pytest.mark.parametrize(
    ("factors", "near"),
    [
        ("[{name: rat, levels: [1, 2]}]", "rate"),
        (f"{RATE}\ncontrols: {{c: {{dep.on: false}}}}", "deep.on"),
    ],
)
def test_what_varies_without_a_value_in_the_baseline_is_refused_with_the_nearest(
    space, ablate, factors, near
) -> None:
    code, said = ablate("show", space("whole", factors))
    assert code == 2
    assert "the baseline must say `" in said
    assert f"Did you mean '{near}'?" in said


def test_names_of_the_tables_own_columns_are_refused(mine) -> None:
    assert set(COLUMNS) <= RECORDED | COSTS
    with pytest.raises(ValueError, match="a metric must not be called 'channels'"):
        Program(metric={"name": "channels", "direction": "minimize"})
    for name, metric in (("channels", "loss"), ("params", "loss"), ("loss", "loss")):
        program = Program(metric={"name": metric, "direction": "minimize"})
        with pytest.raises(SettingError, match=f"a setting must not be called `{name}`"):
            find_subject("functions:train", program=program, said={name: [1, 2]})


def test_the_report_says_that_nothing_of_the_pairing_was_measured(space, ablate, mine) -> None:
    file = space("whole", RATE)
    assert ablate("run", file, "--study", "s", "--workers", "1", "--wandb", "disabled")[0] == 0
    assert len(read_study(mine / "runs/s").complete()) == 6
    assert ablate("report", "s")[0] == 0
    page = (mine / "runs/s/report/index.html").read_text()
    assert "What runs of one seed share" in page
    assert "Nothing of it was measured: no run says what it started with" in page
    assert "by the correlation that their results reached: 1.00 with the baseline" in page


DRAWS = """
import sys
from types import SimpleNamespace
from ablations.subjects.function.run import call
from ablations.subjects.program import Program

def draws(config, seed):
    import torch
    return {"loss": float(torch.drawn)}

program = Program(metrics=[{"name": "loss", "direction": "minimize"}])
measured = call(draws, program, {}, seed=7, context=SimpleNamespace(device="cpu"))
assert measured["loss"] == 7.0, measured
"""


def test_the_seed_of_a_call_reaches_a_torch_that_it_is_the_first_to_import(tmp_path) -> None:
    (tmp_path / "torch.py").write_text(
        "drawn = 0\ndef manual_seed(number):\n    global drawn\n    drawn = number\n"
    )
    code = f"import sys; sys.path[:0] = {['.', *sys.path]!r}\n{DRAWS}"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
