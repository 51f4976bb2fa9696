import io
import os
import threading
from dataclasses import replace

import pytest
from rich.console import Console
from trivial_plans import planned

from ablations.engine.sources.source import PlannedSource
from ablations.engine.standing.snapshot import Busy, Snapshot
from ablations.engine.standing.status import status
from ablations.engine.standing.tally import Best, Tally
from ablations.engine.supervision.live import Live
from ablations.engine.supervision.progress import (
    LiveProgress,
    PlainProgress,
    duration,
    make_progress,
    render,
    summary_line,
)
from ablations.engine.supervision.supervisor import execute

SNAPSHOT = Snapshot(
    study="first", total=60, complete=20, pruned=1, failed=2, slots=("gpu0", "gpu1", "gpu2"),
    busy=(Busy(slot="gpu1", label="reduction=4", seed=3, epoch=7, epochs=30, value=0.12345),),
    metric="val_loss", best=Best("a", "reduction=8", 0.0912, 5), seconds=60.0,
    runs_per_hour=1200.0, seconds_left=3725.0,
)  # fmt: skip


def test_one_line_has_counts_best_throughput_and_time_left():
    assert summary_line(SNAPSHOT) == (
        "23/60 runs, 1 pruned, 2 failed, 1 running, 36 waiting, "
        "best so far reduction=8: val_loss 0.09120 (5 seeds each), 1,200 runs/h, 1 h 02 min left"
    )


def test_the_display_shows_what_is_on_each_slot():
    console = Console(file=io.StringIO(), width=120)
    console.print(render(SNAPSHOT))
    lines = console.file.getvalue().splitlines()
    assert lines[0].startswith("first  23/60 runs")
    (busy,) = [line for line in lines if line.startswith("gpu1")]
    assert busy.split()[:4] == ["gpu1", "reduction=4", "3", "7/30"]
    assert busy.split()[-1] == "0.1235"
    (head,) = [line for line in lines if "slot" in line]
    assert head.split() == ["slot", "arm", "seed", "epoch", "val_loss"]
    assert [line.split() for line in lines if line.startswith("gpu0")] == [["gpu0", "idle"]]


def test_a_long_label_is_folded_and_not_cut():
    label = "width=64, squeeze=avg_max_mlp_and_more"
    busy = (replace(SNAPSHOT.busy[0], label=label),)
    console = Console(file=io.StringIO(), width=50)
    console.print(render(replace(SNAPSHOT, busy=busy)))
    assert "…" not in console.file.getvalue()


def test_without_a_terminal_each_event_is_a_line_without_control_characters(folder, local):
    stream = io.StringIO()
    runs = [planned(0), planned(1, wrong="raise")]
    execute(folder, PlannedSource(runs), executor=local(1), train="trivial:bad",
            progress=make_progress(stream))  # fmt: skip
    lines = [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]
    assert lines[0].startswith("1/2 complete x=0 seed 0 val_loss 0.4627 (")
    failed = next(run for run in runs if run.label == "x=1")
    log = folder.attempt_folder(failed.run, 1) / "log.txt"
    said = "s): ValueError: a rule was broken (tests/ablations/engine/trivial.py, line "
    assert said in lines[1]
    assert lines[1].endswith(f") (log: {log})")
    assert log.is_file()
    assert lines[1].startswith("2/2 failed x=1 seed 0")
    assert lines[2].startswith(
        "2/2 runs, 1 failed, 0 running, 0 waiting, best so far x=0: val_loss"
    )
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_the_live_display():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(make_progress(Terminal()), LiveProgress)
    assert isinstance(make_progress(io.StringIO()), PlainProgress)


