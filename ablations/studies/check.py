"""What holds of a subject, measured on short runs in processes of their own: `ablate check`."""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablations import errors
from ablations.engine.worker.apart import Done, Job, runs_apart
from ablations.errors import NotMeasured, SettingError, StudyError
from ablations.subjects.started import Started, read_started, shared
from ablations.subjects.subject import Subject, Values
from ablations.subjects.values import nested
from plain_files.numbers import number
from plain_files.study_records import error_text

CLOCK_SECONDS = 0.1
"""What a clock on a busy machine may be late by."""
TIMES = ("seconds", "latency", "epoch_seconds", "memory_mib")
"""Numbers of an epoch or a result that are no result."""
MEBIBYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class Held:
    """One thing that a study relies on."""

    name: str
    holds: bool | None
    """None where it is not to hold or not, but to know."""
    said: str


def check(about: Subject, baseline: Values, *, device: str = "cpu") -> Iterator[Held]:
    """Train the baseline for a short run in several ways, and say of each thing whether it holds, as it is found.

    Four processes train it: once; once more, again in the same process, and with another seed; one that is killed in
    the middle of its second epoch; and one that goes on with that.

    Args:
        about: The subject.
        baseline: One of its arms.
        device: A torch device.

    Raises:
        StudyError: If the short run fails.
        NotMeasured: If it does not measure the metric.
    """
    arm = baseline if about.short is None else about.short(baseline)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)

        def job(folder: str, *, seed: int = 0, **more: Any) -> Job:
            settings = {"arm": nested(arm), "seed": seed, **about.carried}
            return Job(
                run=about.run_id(arm, seed), settings=settings, folder=str(root / folder), **more
            )

        def apart(*jobs: Job) -> list[Done]:
            return runs_apart(about.train, list(jobs), device=device)

        (first,) = apart(job("first"))
        _refuse_failed(first)
        begun = read_started(root / "first" / "1")
        yield from _built(begun)
        yield _metric(about, first)
        fresh, same, other = apart(job("fresh"), job("same"), job("other", seed=1))
        yield _repeats(first, fresh, same)
        yield _seed(about, first, other)
        if begun is not None:
            yield _starts(begun, read_started(root / "fresh" / "1"))
        if len(first.epochs) > 1:
            (killed,) = apart(job("killed", killed_after=_moment(first)))
            (went_on,) = apart(job("killed", attempt=2))
            yield _resumes(first, killed, went_on, again="" if begun is None else begun.again)
        else:
            yield _no_epochs(first)
    yield from _data(about, baseline)
    yield from _expense(about, baseline, first, device=device)


def _refuse_failed(done: Done) -> None:
    if done.error is not None:
        kind = NotMeasured if _kind(done) is NotMeasured else StudyError
        raise kind(f"a short run of the baseline fails: {_failure(done)}.")


def _failure(done: Done) -> str:
    """What ended a run and where, without the full stop; the sentences of our own errors stand for themselves."""
    said, kind = (error_text(done.error) or "").rstrip("."), _kind(done)
    return said.removeprefix(f"{kind.__name__}: ") if issubclass(kind, SettingError) else said


def _kind(done: Done) -> type:
    """The class of what ended a run, where it is one of ours."""
    found = getattr(errors, (done.error or {}).get("type", ""), object)
    return found if isinstance(found, type) else object


def _built(begun: Started | None) -> Iterator[Held]:
    if begun is None:
        yield Held(
            name="pairing",
            holds=None,
            said="not measured: what a function draws belongs to no tensor; its seed pairs what it draws from it.",
        )
        return
    odd = [*begun.problems, *begun.limits]
    unnamed = f", {begun.unnamed} draws of no tensor" if begun.unnamed else ""
    said = f"{len(begun.tensors)} tensors; what is drawn, is from a stream for each{unnamed}."
    yield Held(name="pairing", holds=not odd, said=" ".join(odd) or said)


def _metric(about: Subject, done: Done) -> Held:
    name = about.metric
    measured = done.measured or {}
    others = [
        other
        for other, value in measured.items()
        if other not in (name, "epochs_run", "epochs_planned", "device", *TIMES)
        and isinstance(value, int | float)
    ]
    also = f"; also measured: {', '.join(others)}" if others else ""
    return Held(name="metric", holds=name in measured, said=f"{name} = {measured.get(name)}{also}.")


def _repeats(first: Done, fresh: Done, same: Done) -> Held:
    for again, where in ((fresh, "in another process"), (same, "again in the same process")):
        if again.error is not None:
            said = f"a second run, {where}, fails: {_failure(again)}."
            return Held(name="repeats", holds=False, said=said)
    if differing := _differing(first, fresh):
        said = (
            f"two runs with one seed differ, in {differing}: something draws from outside the seed."
        )
    elif differing := _differing(first, same):
        said = (
            f"a second run in one process differs, in {differing}: something is kept outside the module from run to "
            "run, and workers train several runs."
        )
    else:
        said = "equal to the last bit, in another process and again in the same one."
        return Held(name="repeats", holds=True, said=said)
    return Held(name="repeats", holds=False, said=said)


