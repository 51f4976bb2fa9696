"""What a program may call its numbers: not what a run's record has of its own, and anything else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ablations.engine.worker.context import RunContext
from ablations.engine.worker.here import ContextHere
from ablations.errors import SettingError
from ablations.subjects.find import find_subject
from ablations.subjects.function.run import call
from ablations.subjects.own_module.run import train_run
from ablations.subjects.own_module.two_steps import few_steps
from ablations.subjects.program import MeasuredBy, Program
from ablations.subjects.values import nested

LOGS = """
from houses import Prices

class Logs(Prices):
    name = "state"

    def validation_step(self, batch, number):
        super().validation_step(batch, number)
        self.log(self.name, 1.0)

class Timed(Logs):
    name = "seconds"

class Rated(Logs):
    name = "learning_rate"

class Odd(Logs):
    name = "größte Abweichung / val"
"""
TAKEN = (
    r"^`Logs` logs a number called 'state', which every run's record has of its own\. Log it under another name, "
    r"`val_state` say\.$"
)


@pytest.fixture
def logs(mine: Path) -> Path:
    (mine / "logs.py").write_text(LOGS, encoding="utf-8")
    return mine


def program(metric: str = "val_mae") -> Program:
    return Program(
        data="houses:Houses",
        metrics=(MeasuredBy(name=metric, direction="minimize"),),
        trainer={"max_epochs": 1, "limit_train_batches": 1},
    )


def trained(folder: Path, name: str, asked: Program, **more: Any) -> dict[str, Any]:
    about = find_subject(name, program=asked, said={})
    settings = {"arm": nested(about.arm({})), "seed": 0, **about.carried}
    context = ContextHere(
        run="a", folder=folder, attempt_folder=folder, device="cpu", threads=1, **more
    )
    return train_run(settings, context)


def test_a_number_that_the_record_has_of_its_own_is_refused_before_the_first_run(logs) -> None:
    about = find_subject("logs:Logs", program=program(), said={})
    with pytest.raises(SettingError, match=TAKEN):
        few_steps("logs:Logs", program(), about.arm({}))
    with pytest.raises(SettingError, match=TAKEN):
        trained(logs, "logs:Logs", program())


def test_the_seconds_of_an_epoch_are_its_own(logs) -> None:
    with pytest.raises(SettingError, match=r"^`Timed` logs a number called 'seconds', which"):
        few_steps(
            "logs:Timed", program(), find_subject("logs:Timed", program=program(), said={}).arm({})
        )


def test_a_rate_that_the_module_logs_stands_in_its_record(logs) -> None:
    records: list[dict[str, Any]] = []
    trained(logs, "logs:Rated", program(), on_epoch=records.append)
    assert [one["learning_rate"] for one in records] == [1.0]
    with pytest.raises(ValueError, match="a metric must not be called 'learning_rate'"):
        program("learning_rate")


@pytest.mark.parametrize("name", ["seconds", "state"])
def test_a_function_measures_nothing_that_the_record_has_of_its_own(tmp_path, name) -> None:
    def train(config: dict[str, Any]) -> dict[str, float]:
        return {"val_mae": 1.0, name: 2.0}

    context = ContextHere(
        run="a", folder=tmp_path, attempt_folder=tmp_path, device="cpu", threads=1
    )
    with pytest.raises(SettingError, match=f"must not measure something called '{name}'"):
        call(train, program(), {}, seed=0, context=context)


def test_an_epoch_measures_nothing_that_the_record_has_of_its_own_but_its_seconds(tmp_path) -> None:
    def train(config: dict[str, Any]) -> Iterator[dict[str, float]]:
        yield {"val_mae": 1.0, "seconds": 0.5}
        yield {"val_mae": 0.9, "state": 2.0}

    context = ContextHere(
        run="a", folder=tmp_path, attempt_folder=tmp_path, device="cpu", threads=1
    )
    with pytest.raises(SettingError, match="must not measure something called 'state'"):
        call(train, program(), {}, seed=0, context=context)
    assert context.last == {"epoch": 1, "val_mae": 1.0, "seconds": 0.5}


def test_a_metric_may_have_any_other_name(logs) -> None:
    name = "größte Abweichung / val"
    assert trained(logs, "logs:Odd", program(name))[name] == 1.0


class Pipe:
    """What a run says."""

    stopping = False

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        self.said.append(json.loads(json.dumps(message)))


def test_no_number_takes_the_place_of_what_a_message_is(tmp_path: Path) -> None:
    pipe = Pipe()
    job = {
        "run": "a",
        "attempt": 1,
        "folder": str(tmp_path),
        "device": "cpu",
        "threads": 1,
        "ask": False,
    }
    (tmp_path / "1").mkdir()
    RunContext(job, pipe).epoch({"epoch": 1, "is": 0.5, "run": 0.25})
    assert pipe.said == [{"is": "epoch", "epoch": 1, "run": "a", "attempt": 1}]
