"""Gives one input to the command in a forked child and says what was wrong with how it ended.

The parent has imported everything once, so a child costs a fork and the command's own work.
"""

import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from given import Input

GIGABYTE = 2**30
FOLDERS = ("here", "home", "tmp")
"""Of a box: what the command may see."""
SAID = ("said", "written", "held")
"""Beside them: what the command printed, where it wrote, and how large it was at first."""


@dataclass(frozen=True)
class Limits:
    """What an input may take."""

    seconds: float = 10.0
    """Of processor time, since the machine may be shared; twelve times as much by the clock."""
    growth: int = GIGABYTE


@dataclass(frozen=True)
class Verdict:
    """How an input ended."""

    faults: tuple[str, ...]
    code: int
    seconds: float
    growth: int
    said: str


class Box:
    """A copy of the world that inputs are tried in; made anew only where one of them left something behind."""

    def __init__(self, world: Path) -> None:
        self.world = world
        self.path = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._make()

    def put(self, given: Input) -> None:
        """The input's files, in the place of the world's."""
        for name in SAID:
            (self.path / name).write_bytes(b"")
        for name, content in given.files.items():
            at = self.path / "here" / name
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(content)

    def clear(self, given: Input) -> None:
        """The world as it was before the input."""
        for name in given.files:
            at = self.path / "here" / name
            at.unlink(missing_ok=True)
            if (self.world / name).exists() and at.parent.is_dir():
                shutil.copy2(self.world / name, at)
        if self.seen() != self._clean:
            self.remove()
            self._make()

    def seen(self) -> set[tuple[str, int, int]]:
        """Every file and folder: path in the box, size, time of writing."""
        return {one for name in FOLDERS for one in _seen(self.path / name, name)}

    def remove(self) -> None:
        """Nothing is left."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _make(self) -> None:
        shutil.copytree(self.world, self.path / "here")
        for name in FOLDERS:
            (self.path / name).mkdir(exist_ok=True)
        self._clean = self.seen()


def judge(given: Input, box: Box, limits: Limits) -> Verdict:
    """Give it to the command in a forked child."""
    box.put(given)
    try:
        return _judged(given, box, limits)
    finally:
        box.clear(given)


def _judged(given: Input, box: Box, limits: Limits) -> Verdict:
    before, began = _beside(box.seen()), time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(given.words, box.path, limits)
    status, used = _waited(pid, until=began + 12 * limits.seconds)
    said = (box.path / "said").read_bytes().decode(errors="replace")
    seconds = used.ru_utime + used.ru_stime
    growth = (used.ru_maxrss - int((box.path / "held").read_text() or 0)) * 1024
    code = os.waitstatus_to_exitcode(status)
    faults = []
    if "a fault in ablate itself" in said:
        faults.append("a fault in ablate itself")
    if "Traceback (most recent call last)" in said:
        faults.append("a traceback")
    if seconds > limits.seconds or code == -signal.SIGKILL:
        faults.append("a hang")
    elif code < 0 or code not in (0, 1, 2):
        faults.append(f"ended with {code}")
    if growth > limits.growth:
        faults.append("growth")
    written = (box.path / "written").read_text(errors="replace").splitlines()
    outside = {line for line in written if not _allowed(line, box.path)}
    outside |= {name for name, *_ in before ^ _beside(box.seen())}
    faults += [f"written outside: {name}" for name in sorted(outside)[:3]]
    return Verdict(tuple(faults), code, seconds, growth, said)


def _seen(folder: Path, name: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as found:
        for one in found:
            inside = f"{name}/{one.name}"
            if one.is_dir(follow_symlinks=False):
                yield inside, -1, 0
                yield from _seen(Path(one.path), inside)
            else:
                told = one.stat(follow_symlinks=False)
                yield inside, told.st_size, told.st_mtime_ns


def _beside(seen: set[tuple[str, int, int]]) -> set[tuple[str, int, int]]:
    """The files that no command may touch: those beside the studies, but what Python compiled of a module there."""
    theirs = ("/runs/", "/__pycache__/")
    return {
        one
        for one in seen
        if one[1] >= 0 and one[0].startswith("here/") and not any(part in one[0] for part in theirs)
    }


def _allowed(line: str, box: Path) -> bool:
    path = Path(os.path.normpath(box / "here" / line))
    roots = (box / "here" / "runs", box / "tmp", box / "home", Path("/dev"))
    return any(path.is_relative_to(root) for root in roots)


def _child(words: list[str], box: Path, limits: Limits) -> None:
    """Never returns."""
    code = 70
    try:
        os.setsid()
        os.chdir(box / "here")
        said = os.open(box / "said", os.O_WRONLY)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.environ |= {"HOME": str(box / "home"), "TMPDIR": str(box / "tmp"), "COLUMNS": "100"}
        tempfile.tempdir = None
        ends = int(limits.seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (ends, ends + 1))
        room = _virtual() + limits.growth + 2 * GIGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        (box / "held").write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
        _watch(os.open(box / "written", os.O_WRONLY | os.O_APPEND))
        from ablations.cli.main import main

        try:
            main(words)
            code = 0
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def _watch(log: int) -> None:
    """Write down every path that Python opens to write, makes, moves or removes."""

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = given
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if not writes and not (isinstance(mode, str) and set(mode) & set("wax+")):
                return
            paths = [path]
        elif event in ("os.remove", "os.mkdir", "os.rmdir", "os.truncate", "sqlite3.connect"):
            paths = [given[0]]
        elif event in ("os.rename", "os.link", "os.symlink"):
            paths = list(given[:2])
        else:
            return
        for path in paths:
            name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
            if name and name != ":memory:" and "mode=ro" not in name:
                os.write(log, name.encode(errors="replace").replace(b"\n", b"?") + b"\n")

    sys.addaudithook(hook)


def _waited(pid: int, *, until: float) -> tuple[int, Any]:
    ended = select.poll()
    held = os.pidfd_open(pid)
    try:
        ended.register(held, select.POLLIN)
        if ended.poll(1000 * max(0.0, until - time.monotonic())):
            _, status, used = os.wait4(pid, 0)
            return status, used
    finally:
        os.close(held)
    os.killpg(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    return status, used


def _virtual() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