def _seed(about: Subject, first: Done, other: Done) -> Held:
    """Whether another seed gives another number: else runs of an arm would be copies of one."""
    if other.error is not None:
        said = f"a run with seed 1 fails: {_failure(other)}."
        return Held(name="seed", holds=False, said=said)
    metric = about.metric
    moves = (first.measured or {}).get(metric) != (other.measured or {}).get(metric)
    said = (
        f"another seed gives another {metric}."
        if moves
        else f"another seed gives the same {metric}, so seeds would repeat one run."
    )
    return Held(name="seed", holds=moves, said=said)


def _starts(begun: Started, again: Started | None) -> Held:
    found = None if again is None else shared(begun, again)
    equal = found is not None and found.equal == found.alike and not (found.alone or found.reshaped)
    same = equal and found is not None and found.same_batches is not False
    return Held(name="start", holds=same, said=f"in two processes {found}.")


def _moment(first: Done) -> float:
    """Seconds into its second epoch at which a run is killed: at its second step, where it tells of steps.

    Else at half of the epoch, or as the epoch begins, where half of it is too short for the clock.
    """
    half = first.second_epoch / 2
    if first.steps:
        return math.inf
    return half if half >= CLOCK_SECONDS else 0.0


def _resumes(first: Done, killed: Done, went_on: Done, *, again: str) -> Held:
    how = "killed (SIGKILL) in its second epoch and gone on with in another process"
    if failed := next((one for one in (killed, went_on) if one.error is not None), None):
        said = f"{how}, a run fails: {_failure(failed)}."
        return Held(name="resumes", holds=False, said=said)
    whole = Done(measured=went_on.measured, epochs=[*killed.epochs, *went_on.epochs])
    if len(went_on.epochs) == len(first.epochs):
        equal = not _differing(first, went_on)
        ends = "ends equal to the last bit" if equal else "ends with other numbers"
        said = f"{how}, a run begins anew, since it left no checkpoint, and {ends}."
        return Held(name="resumes", holds=equal, said=said)
    if differing := _differing(first, whole):
        said = (
            f"{how}, a run differs in {differing}: something that it needs is not in what it goes on from (a counter "
            "outside the module and the callbacks' `state_dict`, a data set's own state)."
        )
        return Held(name="resumes", holds=False, said=said)
    where = f" It trains such an epoch again from its beginning, since {again}." if again else ""
    return Held(name="resumes", holds=True, said=f"{how}, a run is equal to the last bit.{where}")


def _no_epochs(first: Done) -> Held:
    told = "reports no epochs" if not first.epochs else "has one epoch only"
    return Held(
        name="resumes",
        holds=None,
        said=f"a run {told}, so one that is killed begins anew, and none can be pruned.",
    )


def _data(about: Subject, baseline: Values) -> Iterator[Held]:
    if about.identify is not None:
        found = about.identify(baseline)
        yield Held(name="data", holds=None, said=found.sentence())


def _expense(about: Subject, baseline: Values, first: Done, *, device: str) -> Iterator[Held]:
    pace = None if about.pilot is None else about.pilot([baseline], [about.cost(baseline)])
    if pace is not None:
        epochs = about.epochs(baseline)
        each = pace.seconds[0] / epochs
        said = f"about {number(pace.seconds[0], 2)} s a run, {number(each, 2)} s an epoch of {epochs} ({pace.basis})."
        yield Held(name="time", holds=None, said=said)
    said = f"{first.peak_bytes / MEBIBYTE:,.0f} MiB at most in the process of a short run"
    if first.gpu_peak_bytes is not None:
        said += f", {first.gpu_peak_bytes / MEBIBYTE:,.0f} MiB on {device}"
    yield Held(name="memory", holds=None, said=f"{said}.")


def _differing(one: Done, other: Done) -> str:
    """The first thing that two runs differ in; empty where there is none."""
    if len(one.epochs) != len(other.epochs):
        return f"the number of epochs ({len(one.epochs)} and {len(other.epochs)})"
    for first, second in zip(one.epochs, other.epochs, strict=True):
        for name in first:
            if name not in TIMES and not _equal(first[name], second.get(name)):
                return f"`{name}` of epoch {first['epoch']} ({first[name]} and {second.get(name)})"
    for name, value in (one.measured or {}).items():
        theirs = (other.measured or {}).get(name)
        if name not in TIMES and not _equal(value, theirs):
            return f"`{name}` ({value} and {theirs})"
    return ""


def _equal(a: Any, b: Any) -> bool:
    """Equal; a NaN equals a NaN."""
    return bool(a == b or (a != a and b != b))
