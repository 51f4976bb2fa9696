"""W&B's offline file, `run-<id>.wandb`: read without a server and without W&B's service.

The format is LevelDB's log: after seven bytes of header, blocks of 32 KiB hold chunks of
`crc32, length, kind`; a record is one chunk, or a first, middle ones and a last. A record is a
`wandb.proto` message. Both are semi-private to W&B, so its version is bounded and a test writes such
files with the real client.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.errors import TableError

HEADER = b":W&B"
HEADER_BYTES = 7
BLOCK_BYTES = 32 * 1024
CHUNK = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass(kw_only=True)
class OfflineRun:
    """What one offline file says about its run."""

    path: Path
    id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    """None until the run's end was written."""


def read_offline_file(path: Path) -> OfflineRun:
    """What an offline file says; a file that was cut off by a crash is read up to the cut.

    Raises:
        TableError: If it is no such file, or a whole record of it is none of W&B's.
    """
    from google.protobuf.message import DecodeError

    # The stubs of generated messages lack their names.
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

    run = OfflineRun(path=path, id=path.stem.removeprefix("run-"))
    for number, payload in enumerate(_payloads(path), start=1):
        try:
            _add(run, Record.FromString(payload))
        except (DecodeError, ValueError, RecursionError) as error:
            raise TableError(
                f"{path} is damaged: record {number} is none of W&B's ({type(error).__name__}). Restore it from a "
                "copy, or leave it out."
            ) from None
    return run


def offline_files(folder: Path) -> list[Path]:
    """The offline files of a study folder (or of any folder above or named `wandb`), in order of time."""
    # `latest-run` is a link to one of them, which would count that run twice.
    return [
        path for path in sorted(folder.glob("**/run-*.wandb")) if "latest-run" not in path.parts
    ]


def _payloads(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    if len(content) < HEADER_BYTES:
        # Killed before the first flush.
        return
    if content[: len(HEADER)] != HEADER:
        raise TableError(f"{path} is no offline file of W&B: it must begin with {HEADER!r}.")
    at, parts = HEADER_BYTES, b""
    while at + CHUNK.size <= len(content):
        left = BLOCK_BYTES - at % BLOCK_BYTES
        if left < CHUNK.size:
            at += left
            continue
        crc, length, kind = CHUNK.unpack_from(content, at)
        data = content[at + CHUNK.size : at + CHUNK.size + length]
        if kind not in (FULL, FIRST, MIDDLE, LAST) or crc != zlib.crc32(bytes([kind]) + data):
            return
        at += CHUNK.size + length
        parts = data if kind in (FULL, FIRST) else parts + data
        if kind in (FULL, LAST):
            yield parts


def _add(run: OfflineRun, record: Any) -> None:
    match record.WhichOneof("record_type"):
        case "run":
            run.id, run.name = record.run.run_id, record.run.display_name
            run.group, run.job_type = record.run.run_group, record.run.job_type
            run.project, run.tags = record.run.project, tuple(record.run.tags)
            _update(run.config, record.run.config)
        case "config":
            _update(run.config, record.config)
        case "summary":
            _update(run.summary, record.summary)
        case "history":
            row: dict[str, Any] = {}
            for item in record.history.item:
                _set(row, item)
            run.history.append(row)
        case "exit":
            run.exit_code = int(record.exit.exit_code)


def _update(tree: dict[str, Any], change: Any) -> None:
    for item in change.update:
        _set(tree, item)
    for item in change.remove:
        tree.pop(item.key, None)


def _set(tree: dict[str, Any], item: Any) -> None:
    *groups, last = item.nested_key or (item.key,)
    for group in groups:
        if not isinstance(tree.setdefault(group, {}), dict):
            raise ValueError(f"{group!r} is a value and a group.")
        tree = tree[group]
    tree[last] = json.loads(item.value_json)
