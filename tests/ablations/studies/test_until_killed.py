"""A study that runs until it is decided, killed as a process again and again: the same decisions."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import random, time

def train(config, seed):
    time.sleep(0.02)
    own = random.Random(f"{seed} {config['x']}").gauss(0, 0.5)
    return {"val_mae": random.Random(seed).gauss(5, 3) + own + {0: 0, 1: 4, 2: 0, 3: 0.9}[config["x"]]}
"""
SPACE = """
subject: slow_seeds:train
metric: {name: val_mae, direction: minimize}
baseline: {x: 0}
factors: [{name: x, levels: [0, 1, 2, 3]}]
"""
COMMAND = ["run", "seeds.yaml", "--until", "decided", "--margin", "1", "--max-seeds", "40", "--workers", "2",
           "--wandb", "disabled"]  # fmt: skip


def start(folder: Path, study: str) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ablations.cli.main", *COMMAND, "--study", study],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": f"{folder}:{Path.cwd()}"},
        )


def decisions(folder: Path, study: str) -> list[dict[str, object]]:
    lines = (folder / "runs" / study / "looks.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    "wanted", [pytest.param(3, marks=pytest.mark.long), pytest.param(100, marks=pytest.mark.slow)]
)
def test_kills_end_in_the_same_decisions(wanted: int, tmp_path: Path) -> None:
    (tmp_path / "slow_seeds.py").write_text(PROGRAM)
    (tmp_path / "seeds.yaml").write_text(SPACE)
    assert start(tmp_path, "whole").wait() == 0
    whole = decisions(tmp_path, "whole")
    chance, kills, study = random.Random(0), 0, 0
    while kills < wanted:
        name = f"killed-{study}"
        while True:
            process = start(tmp_path, name)
            results = tmp_path / "runs" / name / "runs"
            before = sum(1 for _ in results.glob("*/result.json"))
            if kills == wanted:
                assert process.wait() == 0, (tmp_path / "log").read_text()[-500:]
                break
            # From the first new result on, so that every start gets somewhere.
            deadline = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < deadline:
                if sum(1 for _ in results.glob("*/result.json")) > before:
                    break
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.25))
            if process.poll() is not None:
                assert process.returncode == 0, (tmp_path / "log").read_text()[-500:]
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        assert decisions(tmp_path, name) == whole
        study += 1
    print(f"{kills} kills of {study} studies: {len(whole)} looks each, the same")  # noqa: T201
