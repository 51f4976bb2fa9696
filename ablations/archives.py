"""Why a NumPy archive (.npz) cannot be read: what numpy and the libraries under it raise for one that is damaged."""

import struct
import zlib
from tokenize import TokenError
from zipfile import BadZipFile

UNREADABLE = (
    BadZipFile, zlib.error, struct.error, EOFError, OSError,
    LookupError, MemoryError, RuntimeError, SyntaxError, TokenError, TypeError, ValueError,
)  # fmt: skip
"""The last line: of headers (of a size that nothing has, too), of encrypted parts, and of compressions that are not
known."""
