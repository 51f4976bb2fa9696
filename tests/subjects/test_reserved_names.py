"""What a program may call its numbers: not what a run's record has of its own, and anything else."""

import json
from pathlib import Path
from typing import Any

import pytest

from ablations.engine.worker.context import RunContext
from ablations.engine.worker.here import ContextHere
from ablations.errors import SettingError
from ablations.subjects.find import find_subject
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


def trained(folder: Path, name: str, asked: Program) -> dict[str, Any]:
    about = find_subject(name, program=asked, said={})
    settings = {"arm": nested(about.arm({})), "seed": 0, **about.carried}
    context = ContextHere(run="a", folder=folder, attempt_folder=folder, device="cpu", threads=1)
    return train_run(settings, context)


def test_a_number_that_the_record_has_of_its_own_is_refused_before_the_first_run(logs) -> None:
    about = find_subject("logs:Logs", program=program(), said={})
    with pytest.raises(SettingError, match=TAKEN):
        few_steps("logs:Logs", program(), about.arm({}))
    with pytest.raises(SettingError, match=TAKEN):
        trained(logs, "logs:Logs", program())


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
