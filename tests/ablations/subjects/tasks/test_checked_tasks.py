"""What `ablate check` says of each task's preset; its processes are taken for one here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from killed import Killed

from ablations import load_space
from ablations.engine.worker.apart import Done, Job
from ablations.engine.worker.here import ContextHere
from ablations.studies.check import check
from ablations.subjects.own_module.run import train_run

SCENES = {"data.train": 32, "data.val": 16}
VIEWS = {"data.identities": 40, "model.identities": 40, "data.held_out": 10}
TASKS: dict[str, dict[str, Any]] = {
    "segmentation": SCENES, "detection": SCENES, "metric_learning": {}, "sampled_classes": VIEWS,
    "graphs": {}, "transformers": {},
}  # fmt: skip


def ran(_: str, jobs: list[Job], *, device: str) -> list[Done]:
    return [one_run(job, device) for job in jobs]


def one_run(job: Job, device: str) -> Done:
    """As a process would; where it is to be killed, at the second step of its second epoch."""
    folder, records, steps = Path(job.folder), list[dict[str, Any]](), list[int]()
    attempt = folder / str(job.attempt)
    attempt.mkdir(parents=True)

    def step() -> None:
        steps.extend([1] if records else [])
        if job.killed_after is not None and len(steps) == 2:
            raise Killed

    context = ContextHere(
        run=job.run, folder=folder, attempt_folder=attempt, device=device, threads=1,
        on_epoch=records.append, on_beat=step, attempt=job.attempt,
        **({} if job.killed_after is None else {"checkpoint_seconds": 0, "checkpoint_minutes": 0}),
    )  # fmt: skip
    try:
        measured = train_run(json.loads(json.dumps(job.settings)), context)
    except Killed:
        return Done(epochs=records)
    return Done(measured=measured, epochs=records, steps=len(steps), second_epoch=1.0)


@pytest.mark.long
@pytest.mark.parametrize("name", TASKS)
def test_every_promise_of_a_task_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablations.studies.check.runs_apart", ran)
    space = load_space(f"tasks/{name}", TASKS[name])
    about = replace(space.about, pilot=None, identify=None)
    held = {one.name: one for one in check(about, space.baseline)}
    promises = ("pairing", "metric", "repeats", "seed", "start", "resumes")
    assert {one: held[one].holds for one in promises} == dict.fromkeys(promises, True), held
    assert "trains such an epoch again" not in held["resumes"].said
