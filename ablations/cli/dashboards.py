"""Commands that show a study elsewhere: wandb, leet, dashboard."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ablations.cli.options.arguments import ROOT, Flag, Root, Whole, as_named, find_study
from ablations.errors import SettingError

Out = Annotated[Path | None, Parameter()]


def wandb(
    study: str,
    /,
    *,
    sync: Flag = False,
    workspace: Flag = False,
    report: Flag = False,
    project: str | None = None,
    root: Root = ROOT,
) -> None:
    """Publish a study to W&B: its runs, a workspace laid out for ablations, a report.

    Without an option it says what is there. Each option can be given again: what was sent is not sent
    again, and a saved view takes the place of the one before. The key is WANDB_API_KEY or that of
    `wandb login`; you are never asked for one.

    Args:
        study: Name or folder of the study.
        sync: Send all runs. What W&B's files lack is first written from the records.
        workspace: Save a workspace (needs the extra `wandb-reports`).
        report: Save a W&B report (needs the extra `wandb-reports`).
        project: W&B's project, `ablations` by default.
    """
    import os

    if project is not None and not (sync or workspace or report):
        raise SettingError(
            "`--project` says where to publish to: add --sync, --workspace or --report."
        )
    project = "ablations" if project is None else project

    from ablations.tracking.wandb.sync import View, save_views
    from ablations.tracking.wandb.sync import sync as send

    folder = find_study(root, study)
    if sync:
        _rebuild(folder, project)
        sent = send(folder, environment=os.environ, project=project)
        print(f"{sent.sent} W&B runs sent, {sent.before} had been sent before.")
        if sent.address:
            print(f"runs: {sent.address}")
    asked: dict[View, bool] = {"workspace": workspace, "report": report}
    kinds = [kind for kind, wanted in asked.items() if wanted]
    if kinds:
        views = save_views(folder, kinds, environment=os.environ, project=project)
        for kind, address in views.items():
            print(f"{kind}: {address}")
    if not (sync or kinds):
        _say_what_is_there(folder)


def leet(study: str, /, *, root: Root = ROOT) -> None:
    """Open W&B's terminal viewer on a study's files; needs no account and no network.

    Args:
        study: Name or folder of the study.
    """
    import os
    import sys

    from ablations.errors import StudyError
    from ablations.tracking.wandb.environment import wandb_environment
    from analysis.tables.formats.wandb_file import offline_files

    folder = find_study(root, study)
    if not offline_files(folder / "wandb"):
        raise StudyError(
            f"study {study!r} has no W&B files: it was run with `--wandb disabled`. "
            f"`ablate wandb {as_named(folder)} --sync` writes them, even where they can not be sent."
        )
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise StudyError("W&B's viewer needs a terminal; `ablate report` writes a page instead.")
    command = [sys.executable, "-P", "-m", "wandb", "leet", str((folder / "wandb").resolve())]
    os.execve(sys.executable, command, wandb_environment(os.environ))


def dashboard(
    study: str,
    /,
    *,
    host: str = "127.0.0.1",
    port: Whole = 8080,
    out: Out = None,
    root: Root = ROOT,
) -> None:
    """Show a study in Optuna's dashboard, read-only, until Ctrl-C (needs the extra `dashboard`).

    The figures and the verdict of a written report are attached to the study first, unless it is running.

    Args:
        study: Name or folder of the study.
        host: Address to listen at. The dashboard has no authentication.
        port: Port to listen at; 0 takes any free one.
        out: A folder for a copy of the study's journal, where the study may only be read.
    """
    import sys
    from contextlib import suppress

    from ablations.tracking.optuna.attach import attach_report
    from ablations.tracking.optuna.dashboard import is_loopback, make_dashboard, make_server

    if not host.strip():
        raise SettingError("`--host` must be an address, for example 127.0.0.1, but is empty.")
    folder = find_study(root, study)
    application = make_dashboard(folder, out=out)
    outcome = attach_report(folder, out=out)
    said = {
        "attached": "The report's figures and verdict are attached to the study.",
        "no report": f"No report yet: `ablate report {as_named(folder)}` writes one, whose figures are shown here.",
        "running": "The study is running: its report is attached when it has ended.",
    }
    with make_server(application, host=host, port=port) as server:
        if outcome in said:
            print(said[outcome])
        if not is_loopback(host):
            print(
                f"warning: whoever reaches {host}:{server.server_port} can read this study; the "
                "dashboard has no authentication. Use 127.0.0.1 and an ssh tunnel instead.",
                file=sys.stderr,
            )
        print(f"http://{host}:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _rebuild(folder: Path, project: str) -> None:
    from ablations.tracking.wandb.rebuild import rebuild
    from analysis.tables.formats.wandb_file import offline_files, read_offline_file

    files = [read_offline_file(path) for path in offline_files(folder / "wandb")]
    written = rebuild(folder, on_disk=files, project=project)
    if written:
        print(f"{len(written)} W&B runs written from the records.")


def _say_what_is_there(folder: Path) -> None:
    from ablations.tracking.wandb.sync import is_sent
    from analysis.tables.formats.wandb_file import offline_files

    files = offline_files(folder / "wandb")
    sent = sum(map(is_sent, files))
    print(f"{folder}: {len(files)} W&B runs on disk, {sent} of them sent.")
    print("--sync sends the rest, --workspace and --report save views of the study.")
