"""What a cluster's job does: serve a slot through a mailbox."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ablations.engine.executors.executor import Beat, Ended, Epoch, Job, Lost, Message, Unwritten
from ablations.engine.executors.mailbox import Mailbox
from ablations.engine.executors.server import SlotServer

PAUSE_SECONDS = 0.1


def serve(
    folder: Path,
    name: str,
    *,
    processes: int,
    threads: int,
    pythonpath: str,
    seconds: float,
    silence: float,
) -> None:
    """Serve runs in a job until told to end, out of time, or without a supervisor.

    Args:
        folder: Of the mailbox.
        name: Of the slot.
        processes: Of a run.
        threads: Of each process.
        pythonpath: Folders to import the training function from.
        seconds: After which the job hands its run back and ends.
        silence: Of the supervisor, after which the job ends with its run.
    """
    mailbox = Mailbox(folder, mine="slot", theirs="supervisor")
    mailbox.skip()
    server = SlotServer(name, processes=processes, threads=threads, pythonpath=pythonpath)
    mailbox.send({"is": "up"})
    deadline, stopping = time.monotonic() + seconds, False
    busy: Job | None = None
    try:
        while not (stopping and busy is None):
            mailbox.beat()
            for command in mailbox.receive():
                if command["do"] == "end":
                    return
                if command["do"] == "start":
                    busy = Job(**command["job"])
                server.obey(command)
            for message in server.poll(PAUSE_SECONDS):
                if isinstance(message, Ended | Lost | Unwritten):
                    busy = None
                mailbox.send(encode(message))
            orphaned = mailbox.silence() > silence
            if orphaned and busy is None:
                return
            # A run that waits for answers cannot end without a supervisor; any other one can.
            is_over = time.monotonic() > deadline or (orphaned and busy is not None and busy.ask)
            if not stopping and is_over:
                stopping = True
                server.obey({"do": "stop"})
    finally:
        server.close()
        mailbox.send({"is": "down"})


KINDS = {kind.__name__: kind for kind in (Epoch, Beat, Ended, Lost, Unwritten)}


def encode(message: Message) -> dict[str, Any]:
    """A message as JSON."""
    return {"is": type(message).__name__, **asdict(message)}


def decode(message: dict[str, Any]) -> Message:
    """The message that `encode` wrote."""
    fields = {name: value for name, value in message.items() if name != "is"}
    return KINDS[message["is"]](**fields)
