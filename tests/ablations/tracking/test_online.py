"""W&B's real client against a server on loopback."""

import dataclasses
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from ablations.tracking.wandb.rebuild import rebuild
from ablations.tracking.wandb.sync import Sent, sync
from ablations.tracking.wandb.tracker import WandbTracker
from ablations.tracking.wandb.view import run_id, study_id
from analysis.tables.formats.wandb_file import offline_files, read_offline_file
from analysis.tables.wandb_export import read_server

# The real process with less patience than users need.
QUICK = (
    sys.executable,
    "-c",
    "import ablations.tracking.wandb.runs as runs; from ablations.tracking.wandb import process;"
    "runs.REACH_SECONDS = runs.INIT_SECONDS = runs.FINISH_SECONDS = 2.0; process.main()",
)


def wait_for(condition, seconds=90.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def files_of(folder):
    return [read_offline_file(path) for path in offline_files(folder)]


def test_an_online_study_arrives_whole_and_once(online, study):
    assert online.said == ""
    ids = [run_id(study, run.run, 1) for run in online.runs]
    states = {id: run.state for id, run in online.server.runs.items()}
    ended = ("finished", "finished", "failed")
    assert states == {study_id(study): "finished"} | dict(zip(ids, ended, strict=True))
    first = online.server.runs[ids[0]]
    assert (first.group, first.job_type, first.name) == ("first", "grid", "reduction=2 seed 0")
    assert first.tags == ["gate=sigmoid", "reduction=2", "seed=0", "complete"]
    assert first.config["attention"]["reduction"] == 2
    assert [row["epoch"] for _, row in sorted(first.history.items())] == [1, 2, 3]
    assert first.summary["val_loss"] == 0.5
    assert "pruned" in online.server.runs[ids[1]].tags
    assert "val_loss" not in online.server.runs[ids[1]].summary


def test_nothing_private_reaches_the_server_or_the_disk(online):
    assert len(online.server.bytes_seen) > 5
    assert not [body for body in online.server.bytes_seen if b"canary" in body]
    written = [path for path in online.folder.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not [path for path in written if b"canary" in path.read_bytes()]


def test_a_study_on_the_server_is_read_back(online):
    frame = read_server("me/ablations", study="first").set_index("run")
    found = frame.loc[[run.run for run in online.runs]]
    assert list(found["state"]) == ["COMPLETE", "PRUNED", "FAILED"]
    assert list(found["attention.reduction"]) == [2, 2, 4]
    assert found["val_loss"].iloc[0] == 0.5


@pytest.mark.integration
def test_without_a_key_the_study_goes_on_offline(
    folder, planned, server, monkeypatch, tmp_path, show, show_warnings
):
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    show(WandbTracker(folder, "online"), [(planned, "COMPLETE")])
    assert len(show_warnings.records) == 1
    assert "W&B can not be used (No API key configured." in show_warnings.text
    assert server.runs == {}
    assert sorted(len(run.history) for run in files_of(folder)) == [1, 3]


def test_without_a_network_the_study_goes_on_offline(folder, planned, server, show, show_warnings):
    server.close()
    show(WandbTracker(folder, "online"), [(planned, "COMPLETE")])
    said = [record.getMessage() for record in show_warnings.records]
    assert said == [
        "W&B can not be reached (127.0.0.1: ConnectionError); going on offline. "
        "`ablate wandb STUDY --sync` sends it later."
    ]
    assert sorted(len(run.history) for run in files_of(folder)) == [1, 3]


@pytest.mark.integration
def test_a_server_that_dies_costs_bounded_time_and_nothing_is_lost(
    folder, study, plan, server, show, show_warnings
):
    runs = [(plan(2, seed=0), "COMPLETE"), (plan(2, seed=1), "COMPLETE")]
    first = run_id(study, runs[0][0].run, 1)

    def die():
        wait_for(lambda: first in server.runs)
        server.close()

    before = time.monotonic()
    show(WandbTracker(folder, "online", command=QUICK), runs, die)
    assert time.monotonic() - before < 30
    assert len(show_warnings.records) == 1
    assert "going on offline" in show_warnings.text
    assert sorted(len(run.history) for run in files_of(folder)) == [2, 3, 3]


def test_a_process_killed_in_the_middle_leaves_its_rows_on_disk(folder, study, planned, epoch):
    tracker = WandbTracker(folder, "offline")
    tracker.study_started(study)
    tracker.run_started(planned, 1)
    for number in range(1, 101):
        tracker.epoch(planned, 1, epoch(number))
    id = run_id(study, planned.run, 1)

    def rows():
        return [len(run.history) for run in files_of(folder) if run.id == id]

    wait_for(lambda: rows() == [100])
    process = tracker._pipe._process
    process.kill()
    process.wait()
    assert rows() == [100]
    tracker.close()


@pytest.mark.integration
def test_what_arrived_in_part_is_completed_and_not_doubled(
    recorded, study, planned, epoch, result, server, show_warnings
):
    """A supervisor that was killed with its W&B process, and a study that went on without W&B."""
    environment = dict(os.environ)
    lost, failed = run_id(study, "run4s1", 1), run_id(study, "run4s1", 2)
    tracker = WandbTracker(recorded, "online", close_seconds=0.1)
    tracker.study_started(study)
    other = dataclasses.replace(planned, run="run4s1")
    tracker.run_started(other, 1)
    tracker.epoch(other, 1, epoch(1, offset=0.1))
    tracker.run_started(planned, 1)
    tracker.epoch(planned, 1, epoch(1))
    tracker.epoch(planned, 1, epoch(2))
    partly = run_id(study, planned.run, 1)
    wait_for(lambda: partly in server.runs and len(server.runs[partly].history) == 2)
    wait_for(lambda: lost in server.runs and len(server.runs[lost].history) == 1)
    wait_for(lambda: len(server.runs[study_id(study)].history) == 4)
    os.killpg(tracker._pipe._process.pid, signal.SIGKILL)
    tracker.close()

    assert server.runs[partly].state == "running"
    rebuild(recorded, on_disk=files_of(recorded))
    assert sync(recorded, environment=environment).sent == 6
    epochs = {
        id: [row.get("epoch") for _, row in sorted(run.history.items())]
        for id, run in server.runs.items()
    }
    assert (epochs[partly], epochs[lost], epochs[failed]) == ([1, 2, 3], [1], [1, 2, 3])
    ended = [row["runs/ended"] for _, row in sorted(server.runs[study_id(study)].history.items())]
    assert ended == [1, 2, 3, 4]
    states = {id: (run.state, run.tags[-1]) for id, run in server.runs.items()}
    assert states[partly] == ("finished", "complete")
    assert states[lost] == ("failed", "lost")
    calls = len(server.calls)
    assert rebuild(recorded, on_disk=files_of(recorded)) == []
    assert sync(recorded, environment=environment) == Sent(sent=0, before=6)
    assert len(server.calls) == calls


@pytest.mark.integration
def test_what_the_server_has_is_not_sent_again(recorded, study, server):
    rebuild(recorded)
    environment = dict(os.environ)
    assert sync(recorded, environment=environment).sent == 6
    for mark in recorded.rglob("*.synced"):
        mark.unlink()
    # As a study looks that was stopped with Ctrl-C: no less without a result.
    server.runs[run_id(study, "run4s1", 1)].summary["state"] = "HANDED_BACK"
    assert sync(recorded, environment=environment) == Sent(sent=0, before=6)


@pytest.mark.integration
def test_a_killed_service_of_wandb_costs_one_warning(folder, study, plan, show, show_warnings):
    """W&B's own service, `wandb-core`, below our process."""
    tracker = WandbTracker(folder, "offline")
    killed = []

    def kill_service():
        wait_for(lambda: len(offline_files(folder)) > 1)
        process = tracker._pipe._process.pid
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
            killed.append(child)

    before = time.monotonic()
    show(tracker, [(plan(2), "COMPLETE"), (plan(4), "COMPLETE")], kill_service)
    assert time.monotonic() - before < 30
    assert len(show_warnings.records) == 1
    assert "the study goes on without it" in show_warnings.text
    assert killed


@pytest.mark.integration
def test_an_offline_study_is_sent_once_with_its_report(written, study, server, add_report):
    folder, _ = written
    environment = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "a" * 40, "PATH": "", "HOME": "/"}
    first = sync(folder, environment=environment)
    page = f"{server.url}/me/ablations/runs/{study_id(study)}"
    assert first == Sent(sent=6, before=0, address=page)
    assert {len(run.history) for run in server.runs.values()} == {1, 3, 4}
    calls = len(server.calls)
    assert rebuild(folder, on_disk=files_of(folder)) == []
    assert sync(folder, environment=environment) == Sent(sent=0, before=6)
    assert len(server.calls) == calls

    add_report(folder)
    assert len(rebuild(folder, on_disk=files_of(folder))) == 1
    assert sync(folder, environment=environment).sent == 1
    assert [(a["type"], a["state"]) for a in server.artifacts.values()] == [("study", "COMMITTED")]
    sent = " ".join(server.uploads)
    for name in ("figures/ratio.png", "tables/arms.csv", "tables/effects.csv", "verdict.md"):
        assert name in sent
    assert "left_out_runs" not in sent
    assert "provenance" not in sent
    assert not [body for body in server.bytes_seen if b"canary" in body]
