import errno

import pytest

from ablations.engine.supervision.retry import decide, died
from ablations.engine.worker.attempt import describe
from ablations.engine.worker.place import is_of_the_place
from ablations.errors import MissingHere, SettingError

PLACE = {**describe(FileNotFoundError(errno.ENOENT, "gone")), "place": True}
BUG = describe(ValueError("no"))
KILLED = died(-9, "", out_of_memory=True)
CUDA = {"type": "OutOfMemoryError", "message": "CUDA out of memory. Tried to allocate 2 GiB"}
TAKEN = {**CUDA, "message": "CUDA out of memory. Process 4711 has 70.1 GiB memory in use."}


@pytest.mark.parametrize(
    ("failures", "decision"),
    [
        ([PLACE], "leave"),
        ([PLACE, PLACE], "leave"),
        ([PLACE, BUG], "commit"),
        ([BUG], "commit"),
        ([KILLED], "alone"),
        ([KILLED, KILLED], "leave"),
        ([KILLED, KILLED, KILLED], "alone"),
        ([CUDA, CUDA], "commit"),
        ([TAKEN, TAKEN], "leave"),
    ],
)
def test_a_failure_is_final_only_where_trying_again_would_give_the_same(
    failures: list[dict], decision: str
) -> None:
    assert decide(failures, retries=3) == decision


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ModuleNotFoundError("No module named 'x'"), True),
        (MissingHere("`data.root` must exist"), True),
        (SettingError("`data.val_fraction` must be smaller"), False),
        (FileNotFoundError(errno.ENOENT, "gone"), True),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EINVAL, "Invalid argument"), False),
        (AssertionError("Torch not compiled with CUDA enabled"), True),
        (RuntimeError("CUDA error: invalid device ordinal"), True),
        (RuntimeError("No CUDA GPUs are available"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("no"), False),
    ],
)
def test_what_a_machine_lacks_is_told_apart_from_what_a_run_does(
    error: Exception, answer: bool
) -> None:
    assert is_of_the_place(error) is answer
