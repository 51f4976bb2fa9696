"""One run of a user's function: its config and seed in, its records and what it measured out."""

import inspect
import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ablations.context import Context
from ablations.errors import NotMeasured, SettingError
from ablations.first_import import when_imported
from ablations.import_path import load
from ablations.subjects.function.config import config_of
from ablations.subjects.program import RECORDED, Program

ALLOWED = frozenset(("epoch", "epochs_run", "epochs_planned", "device"))
"""Names of the record that a function may return: the first two are read, the others written over."""


def train_run(settings: dict[str, Any], context: Context) -> dict[str, Any]:
    """Call the function for the engine."""
    program = Program(**settings["program"])
    found, arm, seed = load(settings["subject"]), settings["arm"], settings["seed"]
    return call(found, program, arm, seed=seed, context=context)


def call(
    found: Callable[..., Any],
    program: Program,
    arm: dict[str, Any],
    *,
    seed: int,
    context: Context,
) -> dict[str, Any]:
    """Call the function; what it returns, or what its last record says, is what it measured.

    Before the call the random states that every program shares (Python's, numpy's, torch's, which the function may be
    the first to import) start from the seed. A generator's records are handed on, one an epoch.

    Raises:
        SettingError: If it measures nothing, or not what the space says.
    """
    _seed_shared_states(seed)
    outcome = found(*(config_of(found, arm), seed, context)[: _takes(found)])
    records: list[dict[str, Any]] = []
    if inspect.isgenerator(outcome):
        outcome = _heard(outcome, context, records, program)
        records = records or _before(context)
        if outcome is None and not records:
            raise SettingError(
                f"a training that yields must yield a dict with {program.metrics[0].name!r} for each epoch, but it "
                "ended without one. Yield one at least."
            )
    measured = {**(records[-1] if records else {}), **_mapping(outcome, records, program)}
    return _result(measured, context, program)


def _seed_shared_states(seed: int) -> None:
    random.seed(seed)
    # NPY002 would have a generator of our own; it is the shared one that a user's code draws from.
    np.random.seed(seed % 2**32)  # noqa: NPY002
    # The function may be the first to import it.
    when_imported("torch", lambda torch: torch.manual_seed(seed))


def _takes(found: Any) -> int:
    """How many of config, seed and context it takes."""
    takes = [one.kind for one in inspect.signature(found).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in takes:
        return 3
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one in kinds for one in takes)


def _heard(
    outcome: Iterator[Any],
    context: Context,
    records: list[dict[str, Any]],
    program: Program,
) -> Any:
    """What a generator returns, after its records were handed on."""
    while True:
        try:
            record = next(outcome)
        except StopIteration as end:
            return end.value
        if not isinstance(record, Mapping):
            raise SettingError(
                f"what a training yields must be a dict of numbers for each epoch, but it yielded {record!r:.80}."
            )
        records.append({str(name): _number(value) for name, value in record.items()})
        _refuse_taken(records[-1], but=ALLOWED | {"seconds"})
        check_metric(records[-1], program.metrics[0].name, when=f"epoch {len(records)}")
        # One that goes on from a checkpoint of its own says itself which epoch it is.
        records[-1] = {"epoch": len(records), **records[-1]}
        _check_epoch([one["epoch"] for one in records])
        apart = program.apart(records[-1])
        context.epoch({name: value for name, value in apart.items() if name != "test"})


def _check_epoch(numbers: list[Any]) -> None:
    now, before = numbers[-1], numbers[-2] if len(numbers) > 1 else 0
    if type(now) is not int or now <= before:
        raise SettingError(
            f"the `epoch` that a training yields must be a whole number that counts up from 1, but it is {now!r} after "
            f"{before}. Leave it out where a run always begins anew."
        )


def _before(context: Context) -> list[dict[str, Any]]:
    """What an earlier attempt reported last, where this one found all epochs done; none where there was none."""
    for number in range(context.attempt - 1, 0, -1):
        path = context.folder / str(number) / "epochs.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if lines:
            return [json.loads(lines[-1])]
    return []


def _mapping(outcome: Any, records: list[dict[str, Any]], program: Program) -> dict[str, Any]:
    outcome = _number(outcome)
    if outcome is None and records:
        return {}
    if isinstance(outcome, int | float) and not isinstance(outcome, bool):
        return {program.metrics[0].name: float(outcome)}
    if not isinstance(outcome, Mapping):
        told = "nothing" if outcome is None else f"{outcome!r:.80}"
        raise SettingError(
            f"a training must return a dict with {program.metrics[0].name!r}, or yield one for each epoch, but "
            f"returned {told}."
        )
    measured = {str(name): _number(value) for name, value in outcome.items()}
    _refuse_taken(measured, but=ALLOWED)
    return measured


def _refuse_taken(measured: Mapping[str, Any], *, but: frozenset[str]) -> None:
    """Refuse what the run's record has of its own; an epoch's may say its own `seconds`."""
    if taken := sorted(measured.keys() & (RECORDED - but)):
        raise SettingError(
            f"a training must not measure something called {taken[0]!r}, which every run's record has of its own. "
            "Return it under another name."
        )


def _number(value: Any) -> Any:
    """A number of numpy's or torch's as Python's; all else as it is."""
    if not callable(getattr(value, "item", None)):
        return value
    try:
        return value.item()
    except (ValueError, RuntimeError):  # numpy's and torch's, where it is not one number
        return value


def check_metric(measured: Mapping[str, Any], wanted: str, *, when: str) -> None:
    """Refuse what a training measures if the metric is not one number of it.

    Raises:
        NotMeasured: If it is not there.
        SettingError: If it is no number.
    """
    if wanted not in measured:
        there = ", ".join(map(repr, measured)) or "nothing"
        raise NotMeasured(
            f"the metric {wanted!r} must be among what the training measures, but at {when} there is {there}. "
            "Return it, or name another in the space's `metric`."
        )
    value = measured[wanted]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SettingError(
            f"the metric {wanted!r} must be one number, but at {when} it is {value!r:.80} ({type(value).__name__})."
        )


def _result(measured: dict[str, Any], context: Context, program: Program) -> dict[str, Any]:
    check_metric(measured, program.metrics[0].name, when="the end")
    told = getattr(context, "last", None) or {}
    run = int(measured.pop("epoch", None) or measured.get("epochs_run") or told.get("epoch") or 1)
    numbers = {
        name: value
        for name, value in measured.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    # It ended by itself: no epoch of it is missing.
    numbers = program.apart(numbers)
    return {**numbers, "epochs_run": run, "epochs_planned": run, "device": context.device}
