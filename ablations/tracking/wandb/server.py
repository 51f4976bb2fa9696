"""W&B's server, reached through programs of their own that have no terminal to ask for a key at."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations.errors import StudyError
from ablations.tracking.wandb.environment import wandb_environment
from ablations.tracking.wandb.pipe import Pipe
from ablations.tracking.wandb.rebuild import Expected

FILES_AT_ONCE = 200
"""A command line has a limited length."""


@dataclass(frozen=True, kw_only=True)
class ServerRun:
    """What the server says of one run."""

    id: str
    state: str
    tags: list[str]
    summary: dict[str, Any]


@dataclass(frozen=True)
class Server:
    """One study in one project on W&B's server."""

    folder: Path
    project: str
    study: str
    environment: Mapping[str, str]
    seconds: float

    def runs(self) -> dict[str, ServerRun]:
        """The study's runs on the server, by id.

        Raises:
            StudyError: If the server can not be asked.
        """
        module = "ablations.tracking.wandb.server_process"
        command = [sys.executable, "-P", "-m", module, self.project, self.study]
        code, said, wrong = run_program(command, self.folder, self.environment, self.seconds)
        if code != 0:
            raise StudyError(f"W&B's server can not be asked what it has: {reason(wrong)}")
        found = [ServerRun(**json.loads(line)) for line in said.splitlines()]
        return {run.id: run for run in found}

    def send(self, files: Sequence[Path]) -> str:
        """Send whole files, and return what W&B says; W&B marks those that arrived."""
        said = ""
        for first in range(0, len(files), FILES_AT_ONCE):
            folders = [str(file.parent.resolve()) for file in files[first : first + FILES_AT_ONCE]]
            command = [sys.executable, "-P", "-m", "wandb", "sync", "--include-online"]
            command += ["--project", self.project, *folders]
            _, out, wrong = run_program(command, self.folder, self.environment, self.seconds)
            said += out + wrong
        return said

    def complete(self, runs: Iterable[Expected]) -> None:
        """Go on with runs that the server knows in part, up to their end."""
        # W&B writes a file of what it sends. The study's folder has the whole runs already.
        beside = (self.folder / "wandb" / "beside").resolve()
        environment = wandb_environment(self.environment) | {"PYTHONPATH": _import_path()}
        beside.mkdir(parents=True, exist_ok=True)
        try:
            pipe = Pipe(beside, close_seconds=self.seconds, environment=environment, patient=True)
            where = {"folder": str(beside), "mode": "online", "project": self.project}
            pipe.put({"do": "open"} | where)
            for run in runs:
                for message in run.messages():
                    pipe.put(message)
            pipe.close()
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def run_program(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int, str, str]:
    """Exit code, output and errors of one of W&B's programs.

    Args:
        command: The program.
        folder: The study's folder; W&B makes a folder named wandb where it is started.
        environment: Variables of the caller.
        seconds: How long it may take.
    """
    try:
        done = subprocess.run(
            command,
            env=wandb_environment(environment) | {"PYTHONPATH": _import_path()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"W&B did not finish within {seconds:g} s."
    return done.returncode, done.stdout, done.stderr


def reason(said: str) -> str:
    """The line of W&B's own words that says what went wrong."""
    if "No API key" in said or "Not authenticated" in said or "api_key" in said:
        return "there is no API key. Set WANDB_API_KEY, or run `wandb login`."
    lines = [line.removeprefix("wandb:").strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if "rror" in line or "fail" in line.lower()]
    return (wrong or lines or ["W&B does not say why."])[-1]


def _import_path() -> str:
    return os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
