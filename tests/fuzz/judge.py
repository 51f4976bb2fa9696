"""Gives one input to the command in a forked child and says what was wrong with how it ended.

The parent has imported everything once, so a child costs a fork and the command's own work.
"""

import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inputs import Input

GIGABYTE = 2**30


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


def judge(given: Input, world: Path, limits: Limits) -> Verdict:
    """Run it in a copy of the world, which is removed afterwards."""
    with _box(given, world) as box:
        before, began = _seen(box), time.monotonic()
        pid = os.fork()
        if pid == 0:
            _child(given.words, box, limits)
        status, used = _waited(pid, until=began + 12 * limits.seconds)
        said = (box / "said").read_bytes().decode(errors="replace")
        seconds = used.ru_utime + used.ru_stime
        growth = (used.ru_maxrss - int((box / "held").read_text() or 0)) * 1024
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
        written = (box / "written").read_text(errors="replace").splitlines()
        outside = {line for line in written if not _allowed(line, box)}
        outside |= {name for name, *_ in before ^ _seen(box)}
        faults += [f"written outside: {name}" for name in sorted(outside)[:3]]
    return Verdict(tuple(faults), code, seconds, growth, said)


@contextmanager
def _box(given: Input, world: Path) -> Iterator[Path]:
    box = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        shutil.copytree(world, box / "here")
        for name in ("home", "tmp"):
            (box / name).mkdir()
        for name in ("said", "written", "held"):
            (box / name).touch()
        for name, content in given.files.items():
            (box / "here" / name).write_bytes(content)
        yield box
    finally:
        shutil.rmtree(box, ignore_errors=True)


def _seen(box: Path) -> set[tuple[str, int, int]]:
    """Every file beside the studies: name, size, time of writing."""
    found = set()
    for path in (box / "here").rglob("*"):
        if path.is_file() and not path.is_relative_to(box / "here" / "runs"):
            told = path.stat()
            found.add((str(path.relative_to(box)), told.st_size, told.st_mtime_ns))
    return found


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
    pause = 0.002
    while time.monotonic() < until:
        found, status, used = os.wait4(pid, os.WNOHANG)
        if found:
            return status, used
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    os.killpg(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    return status, used


def _virtual() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
