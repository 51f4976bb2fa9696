"""Processes that train a run together sum up what each of them saw of its own share."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ablations.engine.executors.process import free_port

SCRIPT = Path(__file__).with_name("one_of_a_group.py")
MEASURED = ("train_loss", "val_loss", "val_accuracy")


def trained(processes: int) -> list[list[dict[str, Any]]]:
    """The records that each process says."""
    group = {
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    started = [
        subprocess.Popen(
            [sys.executable, SCRIPT],
            env={**os.environ, **group, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    said = [one.communicate(timeout=300)[0] for one in started]
    return [json.loads(one.splitlines()[-1]) for one in said]


@pytest.mark.long
def test_two_processes_measure_what_one_does() -> None:
    ((first, last),) = trained(1)
    assert first["val_loss"] != last["val_loss"]
    # Nine images validate: five in one process, four in the other.
    assert 9 * last["val_accuracy"] == pytest.approx(round(9 * last["val_accuracy"]), abs=1e-5)
    for records in trained(2):
        for one, whole in zip(records, (first, last), strict=True):
            assert [one[name] for name in MEASURED] == pytest.approx(
                [whole[name] for name in MEASURED], rel=1e-5
            )
