import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablations.engine.executors.process import free_port

SCRIPT = Path(__file__).with_name("one_of_two.py")


def trained(folder: Path, *, stop_after: int = 0, kill_at_step: int = 0) -> list[str]:
    """What the last line of each of the two says."""
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = [
        subprocess.Popen(
            [sys.executable, SCRIPT, folder, str(stop_after), str(kill_at_step)],
            env={**os.environ, **group, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    return [process.communicate(timeout=180)[0].splitlines()[-1] for process in processes]


@pytest.mark.slow
def test_two_processes_train_one_module_and_resume_it_to_the_bit(tmp_path: Path) -> None:
    whole = [one.split() for one in trained(tmp_path / "whole")]
    assert len(whole[0]) == 2 + 1 + 4 * 8 + 8 + 8 + 1
    # Each logs the mean over its own share of the batches.
    assert whole[0][1] != whole[1][1]
    assert whole[0][2:] == whole[1][2:]
    for interrupted, steps in (({"stop_after": 1}, "6"), ({"kill_at_step": 5}, "5")):
        folder = tmp_path / str(interrupted)
        assert trained(folder, **interrupted) == ["interrupted"] * 2
        parts = [one.split() for one in trained(folder)]
        assert [one[0] for one in parts] == [steps] * 2
        assert [one[1:] for one in parts] == [one[1:] for one in whole]