def test_the_live_display_prints_failures_above_itself_and_leaves_its_last_state():
    stream = io.StringIO()
    progress = LiveProgress(Console(file=stream, force_terminal=True, width=100))
    progress.show(SNAPSHOT)
    progress.line("1/60 complete x=0")
    progress.line("2/60 failed x=1: ValueError: a rule was broken")
    progress.close()
    assert "a rule was broken" in stream.getvalue()
    assert "1/60 complete" not in stream.getvalue()
    assert "23/60 runs" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "under 1 s"),
        (0.6, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_times_are_in_their_two_largest_units(seconds, words):
    assert duration(seconds) == words


def test_the_best_arm_is_not_a_lucky_single_seed():
    tally = Tally()
    for seed in range(4):
        tally.add(planned(1, seed=seed), {"state": "COMPLETE", "val_loss": 0.5, "seconds": 2.0})
    tally.add(planned(2), {"state": "COMPLETE", "val_loss": 0.1, "seconds": 2.0})
    tally.add(planned(3), {"state": "FAILED", "val_loss": 0.0})
    assert tally.best() is None  # one seed of four is no comparison
    tally.add(planned(2, seed=1), {"state": "COMPLETE", "val_loss": 0.3, "seconds": 2.0})
    assert tally.best() == Best("arm00002", "x=2", pytest.approx(0.2), 2)


def test_arms_are_compared_over_the_seeds_that_all_of_them_have():
    tally = Tally()
    # Over all its seeds the first arm looks better: its third seed is an easy one.
    for number, values in ((1, (0.5, 0.5, 0.1)), (2, (0.4, 0.4))):
        for seed, value in enumerate(values):
            result = {"state": "COMPLETE", "val_loss": value, "seconds": 2.0}
            tally.add(planned(number, seed=seed), result)
    assert tally.best() == Best("arm00002", "x=2", pytest.approx(0.4), 2)


def test_once_arms_are_confirmed_their_fresh_seeds_are_what_counts():
    tally = Tally()
    for number, value in ((1, 0.5), (2, 0.1), (3, 0.2)):
        tally.add(planned(number), {"state": "COMPLETE", "val_loss": value, "seconds": 2.0})
    assert tally.best() == Best("arm00002", "x=2", 0.1, 1)
    for number, value in ((1, 0.3), (2, 0.4)):
        for seed in (1, 2):
            fresh = replace(planned(number, seed=seed), stage="confirm")
            tally.add(fresh, {"state": "COMPLETE", "val_loss": value, "seconds": 2.0})
    assert tally.best() == Best("arm00001", "x=1", pytest.approx(0.3), 2)


def test_an_arm_that_breaks_the_searchs_constraint_is_not_the_best():
    tally = Tally.of({"study": "s", "search": {"max_params": 10}})
    for number, params, loss in ((1, 11, 0.1), (2, 10, 0.2), (3, 9, 0.3)):
        one = replace(planned(number), cost={"params": params})
        tally.add(one, {"state": "COMPLETE", "val_loss": loss, "seconds": 1.0})
    assert tally.best().value == 0.2
    assert tally.states["COMPLETE"] == 3


def test_the_time_left_is_the_work_left_over_the_slots():
    tally = Tally()
    tally.add(planned(0), {"state": "COMPLETE", "val_loss": 0.5, "seconds": 10.0})
    assert tally.seconds_left(total=9, slots=4) == 20.0
    assert tally.seconds_left(total=9, slots=4, begun=2.0) == 15.0
    assert tally.seconds_left(total=2, slots=4) == 10.0  # one run is not spread over slots
    assert Tally().seconds_left(total=9, slots=4) is None


def test_the_runs_an_hour_are_the_pace_that_the_time_left_is_reckoned_with():
    tally = Tally()
    tally.add(planned(0), {"state": "COMPLETE", "val_loss": 0.5, "seconds": 10.0})
    how = {"total": 9, "slots": 4, "begun": 2.0, "spent": 26.0}
    assert tally.runs_per_hour(**how) == 1200.0  # three runs' work took 36 s, four at a time
    assert tally.seconds_left(**how) == 6 / 1200 * 3600
    assert Tally().runs_per_hour(total=9, slots=4) is None
    assert Tally().runs_per_hour(total=9, slots=4, begun=2.0) is None


def test_a_pace_of_less_than_a_run_an_hour_is_not_none():
    slow = summary_line(replace(SNAPSHOT, runs_per_hour=0.125, seconds_left=1e6))
    assert slow.endswith("0.12 runs/h, 277 h 46 min left")
    assert "runs/h" not in summary_line(replace(SNAPSHOT, total=23))  # nothing is left


def test_the_time_left_is_known_from_the_first_epoch_on():
    # Half a run took 5 s: seven and a half are left for four slots.
    assert Tally().seconds_left(total=8, slots=4, begun=0.5, spent=5.0) == 18.75


def test_the_bar_moves_within_runs():
    busy = (replace(SNAPSHOT.busy[0], epoch=15),)
    assert replace(SNAPSHOT, busy=busy).done == 23.5
    assert replace(SNAPSHOT, busy=()).done == 23


def test_an_attempt_that_goes_on_counts_the_seconds_of_its_own_epochs():
    live = Live(planned=planned(0, epochs=10), attempt=2, slot="cpu0")
    for epoch in (6, 7):
        live.took({"epoch": epoch, "seconds": 2.0, "val_loss": 0.5})
    busy = live.busy("val_loss")
    assert (busy.epoch, busy.seconds_an_epoch) == (7, 2.0)


def test_failures_are_red_on_a_terminal():
    stream = io.StringIO()
    progress = LiveProgress(
        Console(file=stream, force_terminal=True, width=100, color_system="standard")
    )
    progress.line("2/60 failed x=1: ValueError: a rule was broken")
    progress.line("3/60 pruned x=2")
    failed, pruned = stream.getvalue().splitlines()
    assert failed.startswith("\x1b[31m")
    assert "\x1b[" not in pruned


def test_status_while_a_study_runs_names_who_runs_it_and_what_is_on_each_slot(folder, local):
    runs = [planned(i, epochs=200, pause=0.02) for i in range(3)]
    told = []

    class Looks:
        def show(self, snapshot: Snapshot) -> None:
            if snapshot.busy and snapshot.busy[0].epoch > 2:
                told.append(status(folder))
                threading.Timer(0, os.kill, (os.getpid(), 15)).start()

        def line(self, text: str) -> None:
            pass

        def close(self) -> None:
            pass

    execute(folder, PlannedSource(runs), executor=local(2), train="trivial:steps", progress=Looks())
    during, after = told[0], status(folder)
    assert during.supervisor["pid"] == os.getpid()
    assert sorted(one.slot for one in during.running) == ["cpu0", "cpu1"]
    assert all(one.epoch > 0 and one.epochs == 200 for one in during.running)
    assert (during.waiting, during.slots) == (1, 2)
    assert (after.supervisor, after.running, after.interrupted) == (None, (), 2)


def test_a_reader_that_went_away_ends_the_lines_and_not_the_study():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    PlainProgress(Gone()).line("1/2 complete")
