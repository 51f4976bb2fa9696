"""A real PostgreSQL on loopback as Optuna's storage: `make integration` installs what it needs."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import optuna
import pytest
from trivial_plans import planned

from ablations.engine.executors.process import free_port
from ablations.engine.records.files import read_lines
from ablations.engine.records.index import Index
from ablations.engine.records.storage import check_storage_url
from ablations.engine.sources.search import SearchSource
from ablations.engine.sources.source import PlannedSource
from ablations.engine.supervision.supervisor import execute

PASSWORD = "canary-9d21"
BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        BIN is None, reason="PostgreSQL is not installed: apt-get install postgresql"
    ),
]


@dataclass
class Server:
    folder: Path
    port: int
    url: str

    def ctl(self, *words: str) -> None:
        """pg_ctl, as a user that PostgreSQL accepts: it refuses to run as root."""
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*user, BIN / "pg_ctl", "-D", self.folder, *words], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)  # fmt: skip


@pytest.fixture
def server(tmp_path_factory, monkeypatch) -> Iterator[Server]:
    pytest.importorskip("psycopg2")
    base = Path("/tmp") / f"ablations-pg-{os.getpid()}"  # the server's user must reach it
    base.mkdir(mode=0o755)
    secret, data = base / "password", base / "data"
    secret.write_text(PASSWORD)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for path in (base, secret):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    port = free_port()
    server = Server(data, port, f"postgresql+psycopg2://study@127.0.0.1:{port}/postgres")
    server.ctl("initdb", "-o", f"-U study -A scram-sha-256 --pwfile={secret}")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={base}"
    try:
        server.ctl("start", "-w", "-l", str(base / "log"), "-o", options)
        passfile = tmp_path_factory.mktemp("secret") / "pgpass"
        passfile.write_text(f"127.0.0.1:{port}:*:study:{PASSWORD}\n")
        passfile.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(passfile))
        yield server
    finally:
        server.ctl("stop", "-m", "immediate")
        shutil.rmtree(base)


def indexed(server: Server) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="first", storage=server.url).trials


def test_a_database_that_restarts_fails_no_run_and_lacks_none(folder, local, server, figure):
    class Restarts:
        """A progress display that restarts the database in the middle."""

        def __init__(self) -> None:
            self.left = 8

        def line(self, text: str) -> None:
            self.left -= 1
            if self.left == 0:
                server.ctl("restart", "-m", "immediate", "-w")

        def show(self, snapshot: object) -> None:
            pass

        def close(self) -> None:
            pass

    runs = [planned(i, epochs=4, pause=0.1) for i in range(24)]
    index = Index(check_storage_url(server.url), study="first", warn=folder.event)
    summary = execute(folder, PlannedSource(runs), executor=local(), train="trivial:steps",
                      index=index, progress=Restarts())  # fmt: skip
    keys = sorted(trial.user_attrs["run"] for trial in indexed(server))
    figure(15, "database restart", "PostgreSQL restarted at once, in the middle",
           f"{summary.complete}/24 complete, {len(keys)} in the index")  # fmt: skip
    assert (summary.complete, summary.failed, summary.lost) == (24, 0, 0)
    assert keys == sorted(one.run for one in runs)


def test_a_search_is_mirrored_to_a_database(folder, local, server):
    from trivial_plans import real

    index = Index(server.url, study="first", warn=folder.event)
    source = SearchSource(folder, real, trials=10, pruner="median", mirror=index.add_trial)
    execute(folder, source, executor=local(), train="trivial:steps", index=index)
    assert [trial.state.is_finished() for trial in indexed(server)] == [True] * 10
    assert all(0 <= trial.params["x"] <= 1 for trial in indexed(server))


def test_the_password_is_in_no_artefact(folder, local, server):
    index = Index(server.url, study="first", warn=folder.event)
    runs = [planned(0), planned(1, wrong="tell_everything")]
    execute(folder, PlannedSource(runs), executor=local(), train="trivial:bad", index=index)
    server.ctl("stop", "-m", "immediate")
    index = Index(server.url, study="first", warn=folder.event)
    index.close = lambda: Index.close(index, 2.0)
    execute(folder, PlannedSource(runs), executor=local(), train="trivial:bad", index=index)
    server.ctl("start", "-w", "-l", str(server.folder.parent / "log"),
               "-o", f"-p {server.port} -c unix_socket_directories={server.folder.parent}")  # fmt: skip
    events = [event["event"] for event in read_lines(folder.events_file)]
    assert "index_unreachable" in events
    written = [path for path in folder.path.rglob("*") if path.is_file()]
    assert [path for path in written if PASSWORD.encode() in path.read_bytes()] == []
