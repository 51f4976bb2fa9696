"""A thousand slots without a worker, for `scale.py`: runs end in this process, one at a time; nobody starts it.

What a run writes is written by the worker's own code, so that files and waits for the disk are a real run's.
"""

import time
from collections import deque

import numpy as np

from ablations.engine.executors.executor import Ended, Epoch
from ablations.engine.worker.attempt import attempt
from ablations.engine.worker.context import RunContext

EPOCHS = 5
TRAIN = "fake_executor:train"


def train(settings, context):
    """A loss that the arm's settings say, with a seed's own shift and noise, approached over the epochs."""
    arm, seed = settings["arm"], settings["seed"]
    ratio, rate = arm["attention"]["reduction"], arm["training"]["learning_rate"]
    gate = 0.004 * (arm["attention"]["gate"] == "one_plus_tanh")
    mean = 0.16 if ratio is None else 0.10 + 2e-4 * ratio**2 + gate + 0.02 * (0.1 - rate)
    own = np.random.default_rng([seed, ratio or 0, int(1e9 * rate), int(1e4 * gate)])
    loss = mean + np.random.default_rng(seed).normal(0, 0.004) + own.normal(0, 0.003)
    for epoch in range(1, EPOCHS + 1):
        now = {"train_loss": loss, "val_loss": loss + 0.1 * (EPOCHS - epoch), "val_accuracy": 0.5}
        context.epoch({"epoch": epoch, **now, "learning_rate": rate, "seconds": 0.5})
    return {"epochs_run": EPOCHS, **now}


class FakeExecutor:
    """Slots on which every run that was started ends when it is asked for, one at each call of `poll`.

    One at a time is the worst case for the supervisor: it waits for the disk once a run, and looks at all that
    go on after each.
    """

    def __init__(self, slots):
        """Make so many slots."""
        self.slots = tuple(f"slot{i}" for i in range(slots))
        self._free = deque(self.slots)
        self._jobs = deque()
        self.seconds = 0.0
        """Wall time of what workers would have done elsewhere."""
        self.cpu = 0.0
        """The same in processor time of this thread."""
        self.training = False
        """Whether it is a worker that is at work."""

    def room(self, *, alone=False, apart=False):
        """Whether a slot is free."""
        return bool(self._free)

    def start(self, job):
        """Take a job."""
        self._jobs.append((job, slot := self._free.popleft()))
        return slot

    def poll(self, timeout):
        """What the run that was started first has to say, from its first epoch to its end."""
        if not self._jobs:
            return []
        job, slot = self._jobs.popleft()
        self._free.append(slot)
        wall, cpu, self.training = time.perf_counter(), time.thread_time(), True
        channel = _Channel()
        state = attempt(_message(job), RunContext(_message(job), channel))
        self.seconds += time.perf_counter() - wall
        self.cpu += time.thread_time() - cpu
        self.training = False
        return [*channel.said, Ended(job.run, job.attempt, state)]

    def answer(self, run, verdict):
        """No run waits for one."""

    def stop(self):
        """No run goes on outside `poll`."""

    def kill(self, run):
        """No run hangs."""

    def adopt(self, run, attempt):
        """No run outlives its supervisor."""

    def close(self):
        """No process was started."""


class _Channel:
    stopping = False

    def __init__(self):
        self.said = []

    def send(self, message):
        if message["is"] == "epoch":
            record = {k: v for k, v in message.items() if k not in ("is", "run", "attempt")}
            self.said.append(Epoch(message["run"], message["attempt"], record))


def _message(job):
    return {
        "run": job.run, "attempt": job.attempt, "folder": job.folder, "settings": job.settings,
        "train": job.train, "metric": job.metric, "metrics": job.metrics, "ask": job.ask,
        "device": "cpu", "threads": 1,
    }  # fmt: skip
