"""What the code may ask of the system: what Linux and macOS both have."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from imports import ROOT

from ablations.engine.executors.slots import find_cores

PACKAGES = ("ablations", "analysis", "plain_files", "search_spaces")
LINUX_ALONE = {
    "os": {
        "sched_getaffinity", "sched_setaffinity", "pidfd_open", "pipe2", "memfd_create", "eventfd", "posix_fadvise",
        "posix_fallocate", "fdatasync", "O_TMPFILE", "O_PATH", "O_DIRECT", "copy_file_range", "splice", "setns",
        "unshare", "getrandom", "removexattr", "getxattr", "setxattr", "sched_getscheduler",
    },
    "select": {"epoll"},
    "socket": {"AF_NETLINK", "AF_PACKET", "SOCK_CLOEXEC"},
    "signal": {"SIGSTKFLT", "SIGPWR", "sigtimedwait"},
    "fcntl": {"F_OFD_SETLK", "F_SETPIPE_SZ", "F_ADD_SEALS"},
    "resource": {"prlimit", "RLIMIT_MSGQUEUE", "RUSAGE_THREAD"},
}  # fmt: skip
"""Module -> names that Python has on Linux and not on macOS (its documentation's *Availability*)."""


def used(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in LINUX_ALONE.get(node.value.id, ()):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            alone = LINUX_ALONE.get(node.module or "", set())
            yield from (f"{node.module}.{name.name}" for name in node.names if name.name in alone)


def test_nothing_is_asked_of_the_system_that_linux_alone_has() -> None:
    found = [
        (path.relative_to(ROOT).as_posix(), name)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in used(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_a_name_of_linux_alone_is_found() -> None:
    code = "import os\nfrom select import epoll\nos.sched_getaffinity(0)\nos.getpid()\n"
    assert sorted(used(ast.parse(code))) == ["os.sched_getaffinity", "select.epoll"]


def test_cores_are_counted_where_there_is_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr("ablations.engine.executors.slots._quota", lambda _: 2**31)
    assert find_cores() == 3


@pytest.mark.integration
def test_every_module_is_imported_by_a_python_that_takes_itself_for_macos(tmp_path: Path) -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.stem != "__main__"
    ]
    script = tmp_path / "imports.py"
    script.write_text(
        # The libraries first, as Linux has them: what is tried is our own.
        "import importlib, os, sys\n"
        "import lightning.pytorch, optuna, wandb, seaborn, sklearn.ensemble, scipy.stats, cyclopts\n"
        "sys.platform = 'darwin'\n"
        f"for name in {sorted(LINUX_ALONE['os'])!r}:\n"
        "    vars(os).pop(name, None)\n"
        f"for name in {modules!r}:\n"
        "    try:\n"
        "        importlib.import_module(name.removesuffix('.__init__'))\n"
        "    except ModuleNotFoundError as error:\n"  # of an extra that is not installed
        "        assert error.name.split('.')[0] in ('ray', 'submitit', 'wandb_workspaces', 'optuna_dashboard')\n"
    )
    subprocess.run(
        [sys.executable, script], cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
