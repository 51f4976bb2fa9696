"""What numpy, torch and `random` hold for a whole process and a run may change; none of them is imported for it."""

import random
import sys

from ablations.engine.worker.interpreter_state import Keep, PutBack
from ablations.first_import import when_imported
from ablations.torch_options import keep_options

NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
"""The answers to floating-point errors that numpy starts with."""


def _numpy() -> PutBack:
    numpy = sys.modules.get("numpy")
    kept = NUMPY if numpy is None else numpy.geterr()

    def put_back() -> None:
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.seterr(**kept)

    return put_back


PARTS: tuple[Keep, ...] = (keep_options, _numpy)


def draw_anew() -> None:
    """The random states that programs share begin anew, as in a process of the run's own.

    torch's, which begins with one number in every process, also where a run is the first to import it. Put back as
    they were, two runs that seed nothing would draw the same numbers, and their seeds would not differ.
    """
    random.seed()
    if (drawing := sys.modules.get("numpy.random")) is not None:
        drawing.seed()
    # Of GPUs too, in use or not yet.
    when_imported("torch", lambda torch: torch.seed())
