"""Optuna's dashboard over a study's journal: read-only, on loopback. Imports optuna-dashboard."""

import errno
import ipaddress
import json
import socketserver
import threading
import wsgiref.simple_server
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ablations.engine.records.folder import StudyFolder
from ablations.errors import StudyError
from ablations.tracking.optuna.attach import artifact_folder, attach_report, require_dashboard
from ablations.tracking.optuna.journal import ensure_journal

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

READING = frozenset({"GET", "HEAD"})


class _Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class _Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: the page asks for the study every few seconds."""


class ReadOnly:
    """A web application of which only what reads is let through.

    The dashboard can delete a study, and has no authentication. The journal is an index of the records
    with one writer, the supervisor. Another site's page, opened in the same browser, may not read it
    under a name of its own either.

    Args:
        application: What is guarded.
        hosts: The names that a request may be addressed to; empty for any.
    """

    def __init__(self, application: Application, *, hosts: frozenset[str]) -> None:
        self._application = application
        self._hosts = hosts

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        host = str(environ.get("HTTP_HOST", "")).rpartition(":")[0]
        if self._hosts and host not in self._hosts:
            return _refuse(start_response, "this address is not the dashboard's.")
        if environ["REQUEST_METHOD"] not in READING:
            return _refuse(start_response, "the dashboard of a study is read-only.")
        return self._application(environ, start_response)


class UpToDate:
    """A study's dashboard to which each newly written report is attached.

    Args:
        application: The dashboard.
        folder: The study's folder.
        out: Where the copy of its journal lies that is shown, if it is one.
    """

    def __init__(self, application: Application, folder: Path, *, out: Path | None = None) -> None:
        self._application = application
        self._folder, self._out = folder, out
        self._seen: float | None = None
        self._once = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        written = self._written()
        if written != self._seen and self._once.acquire(blocking=False):
            try:
                # A study that has just been started, or a full disk: the next request tries again.
                with suppress(StudyError, OSError):
                    if attach_report(self._folder, out=self._out) != "running":
                        self._seen = written
            finally:
                self._once.release()
        return self._application(environ, start_response)

    def _written(self) -> float | None:
        try:
            return (self._folder / "report" / "report.md").stat().st_mtime
        except OSError:
            return None


def make_dashboard(folder: Path, *, out: Path | None = None) -> Application:
    """The dashboard of a study as a web application; see `ReadOnly`.

    Args:
        folder: The study's folder.
        out: A folder for a copy of its journal, where it may only be read.

    Raises:
        StudyError: If there is no study or no journal can be had, or the extra is not installed.
    """
    require_dashboard()
    study = StudyFolder.open(folder)
    journal = ensure_journal(study, out=out)
    import optuna
    from optuna.artifacts import FileSystemArtifactStore
    from optuna_dashboard import wsgi

    from ablations.engine.records.journal import SafeJournalBackend

    storage = optuna.storages.JournalStorage(SafeJournalBackend(journal))
    store = FileSystemArtifactStore(artifact_folder(out or study.path))
    return UpToDate(wsgi(storage, artifact_store=store), study.path, out=out)


def make_server(
    application: Application, *, host: str, port: int
) -> wsgiref.simple_server.WSGIServer:
    """A server that is bound and not yet serving; its `server_port` is the port.

    Args:
        application: What to serve; only what reads is let through.
        host: Address to listen at.
        port: 0 for any free one.

    Raises:
        StudyError: If the address can not be had.
    """
    own = {host, "localhost", "127.0.0.1", "[::1]"}
    hosts = frozenset(own) if is_loopback(host) else frozenset()
    guarded = ReadOnly(application, hosts=hosts)
    try:
        return wsgiref.simple_server.make_server(
            host, port, guarded, server_class=_Server, handler_class=_Quiet
        )
    except (OSError, OverflowError) as error:
        raise StudyError(_busy(host, port, error)) from None


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _busy(host: str, port: int, error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return f"port {port} of {host} is taken. Name another with `--port`; 0 takes any free one."
    return f"the dashboard can not listen at {host}:{port}: {error}."


def _refuse(start_response: StartResponse, reason: str) -> list[bytes]:
    body = json.dumps({"reason": reason}).encode()
    head = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("403 Forbidden", head)
    return [body]
