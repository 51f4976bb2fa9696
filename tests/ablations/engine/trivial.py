"""Runs that train nothing, for the engine's tests; the worker imports them by name. No torch."""

import ctypes
import errno
import gc
import json
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ablations.engine.worker import attempt
from ablations.engine.worker.context import RunContext


def quick(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Two epochs of nothing; the loss is a function of the settings."""
    return steps({"epochs": 2, **settings}, context)


def unusable(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Its result breaks a rule of its form each time."""
    return {**quick(settings, context), "stacked": "many"}


def steps(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Epochs of `pause` seconds with a checkpoint after each; the loss depends on all of them.

    Resuming gives the same loss as running through, because each epoch draws from (seed, epoch).
    """
    # One for each process of a run: none may start from an epoch that only another one has ended.
    mine = "checkpoint.ckpt" if context.rank == 0 else f"checkpoint.{context.rank}.ckpt"
    saved = context.folder / mine
    state = json.loads(saved.read_text()) if saved.exists() else {"epoch": 0, "loss": 1.0}
    while state["epoch"] < settings["epochs"]:
        epoch = state["epoch"] + 1
        time.sleep(settings.get("pause", 0.0))
        draw = random.Random(f"{settings['x']} {settings['seed']} {epoch}").random()
        state = {"epoch": epoch, "loss": state["loss"] * (0.5 + 0.5 * draw)}
        beside = saved.with_name(f".checkpoint.{os.getpid()}")
        beside.write_text(json.dumps(state))
        beside.replace(saved)
        context.epoch(
            {
                "epoch": epoch,
                "train_loss": state["loss"],
                "val_loss": state["loss"] + settings["x"],
                "val_accuracy": 0.5,
                "learning_rate": 0.1,
                "seconds": settings.get("pause", 0.0),
            }
        )
    return outcome(settings, state["loss"] + settings["x"], epochs=state["epoch"])


def outcome(settings: dict[str, Any], loss: float, *, epochs: int = 1) -> dict[str, Any]:
    """What a run returns."""
    del settings
    return {
        "epochs_run": epochs,
        "train_loss": loss,
        "val_loss": loss,
        "val_accuracy": 0.5,
        "device": "cpu",
    }


def bad(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Goes wrong as `settings["wrong"]` says; fine otherwise."""
    wrong = settings.get("wrong")
    print(f"wrong={wrong} attempt={context.attempt}", flush=True)  # noqa: T201 - for the log
    if wrong in WRONG:
        WRONG[wrong](settings, context)
    return quick(settings, context)


def _raise(settings: dict[str, Any], context: RunContext) -> None:
    raise ValueError("a rule was broken")


def _segfault(settings: dict[str, Any], context: RunContext) -> None:
    ctypes.string_at(0)


def _exit(settings: dict[str, Any], context: RunContext) -> None:
    os._exit(7)


def _killed(settings: dict[str, Any], context: RunContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _killed_once(settings: dict[str, Any], context: RunContext) -> None:
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def _memory(settings: dict[str, Any], context: RunContext) -> None:
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


def _hang(settings: dict[str, Any], context: RunContext) -> None:
    time.sleep(3600)


def _hang_once(settings: dict[str, Any], context: RunContext) -> None:
    if context.attempt == 1:
        time.sleep(3600)


def _nan(settings: dict[str, Any], context: RunContext) -> None:
    context.epoch({"epoch": 1, "train_loss": 1.0, "val_loss": float("nan"), "val_accuracy": 0.1})


def _system_exit(settings: dict[str, Any], context: RunContext) -> None:
    sys.exit(0)


def _memory_once(settings: dict[str, Any], context: RunContext) -> None:
    if context.attempt == 1:
        raise MemoryError("no memory")


def _stopped_once(settings: dict[str, Any], context: RunContext) -> None:
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)


def _warned_once(settings: dict[str, Any], context: RunContext) -> None:
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGTERM)


def _disk(settings: dict[str, Any], context: RunContext) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _tell_everything(settings: dict[str, Any], context: RunContext) -> None:
    everything = " ".join(f"{name}={value}" for name, value in os.environ.items())
    print(everything)  # noqa: T201 - the worst a run could do
    raise ValueError(everything)


WRONG = {
    "memory_once": _memory_once,
    "stopped_once": _stopped_once,
    "warned_once": _warned_once,
    "disk": _disk,
    "tell_everything": _tell_everything,
    "raise": _raise,
    "segfault": _segfault,
    "exit": _exit,
    "killed": _killed,
    "killed_once": _killed_once,
    "memory": _memory,
    "hang": _hang,
    "hang_once": _hang_once,
    "nan": _nan,
    "system_exit": _system_exit,
}


def interrupted(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Is killed after every second epoch where `settings["wrong"]` says so."""
    report = context.epoch

    def epoch(record: dict[str, Any]) -> None:
        report(record)
        if settings.get("wrong") == "killed_late" and record["epoch"] in (2, 4):
            os.kill(os.getpid(), signal.SIGKILL)

    context.epoch = epoch  # type: ignore[method-assign]
    return steps(settings, context)


def in_step(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """As `steps`, in step with the other runs of its process; goes wrong after two epochs, if at all.

    Notes its process and thread when it begins, and whom it met when it ends.
    """
    lockstep, report, met = context.lockstep, context.epoch, list[list[str]]()
    ended = iter(range(1, 10**6))

    def epoch(record: dict[str, Any]) -> None:
        if lockstep is not None:
            lockstep.meet((context.run, met), _introduce)
        report(record)
        if next(ended) == 2 and settings.get("wrong") in WRONG:
            WRONG[settings["wrong"]](settings, context)

    context.epoch = epoch  # type: ignore[method-assign]
    os.write(1, f"{context.run} begins\n".encode())  # in one piece, whoever else writes
    with nullcontext() if lockstep is None else lockstep.joined():
        who = {"pid": os.getpid(), "thread": threading.get_native_id(), "alone": lockstep is None}
        (context.attempt_folder / "who.json").write_text(json.dumps(who))
        measured = steps({"epochs": 8, "pause": 0.02, **settings}, context)
    (context.attempt_folder / "met.json").write_text(json.dumps(met))
    return {**measured, "odd": {1}} if settings.get("wrong") == "unwritable" else measured


def _introduce(brought: Sequence[tuple[str, list[list[str]]]]) -> None:
    for _, met in brought:
        met.append([run for run, _ in brought])


def ended_threads(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Notes how many threads this process keeps that have ended."""
    kept = [one for one in gc.get_objects() if isinstance(one, threading.Thread)]
    count = sum(one.ident is not None and not one.is_alive() for one in kept)
    (context.attempt_folder / "ended_threads.json").write_text(json.dumps(count))
    return outcome(settings, 1.0)


def forked(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Forks children, as a data loader does, and ends one of them by SIGTERM."""
    fork = multiprocessing.get_context("fork")
    with fork.Pool(2) as children:
        counted = children.map(_open_pipes, range(2), chunksize=1)
    (context.attempt_folder / "pipes.json").write_text(json.dumps(counted))
    sleeper = fork.Process(target=time.sleep, args=(3600,))
    sleeper.start()
    sleeper.terminate()
    sleeper.join(20)
    (context.attempt_folder / "exit_code.json").write_text(json.dumps(sleeper.exitcode))
    return outcome(settings, 1.0)


def _open_pipes(_: int) -> int:
    """How many of the pipes that this process was started with are open in it."""
    theirs = (int(sys.argv[1]), 0)
    links = [Path(f"/proc/self/fd/{one}") for one in theirs]
    return sum(link.exists() and str(link.readlink()).startswith("pipe:") for link in links)


def timed(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """As `bad`, and notes when it began and ended."""
    began = time.monotonic()
    measured = bad(settings, context)
    (context.attempt_folder / "span.json").write_text(json.dumps([began, time.monotonic()]))
    return measured


def beating(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """One epoch of 3 seconds that says that it makes progress."""
    for _ in range(30):
        time.sleep(0.1)
        context.beat()
    return outcome(settings, 1.0)


def echo(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Notes what it was given."""
    (context.attempt_folder / "settings.json").write_text(json.dumps(settings))
    return outcome(settings, 1.0)


def resumed(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Reports the epochs of three that an earlier attempt left."""
    seconds = settings.get("seconds", 0.0)
    for epoch in settings["trained"]:
        measured = {"train_loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.0}
        context.epoch({"epoch": epoch, **measured, "seconds": seconds})
    return outcome(settings, 1.0, epochs=3)


def minutes(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Measures what it was told of checkpoints."""
    return outcome(settings, context.checkpoint_minutes)


def skewed(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Ends an hour before it began, by this host's clock."""
    attempt.now = lambda: "1999-12-31T23:59:59.000+00:00"  # type: ignore[assignment]
    return outcome(settings, 1.0)


def killed_at_the_end(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Writes its record, and its process dies before anybody hears of it."""
    write = attempt.write_once

    def write_and_die(path: Path, record: dict[str, Any]) -> bool:
        write(path, record)
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    attempt.write_once = write_and_die  # type: ignore[assignment]
    return outcome(settings, 1.0)


def infinite(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Returns the number that `settings["value"]` names: inf, -inf, nan, None or a word."""
    value = settings["value"]
    loss: Any = float(value) if value in ("inf", "-inf", "nan", "0.5") else value
    return {**outcome(settings, 0.0), "val_loss": loss}


def pids(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Notes in the run's folder who ran it and what it saw."""
    seen = {
        "pid": os.getpid(),
        "environment": {
            name: os.environ.get(name)
            for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "RANK", "WORLD_SIZE")
        },
        "device": context.device,
        "secret": os.environ.get("WANDB_API_KEY"),
        "began": time.time(),
    }
    time.sleep(settings.get("pause", 0.0))
    seen["ended"] = time.time()
    Path(context.attempt_folder / f"seen.{context.rank}.json").write_text(json.dumps(seen))
    return quick(settings, context)


def pids_of_bad(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """As `pids`, and then goes wrong."""
    pids(settings, context)
    return bad(settings, context)


def noted(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """As `steps`, and notes its process first."""
    (context.attempt_folder / "pid").write_text(str(os.getpid()))
    return steps({"epochs": 2, **settings}, context)


def second_rank_raises(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Rank 0 waits for rank 1, as in a collective operation; rank 1 raises."""
    if context.rank == 1:
        raise ValueError(f"rank 1 of {context.run}")
    time.sleep(3600)
    return {}


def second_rank_dies_once(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Rank 1 is killed in the first attempt, while rank 0 waits for it."""
    if context.attempt == 1:
        if context.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(3600)
    return outcome(settings, 1.0)


def counted(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Counts its epochs in a file for each rank."""
    for epoch in range(1, settings["epochs"] + 1):
        time.sleep(settings["pause"] * (1 + context.rank))
        (context.attempt_folder / f"count.{context.rank}").write_text(str(epoch))
        context.epoch({"epoch": epoch, "train_loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.0})
    return outcome(settings, 1.0, epochs=settings["epochs"])
