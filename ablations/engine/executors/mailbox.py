"""Two processes on different machines that talk through files in a shared folder."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ablations.engine.records.files import PRIVATE_FOLDER, append_lines

BEAT_SECONDS = 2.0


class Mailbox:
    """One end of a pair of growing files, with a file whose change says that this end lives.

    Clocks of different machines are never compared: an end is taken for dead when the other has
    not seen its file change for a while by its own clock.
    """

    def __init__(self, folder: Path, *, mine: str, theirs: str) -> None:
        """Open an end.

        Args:
            folder: Shared by both; made where missing.
            mine: Name of this end; its messages go to `<mine>.jsonl`.
            theirs: Name of the other end.
        """
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        self._out, self._in = folder / f"{mine}.jsonl", folder / f"{theirs}.jsonl"
        self._my_beat, self._their_beat = folder / f"{mine}.beat", folder / f"{theirs}.beat"
        self._offset = 0
        self._beaten = 0.0
        self._seen: tuple[int, int] | None = None
        self._seen_at = time.monotonic()

    def skip(self) -> None:
        """Leave unread what was sent to an end that died before."""
        for _ in self.receive():
            pass

    def send(self, message: dict[str, Any]) -> None:
        """Append a message."""
        append_lines(self._out, [message], sync=True)

    def receive(self) -> Iterator[dict[str, Any]]:
        """The messages that have arrived since the last call."""
        if not self._in.exists():
            return
        with self._in.open("rb") as lines:
            lines.seek(self._offset)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield json.loads(line)

    def beat(self) -> None:
        """Show that this end lives; call it often."""
        if time.monotonic() - self._beaten > BEAT_SECONDS:
            self._beaten = time.monotonic()
            self._my_beat.write_text(str(self._beaten))

    def silence(self) -> float:
        """Seconds since the other end showed that it lives."""
        try:
            stat = self._their_beat.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            seen = None
        if seen != self._seen:
            self._seen, self._seen_at = seen, time.monotonic()
        return time.monotonic() - self._seen_at
