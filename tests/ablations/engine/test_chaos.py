"""The promises under long random fault injection: `make chaos` runs all and prints their figures."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from monkey import HERE, Monkey, until
from trivial_plans import STUDY, planned

from ablations.engine.records import files
from ablations.engine.records.files import read_lines
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.journal import SafeJournalBackend
from ablations.engine.records.listing import known_outcomes
from ablations.engine.sources.source import PlannedSource
from ablations.engine.sources.trials import TrialRecords
from ablations.engine.standing.status import status
from ablations.engine.supervision.supervisor import execute
from ablations.errors import StudyError

SHORT_AND_LONG = [
    pytest.param(12, 30, id="short"),
    pytest.param(200, 300, id="long", marks=pytest.mark.slow),
]


def order(folder: StudyFolder, runs: int, **fields: object) -> dict:
    settings = fields.pop("settings", {"epochs": 4, "pause": 0.12})
    return {
        "folder": str(folder.path), "runs": runs, "workers": 8, "train": "trivial:steps",
        "settings": settings, "options": {"retries": 1000, "wait": True}, **fields,
    }  # fmt: skip


@pytest.mark.parametrize(("kills", "runs"), SHORT_AND_LONG)
def test_random_kills_of_workers_and_supervisors_lose_and_repeat_nothing(
    folder, figure, kills, runs
):
    with Monkey(order(folder, runs, index=True), seed=runs) as monkey:
        monkey.kill_some(kills, share_of_supervisors=0.15, pause=0.08, seconds=500)
        assert monkey.finish(200) == 0
    results = folder.results(one.run for one in folder.plan())
    allowed = runs + monkey.kills["worker"] + 8 * monkey.kills["supervisor"] + runs // 20
    attempts = monkey.attempts()
    storage = optuna.storages.JournalStorage(SafeJournalBackend(folder.journal_file))
    trials = optuna.load_study(study_name="first", storage=storage).trials
    figure(
        1,
        "every run once",
        f"{sum(monkey.kills.values())} SIGKILLs ({monkey.kills['supervisor']} of supervisors)",
        f"{len(results)}/{runs} outcomes, {attempts} attempts (at most {allowed})",
    )
    figure(2, "acknowledged outcomes", "the same", f"{len(monkey.lost())} lost or changed")
    assert len(folder.plan()) == len({one.run for one in folder.plan()}) == runs
    assert {result["state"] for result in results.values()} == {"COMPLETE"}
    assert len(results) == runs
    assert attempts <= allowed
    assert monkey.lost() == []
    assert sorted(trial.user_attrs["run"] for trial in trials) == sorted(results)
    assert list(folder.path.rglob(".result*")) == []
    assert known_outcomes(folder).rest == set()
    listed = status(folder)
    folder.outcomes_file.unlink()
    assert status(folder) == listed


@pytest.mark.parametrize(
    "kills", [pytest.param(8, id="short"), pytest.param(200, id="long", marks=pytest.mark.slow)]
)
def test_kills_in_the_middle_of_a_journal_write_lose_nothing_acknowledged(tmp_path, figure, kills):
    path, source = tmp_path / "journal.log", random.Random(3)
    SafeJournalBackend(path)
    acknowledged: list[str] = []
    for kill in range(kills):
        started = [_start_writer(path, f"{kill}.{n}") for n in range(2)]
        time.sleep(source.uniform(0.003, 0.03))
        for pid, _ in started:
            os.kill(pid, signal.SIGKILL)
        for pid, pipe in started:
            os.waitpid(pid, 0)
            with os.fdopen(pipe) as lines:
                acknowledged += [line.strip() for line in lines if line.endswith("\n")]
    kept = {log["key"] for log in SafeJournalBackend(path).read_logs(0)}
    lost = set(acknowledged) - kept
    figure(
        2,
        "acknowledged journal writes",
        f"{2 * kills} SIGKILLs inside writes",
        f"{len(acknowledged)} acknowledged, {len(lost)} lost, journal readable",
    )
    assert len(acknowledged) > kills / 4
    assert lost == set()


def _start_writer(path: Path, name: str) -> tuple[int, int]:
    """A forked process that appends slowly, a few bytes at a time, and says what it has appended."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writes)
        return pid, reads
    original = files._write_all

    def slowly(descriptor: int, content: bytes) -> None:
        for start in range(0, len(content), 16):
            original(descriptor, content[start : start + 16])

    files._write_all = slowly
    journal, number = SafeJournalBackend(path), 0
    while True:
        number += 1
        key = f"{name}.{number}"
        journal.append_logs([{"key": key, "filling": "x" * 200}])
        os.write(writes, f"{key}\n".encode())


