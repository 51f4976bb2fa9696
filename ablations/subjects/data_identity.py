"""By what the data of a study are told from others: from the strongest that there is to nothing at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ablations.subjects.data_files import digest_of

By = Literal["method", "files", "batches", "nothing"]
MOST_FILES = 100
"""Up to so many files are named one by one."""
WORDS: Mapping[str, str] = {
    "method": "the method `fingerprint()` of the data, which says what they are",
    "files": "the content of the declared files",
    "batches": "the first batches, read with one seed: what comes later in the data is not seen",
}


@dataclass(frozen=True, kw_only=True)
class DataIdentity:
    """What is known of an arm's data."""

    by: By
    parts: Mapping[str, str] = field(default_factory=dict)
    """A file, a batch, ... and the hash of its content."""
    reason: str = ""
    """Why there is nothing better, where that is not plain."""

    def sentence(self) -> str:
        """For example `The data are identified by the content of the declared files (3).`."""
        count = f" ({len(self.parts)})" if self.by == "files" else ""
        reason = f" {self.reason}" if self.reason else ""
        if self.by == "nothing":
            return f"Nothing identifies the data: others under the same name would not be noticed.{reason}"
        return f"The data are identified by {WORDS[self.by]}{count}.{reason}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"by": self.by, "parts": dict(self.parts)}


def by_files(files: Sequence[Path]) -> DataIdentity:
    """The files one by one, or all as one where they are many."""
    if len(files) > MOST_FILES:
        return DataIdentity(by="files", parts={f"{len(files)} files": digest_of(files)})
    return DataIdentity(by="files", parts={str(path): digest_of([path]) for path in files})
