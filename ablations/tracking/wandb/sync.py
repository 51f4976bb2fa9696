"""Sending a study to W&B's server: its offline files, once each, and its saved views."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ablations.errors import StudyError
from ablations.tracking.wandb.rebuild import Expected, expected_runs
from ablations.tracking.wandb.records import read_json
from ablations.tracking.wandb.server import Server, ServerRun, reason, run_program
from ablations.tracking.wandb.view import study_id

View = Literal["workspace", "report"]


@dataclass(frozen=True)
class Sent:
    """What `sync` did."""

    sent: int
    """Files that this call sent."""
    before: int
    """Files that had been sent before."""
    address: str = ""
    """Page of the study's own W&B run, where this call sent it."""


def sync(
    folder: Path,
    *,
    environment: Mapping[str, str],
    project: str = "ablations",
    seconds: float = 3600.0,
) -> Sent:
    """Send what the server lacks of a study; a second call sends nothing.

    W&B adds the rows of a second file of the same run to those of the first. So a run that the server
    does not know is sent as its file; one that it knows in part gets what is missing.

    Args:
        folder: The study's folder.
        environment: Variables of the caller: W&B's key and address are taken from it.
        project: W&B's project.
        seconds: How long each step may take.

    Raises:
        StudyError: If something could not be sent; what was sent stays sent.
    """
    files = sorted((folder / "wandb").glob("*run-*/run-*.wandb"))
    waiting = {_id(file): file for file in files if not is_sent(file)}
    if not waiting:
        return Sent(sent=0, before=len(files))
    study = read_json(folder / "study.json") or {"study": folder.name}
    expected = {item.view.id: item for item in expected_runs(folder, study)}
    server = Server(folder, project, str(study["study"]), environment, seconds)

    there = server.runs()
    right = [id for id in waiting if id in there and _agrees(there[id], expected.get(id))]
    _mark(waiting[id] for id in right)
    wrong = [id for id in waiting if id in there and id not in right]
    said = server.send([file for id, file in waiting.items() if id not in there])
    if wrong:
        server.complete([expected[id] for id in wrong])
        there = server.runs()
        _mark(waiting[id] for id in wrong if _agrees(there[id], expected[id]))
    left = [file for file in waiting.values() if not is_sent(file)]
    if left:
        raise StudyError(
            f"{len(left)} of {len(files)} W&B runs were not sent: {reason(said)} "
            "The same command goes on where it stopped."
        )
    page = re.search(rf"https?://\S+/runs/{re.escape(study_id(study))}(?=\s|$)", said)
    return Sent(
        sent=len(waiting) - len(right),
        before=len(files) - len(waiting) + len(right),
        address=page[0] if page else "",
    )


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
    module = "ablations.tracking.wandb.views_process"
    command = [sys.executable, "-P", "-m", module, str(folder.resolve()), project, *kinds]
    code, said, wrong = run_program(command, folder, environment, seconds)
    if code != 0:
        raise StudyError(f"the {' and the '.join(kinds)} could not be saved: {reason(wrong)}")
    return dict(line.split(" ", 1) for line in said.splitlines())


def is_sent(file: Path) -> bool:
    """Whether W&B has marked a file as sent."""
    return file.with_name(f"{file.name}.synced").exists()


def _id(file: Path) -> str:
    return file.stem.removeprefix("run-")


def _mark(files: Iterable[Path]) -> None:
    for file in files:
        # W&B's own mark, which `wandb sync` and `wandb clean` heed too.
        file.with_name(f"{file.name}.synced").touch()


def _agrees(run: ServerRun, expected: Expected | None) -> bool:
    """Whether the server shows of a run what the records say."""
    if expected is None:
        return True
    rows = expected.rows[-1][expected.counter] if expected.rows else None
    is_good = expected.end.exit_code == 0
    return (
        run.summary.get(expected.counter) == rows
        and run.state != "running"
        and (run.state == "finished") is is_good
        and expected.ends_as(run.summary)
    )
