"""Whether a run failed for want of something that this machine lacks now: then it is no outcome of the run."""

import errno

from ablations.errors import MissingHere, message_of

LACKING = frozenset(
    (
        errno.ENOENT, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ETIMEDOUT,
        errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED, errno.EACCES, errno.EROFS,
        errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT,
    )
)  # fmt: skip
"""Files and devices that are not there, cannot be reached or take no more: data that is not mounted, say."""
NO_DEVICE = (
    "torch not compiled with cuda",
    "no cuda gpus are available",
    "no nvidia driver",
    "invalid device ordinal",
    "no cuda-capable device",
    "devices unavailable",
    "device(s) is/are busy",
    "no supported gpu backend",
    "cuda driver version is insufficient",
)
"""Parts of what torch and Lightning say where the device is not there; their types are no help."""


def is_of_the_place(error: BaseException) -> bool:
    """Whether the error is the place's, not the run's."""
    if isinstance(error, ImportError | MissingHere):
        return True
    if isinstance(error, OSError):
        return error.errno in LACKING
    return any(words in message_of(error).lower() for words in NO_DEVICE)
