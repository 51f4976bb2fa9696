import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablations.engine.executors.process import free_port

SCRIPT = Path(__file__).with_name("one_of_two.py")


def trained(folder: Path, *, stop_after: int = 0) -> list[str]:
    """What the last line of each of the two says."""
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = [
        subprocess.Popen(
            [sys.executable, SCRIPT, folder, str(stop_after)],
            env={**os.environ, **group, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    return [process.communicate(timeout=180)[0].splitlines()[-1] for process in processes]


@pytest.mark.slow
def test_two_processes_train_one_module_and_resume_it_to_the_bit(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole")
    assert trained(tmp_path / "parts", stop_after=2) == ["interrupted"] * 2
    parts = trained(tmp_path / "parts")
    assert whole[0] == whole[1] == parts[0] == parts[1]
    assert len(whole[0].split()) == 1 + 4 * 8 + 8 + 8 + 1
