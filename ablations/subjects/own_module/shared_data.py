"""What runs of one worker, and workers of one machine, need not do again for their data."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.utilities.model_helpers import is_overridden


def prepare_once(data: Any, *, made_by: str) -> None:
    """Let `prepare_data` of a DataModule run once on this machine for the process that started this one.

    Never two at a time, so a download is not begun twice. One that sets attributes, against Lightning's contract,
    runs in every run, since the others would lack them.

    Args:
        data: The DataModule; anything else stays as it is.
        made_by: What distinguishes it from others: its name and its arguments.
    """
    if isinstance(data, pl.LightningDataModule) and is_overridden(
        "prepare_data", data, pl.LightningDataModule
    ):
        data.prepare_data = partial(_prepare, data, data.prepare_data, made_by)  # type: ignore[method-assign]


def set_up_once(data: Any) -> None:
    """Let `setup` of a DataModule run once for each stage, until its `teardown` runs."""
    if not isinstance(data, pl.LightningDataModule):
        return
    setup, teardown, done = data.setup, data.teardown, set[str]()

    def set_up(stage: str) -> None:
        if stage not in done:
            setup(stage)
            done.add(stage)

    def tear_down(stage: str) -> None:
        teardown(stage)
        done.clear()

    data.setup = set_up  # type: ignore[method-assign]
    if is_overridden("teardown", data, pl.LightningDataModule):
        data.teardown = tear_down  # type: ignore[method-assign]


def _prepare(data: pl.LightningDataModule, theirs: Any, made_by: str) -> None:
    with _locked(made_by) as mark:
        if mark.read(1):
            return
        before = dict(vars(data))
        theirs()
        after = vars(data)
        if after.keys() == before.keys() and all(after[x] is before[x] for x in before):
            mark.write("prepared")


@contextmanager
def _locked(made_by: str) -> Iterator[Any]:
    """A file of this user's on this machine that others wait for."""
    key = f"{Path.cwd()}\0{made_by}\0{_starter()}"
    name = f"ablations-{os.getuid()}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    path = Path(tempfile.gettempdir()) / name
    # Nobody else's: a link that stands in this place is not followed.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _starter() -> str:
    """The process that started this one; a later one with its number began at another time."""
    parent = os.getppid()
    try:
        began = (
            Path(f"/proc/{parent}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        )
    except OSError:
        began = ""
    return f"{parent} {began}"
