"""Attempts that outlived their supervisor: a cluster's job goes on, and the next supervisor waits for it."""

import time
from dataclasses import dataclass
from pathlib import Path

from ablations.engine.executors.executor import Beat, Ended, Job, Lost, Message
from ablations.engine.executors.mailbox import Mailbox
from ablations.engine.records.files import read_record, replace
from ablations.engine.records.folder import StudyFolder

POSTBOX = "slot.json"
BEAT_SECONDS = 5.0


def note_mailbox(job: Job, mailbox: Path) -> None:
    """Write into an attempt's folder where its slot is heard of, for a supervisor to come."""
    replace(Path(job.folder) / str(job.attempt) / POSTBOX, {"mailbox": str(mailbox)})


class Adoptions:
    """The attempts of a dead supervisor whose jobs may live.

    Args:
        folder: The study's.
        silence: Seconds without a sign of life after which a job is lost.
    """

    def __init__(self, folder: StudyFolder, *, silence: float) -> None:
        self._folder, self._silence = folder, silence
        self._adopted: list[_Adopted] = []

    def adopt(self, run: str, attempt: int) -> str | None:
        """Wait for an attempt, as long as its job shows that it lives; None where there is nothing to wait for."""
        box = read_record(self._folder.attempt_folder(run, attempt) / POSTBOX)
        if box is None or self._folder.attempt_result(run, attempt) is not None:
            return None
        mailbox = Mailbox(Path(box["mailbox"]), mine="heir", theirs="slot")
        self._adopted.append(_Adopted(run, attempt, mailbox))
        return Path(box["mailbox"]).name

    def look(self) -> list[Message]:
        """What became of them since the last call."""
        messages: list[Message] = []
        for one in list(self._adopted):
            result = self._folder.attempt_result(one.run, one.attempt)
            if result is not None:
                messages.append(Ended(one.run, one.attempt, result["state"]))
            elif one.mailbox.silence() > self._silence:
                messages.append(Lost(one.run, one.attempt, None, "its job fell silent"))
            else:
                # Its own supervisor is dead, and nobody hears its epochs: it lives, that is all.
                messages.append(Beat(one.run, one.attempt)) if one.is_due() else None
                continue
            self._adopted.remove(one)
        return messages


@dataclass
class _Adopted:
    run: str
    attempt: int
    mailbox: Mailbox
    told: float = 0.0

    def is_due(self) -> bool:
        """Whether it is time to say again that it lives."""
        if time.monotonic() - self.told < BEAT_SECONDS:
            return False
        self.told = time.monotonic()
        return True
