"""Runs that train nothing, for the engine's tests; the worker imports them by name. No torch."""

import ctypes
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from ablations.engine.context import RunContext


def quick(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Two epochs of nothing; the loss is a function of the settings."""
    return steps({"epochs": 2, **settings}, context)


def steps(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Epochs of `pause` seconds with a checkpoint after each; the loss depends on all of them.

    Resuming gives the same loss as running through, because each epoch draws from (seed, epoch).
    """
    saved = context.folder / "checkpoint.ckpt"
    state = json.loads(saved.read_text()) if saved.exists() else {"epoch": 0, "loss": 1.0}
    began = state["epoch"]
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
                "seconds": 0.0,
            }
        )
    del began
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


WRONG = {
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


def infinite(settings: dict[str, Any], context: RunContext) -> dict[str, Any]:
    """Returns the number that `settings["value"]` names: inf, -inf, nan, None or a word."""
    value = settings["value"]
    loss: Any = float(value) if value in ("inf", "-inf", "nan") else value
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
