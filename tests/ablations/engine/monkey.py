"""Starts supervisors, kills them and their workers, and counts."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from ablations.engine.records.folder import StudyFolder

HERE = Path(__file__).parent


class Monkey:
    """One study's supervisors, one after another (or several that wait for each other)."""

    def __init__(self, order: dict[str, Any], *, seed: int, supervisors: int = 1) -> None:
        self.order, self.random = order, random.Random(seed)
        self.folder = StudyFolder.open(Path(order["folder"]))
        self.size = supervisors
        self.started: list[subprocess.Popen[bytes]] = []
        self.kills = {"worker": 0, "supervisor": 0}
        self.acknowledged: dict[str, bytes] = {}
        self.changed: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave no supervisor behind, whatever the test came to."""
        for process in self.started:
            process.kill()
            process.wait()

    def keep_running(self) -> None:
        """Start supervisors for those that were killed; those that ended the study stay ended."""
        self.started = [p for p in self.started if p.poll() in (None, 0)]
        while len(self.started) < self.size:
            with self.folder.path.with_name("supervisors.log").open("ab") as log:
                self.started.append(
                    subprocess.Popen(
                        [sys.executable, str(HERE / "supervise.py"), json.dumps(self.order)],
                        stdout=log,
                        stderr=log,
                    )
                )

    def over(self) -> bool:
        """Whether every supervisor has ended by itself."""
        return all(process.poll() == 0 for process in self.started)

    def kill_some(
        self, kills: int, *, share_of_supervisors: float, pause: float, seconds: float
    ) -> None:
        """Kill until so many were killed or the study has ended."""
        self.keep_running()
        deadline = time.monotonic() + seconds
        while sum(self.kills.values()) < kills and not self.over():
            time.sleep(self.random.uniform(0, 2 * pause))
            is_boss = self.random.random() < share_of_supervisors
            what = "supervisor" if is_boss else "worker"
            # On a slow machine the workers of a fresh supervisor take their time to come.
            while not (hit := self.hit(what, signal.SIGKILL)) and not self.over():
                assert time.monotonic() < deadline, self.kills
                time.sleep(0.01)
                self.keep_running()
            self.kills[what] += hit
            self.keep_running()

    def finish(self, seconds: float) -> int:
        """Let the study end; its exit code."""
        deadline = time.monotonic() + seconds
        while True:
            codes = [
                process.wait(max(0.1, deadline - time.monotonic())) for process in self.started
            ]
            if all(code != -signal.SIGKILL for code in codes):
                self._acknowledge()
                return max(codes)
            self.keep_running()

    def attempts(self) -> int:
        """Attempts that were started by all supervisors together."""
        return sum(len(self.folder.attempts(run)) for run in self.folder.begun())

    def hit(self, what: str, number: signal.Signals) -> bool:
        """Send a signal to a random worker or supervisor; False where there is none."""
        self._acknowledge()
        alive = [process.pid for process in self.started if process.poll() is None]
        victims = alive if what == "supervisor" else [c for pid in alive for c in _children(pid)]
        try:
            os.kill(self.random.choice(victims), number)
        except (IndexError, ProcessLookupError):
            return False
        return True

    def _acknowledge(self) -> None:
        """Note the outcomes that are committed now; none may ever change."""
        for run in self.folder.begun():
            path = self.folder.run_folder(run) / "result.json"
            if run in self.acknowledged or not path.exists():
                continue
            self.acknowledged[run] = path.read_bytes()

    def lost(self) -> list[str]:
        """Acknowledged outcomes that are gone or different."""
        return [
            run
            for run, content in self.acknowledged.items()
            if (self.folder.run_folder(run) / "result.json").read_bytes() != content
        ]


def _children(pid: int) -> list[int]:
    """The workers of a supervisor; a child that is stopped before its exec would stop its parent."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if _is_worker(child)]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _is_worker(pid: str) -> bool:
    return b"ablations.engine.worker.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
