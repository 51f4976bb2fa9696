"""A real MariaDB on loopback as Optuna's storage: `make integration` installs what it needs."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import optuna
import pytest
from trivial_plans import planned

from ablations.engine.executors.process import free_port
from ablations.engine.records.index import Index
from ablations.engine.records.storage import check_storage_url
from ablations.engine.sources.source import PlannedSource
from ablations.engine.supervision.supervisor import execute

PASSWORD = "canary-3c07"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        shutil.which("mariadbd") is None or os.geteuid() != 0,
        reason="MariaDB is not installed, or this is not root: apt-get install mariadb-server",
    ),
]


@dataclass
class Server:
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        options = f"read_default_file={self.folder / 'my.cnf'}"
        return f"mysql+pymysql://study@127.0.0.1:{self.port}/study?{options}"

    def start(self) -> None:
        socket = self.folder / "socket"
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={self.folder / 'data'}", "--user=mysql",
             f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={socket}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while self.sql("select 1").returncode:
            assert time.monotonic() < deadline, "MariaDB did not start"
            time.sleep(0.1)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def sql(self, text: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.folder / 'socket'}", "-u", "root", "-e", text],
            capture_output=True, check=False,
        )  # fmt: skip


@pytest.fixture
def server() -> Iterator[Server]:
    pytest.importorskip("pymysql")
    folder = Path("/tmp") / f"ablations-my-{os.getpid()}"  # the server's user must reach it
    folder.mkdir(mode=0o755)
    shutil.chown(folder, "mysql")
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={folder / 'data'}", "--user=mysql",
         "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    (folder / "my.cnf").write_text(f"[client]\npassword={PASSWORD}\n")
    server = Server(folder, free_port())
    try:
        server.start()
        made = server.sql(
            f"create database study; create user study@'127.0.0.1' identified by '{PASSWORD}';"
            "grant all on study.* to study@'127.0.0.1';"
        )
        assert made.returncode == 0, made.stderr
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


def test_a_database_that_restarts_fails_no_run_lacks_none_and_leaks_no_password(
    folder, local, server
):
    class Restarts:
        """A progress display that restarts the database in the middle."""

        def __init__(self) -> None:
            self.left = 8

        def line(self, text: str) -> None:
            self.left -= 1
            if self.left == 0:
                server.kill()
                server.start()

        def show(self, snapshot: object) -> None:
            pass

        def close(self) -> None:
            pass

    runs = [planned(i, epochs=4, pause=0.1) for i in range(24)]
    index = Index(check_storage_url(server.url), study="first", warn=folder.event)
    summary = execute(folder, PlannedSource(runs), executor=local(), train="trivial:steps",
                      index=index, progress=Restarts())  # fmt: skip
    assert (summary.complete, summary.failed, summary.lost) == (24, 0, 0)
    trials = optuna.load_study(study_name="first", storage=server.url).trials
    assert sorted(t.user_attrs["run"] for t in trials) == sorted(one.run for one in runs)
    written = [path for path in folder.path.rglob("*") if path.is_file()]
    assert [path for path in written if PASSWORD.encode() in path.read_bytes()] == []