@pytest.mark.slow
def test_a_training_killed_40_times_equals_the_uninterrupted_one(tmp_path, local, figure):
    outcomes, kills = {}, 0
    for name in ("whole", "killed"):
        folder = StudyFolder.create(tmp_path / name, STUDY)
        runs = [_training(seed, kills=14 if name == "killed" else 0) for seed in range(3)]
        summary = execute(
            folder, PlannedSource(runs), executor=local(3), train="killed_training:train",
            retries=1000, keep_checkpoints=True,
        )  # fmt: skip
        assert summary.exit_code == 0
        kills += summary.lost
        outcomes[name] = [
            (folder.result(one.run)["train_loss"], folder.result(one.run)["val_loss"],
             folder.result(one.run)["val_accuracy"], _weights(folder, one.run))
            for one in runs
        ]  # fmt: skip
    equal = sum(a == b for a, b in zip(*outcomes.values(), strict=True))
    figure(
        3,
        "resumed = uninterrupted",
        f"{kills} SIGKILLs in 3 trainings, a third inside a checkpoint write",
        f"{equal}/3 with losses and all weights equal bit for bit",
    )
    assert kills >= 40
    assert equal == 3


def _training(seed: int, *, kills: int):
    one = planned(0, seed=seed)
    one.settings.update(kills=kills, epochs=16)
    return one


def _weights(folder: StudyFolder, run: str) -> str:
    return (folder.run_folder(run) / "weights.sha256").read_text()


@pytest.mark.long
def test_the_search_survives_its_supervisors_death(folder, figure):
    _search(folder, figure, kills=3, trials=8)


@pytest.mark.slow
def test_the_search_survives_its_supervisors_deaths(folder, figure):
    _search(folder, figure, kills=25, trials=60)


def _search(folder: StudyFolder, figure, *, kills: int, trials: int) -> None:
    one = order(folder, 0, trials=trials, workers=4, settings={"pause": 0.3})
    with Monkey(one, seed=trials) as monkey:
        monkey.kill_some(kills, share_of_supervisors=1.0, pause=1.6, seconds=400)
        assert monkey.finish(200) == 0
    recorded = TrialRecords(folder.path / "trials.jsonl").read()[0]
    plan = folder.plan()
    counted = [trial for trial in recorded if trial.state in ("COMPLETE", "PRUNED")]
    figure(
        4,
        "a search ends with its budget",
        f"{monkey.kills['supervisor']} SIGKILLs of the supervisor",
        f"{len(counted)}/{trials} arms, {len(plan)} runs, "
        f"{len(plan) - len(folder.results(r.run for r in plan))} without outcome",
    )
    assert len(counted) == trials
    assert all(trial.state for trial in recorded)
    assert len({one.run for one in plan}) == len(plan) == len(folder.results(r.run for r in plan))


@pytest.mark.slow
def test_paused_workers_never_overwrite(folder, figure):
    options = {"retries": 1000, "hang_timeout": 2.0, "start_timeout": 4.0}
    with Monkey(order(folder, 150, options=options), seed=5) as monkey:
        monkey.keep_running()
        pauses = 0
        while pauses < 20 and not monkey.over():
            time.sleep(0.25)
            pauses += monkey.hit("worker", signal.SIGSTOP)
        assert monkey.finish(300) == 0
    hung = [e for e in read_lines(folder.events_file) if e["event"] == "run_lost"]
    figure(
        5, "paused workers", f"{pauses} SIGSTOPs", f"{len(hung)} ended and their runs repeated, "
        f"{len(monkey.lost())} outcomes overwritten",
    )  # fmt: skip
    assert pauses == 20
    assert 0 < len(hung) <= 20
    assert monkey.lost() == []
    assert len(folder.results(one.run for one in folder.plan())) == 150


@pytest.mark.slow
def test_sigterm_at_random_times_hands_back(folder, figure):
    chaos, seconds, codes = random.Random(6), [], []
    command = order(folder, 40, settings={"epochs": 40, "pause": 0.1}, workers=4)
    for _ in range(50):
        process = subprocess.Popen(
            [sys.executable, str(HERE / "supervise.py"), json.dumps(command)],
            stdout=subprocess.DEVNULL,
        )
        until(lambda: (folder.path / "lock").exists() and _events(folder, "study_started"), 20)
        time.sleep(0.3 + chaos.uniform(0, 0.8))
        process.terminate()
        began = time.monotonic()
        codes.append(process.wait(40))
        seconds.append(time.monotonic() - began)
        folder.events_file.unlink()
    repeated = _repeated_epochs(folder)
    figure(
        6,
        "SIGTERM hands back",
        "50 SIGTERMs at random times",
        f"exit codes {sorted(set(codes))}, {max(seconds):.1f} s at most, "
        f"{repeated} epochs trained twice",
    )
    assert set(codes) <= {143, 0}
    assert codes[0] == 143
    assert max(seconds) < 30
    assert repeated == 0


