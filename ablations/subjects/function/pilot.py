"""How long runs of a function will take, from calls of it that are ended after a while."""

import statistics
import time
from collections.abc import Sequence

from ablations.subjects.function.trial import tried
from ablations.subjects.program import Program
from ablations.subjects.subject import Pace, Values

MOST_SECONDS = 20.0
"""Of all calls together: none is begun later, and the last is ended then."""
RECORDS = 2
"""Epochs of a call that are waited for: the first may also set things up."""


def pilot(
    name: str, program: Program, arms: Sequence[Values], *, epochs: Sequence[int]
) -> Pace | None:
    """The seconds of a run of each arm; None where no call came to its end or to a record.

    Args:
        name: Import path of the function.
        program: What the space says of it.
        arms: Those that are called, one after another; one that is left has the mean of the others.
        epochs: How many a run of each is planned to have.
    """
    until = time.monotonic() + MOST_SECONDS
    found: dict[int, float] = {}
    whole = True
    for i, (arm, count) in enumerate(zip(arms, epochs, strict=True)):
        left = until - time.monotonic()
        if left <= 0:
            break
        trial = tried(name, program, arm, limit=left, records=RECORDS)
        seconds = trial.run_seconds(count)
        if seconds is not None:
            found[i] = seconds
            whole = whole and trial.seconds is not None
    if not found:
        return None
    rest = statistics.fmean(found.values())
    several = f"{len(found)} of {len(arms)} arms" if len(found) < len(arms) else "each arm"
    what = "one whole call" if whole else "the first epochs of a call"
    return Pace(
        seconds=tuple(found.get(i, rest) for i in range(len(arms))),
        basis=f"from {what} of {several}, alone on this machine's cpu",
    )
