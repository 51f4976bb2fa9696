"""The process that owns W&B: `python -m ablations.tracking.wandb.process`, JSON lines on standard input.

`{"do": "open", "folder", "mode", "project"}` first, then `start`, `log`, `report`, `end` as
`ablations.tracking` sends them, and `close`. What is said on standard output is shown to
the user as a warning. The end of standard input without `close` means that the supervisor died: the runs
still open are closed as lost.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from ablations.tracking.wandb.environment import wandb_environment
from ablations.tracking.wandb.runs import WandbRuns

ORPHAN_SECONDS = 90.0
"""How long this process may outlive its supervisor."""


def main() -> int:
    """Serve one tracker until it closes or dies; 0 when it closed."""
    for name in set(os.environ) - set(wandb_environment(os.environ)):
        del os.environ[name]
    lines = iter(sys.stdin)
    opened = json.loads(next(lines, "{}"))
    if opened.get("do") != "open":
        return 2
    folder = Path(opened["folder"])
    for name in ("DATA", "CACHE"):
        # Otherwise artifacts lie in the user's home until they are sent.
        os.environ.setdefault(f"WANDB_{name}_DIR", str(folder / "wandb" / name.lower()))
    runs = WandbRuns(
        folder,
        mode=opened["mode"],
        project=opened["project"],
        tell=_tell(sys.stdout),
    )
    closed = _serve(runs, lines)
    if not closed:
        timer = threading.Timer(ORPHAN_SECONDS, os._exit, (1,))
        timer.daemon = True
        timer.start()
    runs.close()
    return 0


def _serve(runs: WandbRuns, lines: Iterable[str]) -> bool:
    for line in lines:
        message = json.loads(line)
        match message["do"]:
            case "start":
                runs.start(message["run"], started=message.get("started"))
            case "log":
                runs.log(message["id"], message["row"])
            case "report":
                report = message["report"]
                runs.report(message["id"], **report)
            case "end":
                runs.end(message["id"], message["end"])
            case "close":
                return True
    return False


def _tell(stream: IO[str]) -> Callable[[str], None]:
    def tell(sentence: str) -> None:
        try:
            stream.write(sentence + "\n")
            stream.flush()
        except OSError:
            sys.stderr.write(sentence + "\n")

    return tell


if __name__ == "__main__":
    sys.exit(main())
