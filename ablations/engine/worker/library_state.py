"""What numpy, torch and `random` hold for a whole process and a run may change; none of them is imported for it."""

import random
import sys

from ablations.engine.worker.interpreter_state import Keep, PutBack
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


def _draws() -> PutBack:
    """The random states that programs share begin anew, as in a process of the run's own.

    Put back as they were, two runs that seed nothing would draw the same numbers, and their seeds would not differ.
    """

    def put_back() -> None:
        random.seed()
        if (drawing := sys.modules.get("numpy.random")) is not None:
            drawing.seed()
        if (torch := sys.modules.get("torch")) is not None:
            torch.default_generator.seed()
            if torch.cuda.is_initialized():
                torch.cuda.seed_all()

    return put_back


PARTS: tuple[Keep, ...] = (keep_options, _numpy, _draws)