def _events(folder: StudyFolder, kind: str) -> bool:
    return any(event["event"] == kind for event in read_lines(folder.events_file))


def _repeated_epochs(folder: StudyFolder) -> int:
    repeated = 0
    for run in folder.begun():
        epochs = [
            record["epoch"]
            for n in folder.attempts(run)
            for record in read_lines(folder.attempt_folder(run, n) / "epochs.jsonl")
        ]
        repeated += len(epochs) - len(set(epochs))
    return repeated


@pytest.mark.slow
def test_four_supervisors_at_once_and_kills(folder, figure):
    with Monkey(order(folder, 80), seed=7, supervisors=4) as monkey:
        monkey.kill_some(30, share_of_supervisors=0.5, pause=0.2, seconds=300)
        assert monkey.finish(200) == 0
    results = folder.results(one.run for one in folder.plan())
    figure(
        7, "several supervisors", f"4 at once, {sum(monkey.kills.values())} SIGKILLs",
        f"{len(results)}/80 outcomes, {len(folder.plan()) - 80} planned twice",
    )  # fmt: skip
    assert len(results) == len(folder.plan()) == 80
    assert monkey.lost() == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_of_1_mib(tmp_path, local, figure):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        folder = StudyFolder.create(disk / "first", STUDY)
        runs = [planned(i) for i in range(400)]
        message = r"No space left on device \(ENOSPC\)"
        with pytest.raises(StudyError, match=message):
            execute(folder, PlannedSource(runs), executor=local(4), train="trivial:quick",
                    free_bytes=0)  # fmt: skip
        kept = folder.results(one.run for one in folder.plan())
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        summary = execute(folder, PlannedSource(runs), executor=local(4), train="trivial:quick",
                          free_bytes=0)  # fmt: skip
        after = folder.results(one.run for one in folder.plan())
        lost = [run for run in kept if after.get(run) != kept[run]]
        figure(
            8, "full disk", "400 runs on a disk of 1 MiB",
            f"stopped after {len(kept)} with ENOSPC, {len(lost)} lost, "
            f"{summary.complete}/400 after it grew",
        )  # fmt: skip
        assert 0 < len(kept) < 400
        assert lost == []
        assert summary.complete == 400
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_hangs_are_found_in_time(folder, local, figure):
    runs = [planned(i, wrong="hang") for i in range(12)]
    execute(folder, PlannedSource(runs), executor=local(4), train="trivial:bad",
            hang_timeout=4.0, retries=0)  # fmt: skip
    begun, ratios = {}, []
    for event in read_lines(folder.events_file):
        at = event["at"].split("T")[1].split("+")[0].split(":")
        seconds = 3600 * int(at[0]) + 60 * int(at[1]) + float(at[2])
        if event["event"] == "run_started":
            begun[event["run"]] = seconds
        if event["event"] == "run_lost":
            ratios.append((seconds - begun[event["run"]]) % 86400 / 4.0)
    figure(
        13,
        "hangs",
        "12 runs that hang, timeout 4 s",
        f"found after {max(ratios):.2f} timeouts at most",
    )
    assert len(ratios) == 12
    assert 1.0 <= min(ratios) <= max(ratios) <= 1.2


@pytest.mark.slow
def test_a_plan_of_10_000_runs(folder, local, figure):
    runs = [planned(i) for i in range(10_000)]
    began = time.monotonic()
    folder.append_plan(runs)
    planning = time.monotonic() - began
    imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    summary = execute(folder, PlannedSource(runs), executor=local(4), train="trivial:quick")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.monotonic()
    again = execute(folder, PlannedSource(runs), executor=local(4), train="trivial:quick")
    reconcile = time.monotonic() - began
    figure(
        20, "a plan of 10 000 runs", "none",
        f"planned in {planning:.2f} s, {1000 * summary.seconds / 10_000:.1f} ms a run, "
        f"reconciled in {reconcile:.2f} s, supervisor at most {peak:.0f} MiB, of which "
        f"{peak - imported:.0f} for the study",
    )  # fmt: skip
    assert (summary.complete, again.attempts) == (10_000, 0)
    assert reconcile < 2.0
    assert peak < 400
