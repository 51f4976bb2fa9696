"""Sending a study to W&B's server: its offline files, once each, and its saved views."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ablations.errors import StudyError
from ablations.tracking.environment import wandb_environment

View = Literal["workspace", "report"]
FILES_AT_ONCE = 200
"""A command line has a limited length."""


@dataclass(frozen=True)
class Sent:
    """What `sync` did."""

    sent: int
    """Files that this call sent."""
    before: int
    """Files that had been sent before."""


def sync(folder: Path, *, environment: Mapping[str, str], seconds: float = 3600.0) -> Sent:
    """Send the files of a study that were not sent yet; a second call sends nothing.

    Args:
        folder: The study's folder.
        environment: Variables of the caller: W&B's key and address are taken from it.
        seconds: How long it may take.

    Raises:
        StudyError: If something could not be sent; what was sent stays sent.
    """
    files = sorted((folder / "wandb").glob("*run-*/run-*.wandb"))
    waiting = [file for file in files if not is_sent(file)]
    said = ""
    for first in range(0, len(waiting), FILES_AT_ONCE):
        said = _send(waiting[first : first + FILES_AT_ONCE], environment, seconds)
    left = [file for file in waiting if not is_sent(file)]
    if left:
        raise StudyError(
            f"{len(left)} of {len(files)} W&B runs were not sent: {_reason(said)} "
            "The same command goes on where it stopped."
        )
    return Sent(sent=len(waiting), before=len(files) - len(waiting))


def save_views(
    folder: Path,
    kinds: Sequence[View],
    *,
    environment: Mapping[str, str],
    project: str = "ablations",
    seconds: float = 180.0,
) -> dict[str, str]:
    """Save a study's workspace and report in W&B, in place of those saved before; kind -> address.

    Args:
        folder: The study's folder; the addresses are kept in `wandb/views.json`.
        kinds: Which.
        environment: Variables of the caller.
        project: W&B's project.
        seconds: How long it may take.

    Raises:
        StudyError: If the extra is not installed, or W&B refuses.
    """
    if find_spec("wandb_workspaces") is None:
        raise StudyError(
            "workspaces and reports need the extra `wandb-reports`: "
            "`pip install 'ablations[wandb-reports]'`."
        )
    module = "ablations.tracking.views_process"
    command = [sys.executable, "-m", module, str(folder.resolve()), project, *kinds]
    code, said, wrong = _run(command, folder, environment, seconds)
    if code != 0:
        raise StudyError(f"the {' and the '.join(kinds)} could not be saved: {_reason(wrong)}")
    return dict(line.split(" ", 1) for line in said.splitlines())


def is_sent(file: Path) -> bool:
    """Whether W&B has marked a file as sent."""
    return file.with_name(f"{file.name}.synced").exists()


def _send(files: list[Path], environment: Mapping[str, str], seconds: float) -> str:
    command = [sys.executable, "-m", "wandb", "sync", "--include-online"]
    folders = [str(file.parent.resolve()) for file in files]
    _, said, wrong = _run([*command, *folders], files[0].parents[2], environment, seconds)
    return said + wrong


def _run(
    command: list[str], folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int, str, str]:
    """Exit code, output and errors of one of W&B's programs, which has no terminal to ask at."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    try:
        done = subprocess.run(
            command,
            env=wandb_environment(environment) | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            # W&B makes a folder named wandb where it is started.
            cwd=folder,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"W&B did not finish within {seconds:g} s."
    return done.returncode, done.stdout, done.stderr


def _reason(said: str) -> str:
    """The lines of W&B's own words that say what went wrong."""
    if "No API key" in said or "Not authenticated" in said or "api_key" in said:
        return "there is no API key. Set WANDB_API_KEY, or run `wandb login`."
    lines = [line.removeprefix("wandb:").strip() for line in said.splitlines()]
    wrong = [line for line in lines if "rror" in line or "fail" in line.lower()]
    return (wrong or lines or ["W&B does not say why."])[-1]
