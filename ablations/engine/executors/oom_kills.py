"""How often the system has killed a process because memory was short: what a worker's SIGKILL may mean."""

import math
import time
from pathlib import Path

RECENT_SECONDS = 1.0


class OomKills:
    """A recent count of the system's kills for memory: reading it costs as much as starting a run does."""

    def __init__(self) -> None:
        self._read = -math.inf
        self._count = 0

    def before_now(self) -> int:
        """The count at some moment of the last second."""
        return self._count if time.monotonic() - self._read < RECENT_SECONDS else self.now()

    def now(self) -> int:
        """The count, read now; a kill that was just seen is not counted again for the next run."""
        self._read, self._count = time.monotonic(), oom_kills()
        return self._count


def oom_kills(counters: Path = Path("/proc/vmstat")) -> int:
    """How often this system has killed a process because memory was short; 0 where it does not say."""
    try:
        lines = counters.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
