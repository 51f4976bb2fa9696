"""The Optuna study that mirrors a study's records, for Optuna's own tools.

It is an index: rebuilt from the records wherever it lacks something, written in batches by a thread
of its own, and never waited for by a run.
"""

import json
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
    distribution_to_json,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from ablations.engine.records.folder import USUAL_METRIC
from ablations.engine.records.journal import SafeJournalBackend
from ablations.engine.records.objectives import Direction, objective_of
from ablations.plan import PlannedRun

STATES = {
    "COMPLETE": TrialState.COMPLETE,
    "PRUNED": TrialState.PRUNED,
    "FAILED": TrialState.FAIL,
}
HAS = "ablations:holds"
"""The attribute of the study whose value says what is in it; as the journal's last record it is believed."""
BATCH_SECONDS = 1.0
CLOSE_SECONDS = 20.0
BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0)


class Index:
    """Mirrors outcomes to an Optuna study, each once, under its key (`user_attrs["key"]`)."""

    def __init__(
        self,
        storage: Path | str,
        *,
        study: str,
        objectives: Sequence[str] = (USUAL_METRIC,),
        directions: Sequence[Direction] = ("minimize",),
        levels: Mapping[str, Sequence[Any]] | None = None,
        ranges: Mapping[str, IntDistribution | FloatDistribution] | None = None,
        warn: Callable[..., None] = lambda kind, **fields: None,
    ) -> None:
        """Mirror to a journal file or to an Optuna storage URL.

        Args:
            storage: A path is a journal; a string is a storage URL. Give its password in
                PGPASSFILE or the like, not in the URL.
            study: Name of the Optuna study; made where missing.
            objectives: The numbers of a run's result, or of its cost, that are its values.
            directions: Which way each of them is better.
            levels: Of the factors that have some; the plan's runs may have more.
            ranges: Of the factors that have a range instead.
            warn: Takes an event's kind and its fields.
        """
        self._storage, self._study_name = storage, study
        self._objectives, self._warn = tuple(objectives), warn
        self._directions = tuple(directions)
        self._levels, self._ranges = dict(levels or {}), dict(ranges or {})
        self._distributions: dict[str, BaseDistribution] = {}
        self._told: dict[str, str] = {}
        """Key to state of all that was to be mirrored."""
        self._refused = self._away = ""
        """What Optuna said of outcomes that it does not take, and what its storage says as long as it is not there."""
        self._queue: queue.SimpleQueue[_Mirrored | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def prepare(self, plan: Sequence[PlannedRun]) -> None:
        """Say which runs may come: a factor's levels make its distribution in Optuna."""
        found = {name: list(known) for name, known in self._levels.items()}
        for planned in plan:
            for name, value in planned.factors.items():
                if value is not None and value not in found.setdefault(name, []):
                    found[name].append(value)
        self._distributions = {
            name: _reaching(self._ranges[name], values)
            if name in self._ranges
            else distribution(values)
            for name, values in found.items()
        }

    def stand(self, outcomes: Sequence[tuple[PlannedRun, Mapping[str, Any]]]) -> None:
        """Mirror outcomes of earlier sessions, unless the journal says at its end that it has just these.

        To replay the journal of a hundred thousand trials takes Optuna fifteen seconds.
        """
        found = [_mirrored(*one, self._distributions, self._objectives) for one in outcomes
                 if one[0].stage != "search"]  # fmt: skip
        self._told |= {one.key: one.state.name for one in found}
        if not self._has_just_these():
            for one in found:
                self._queue.put(one)

    def add(self, planned: PlannedRun, result: Mapping[str, Any]) -> None:
        """Mirror the outcome of a planned run; a run of a search belongs to its trial instead."""
        if planned.stage != "search":
            self._put(_mirrored(planned, result, self._distributions, self._objectives))

    def add_trial(self, trial: FrozenTrial) -> None:
        """Mirror a finished trial of a search, with a `key` among its user attributes."""
        # A planned run has the same factor with its choices in another order, and Optuna wants one.
        trial.distributions = {
            name: self._distributions.get(name, found)
            if isinstance(found, CategoricalDistribution)
            else found
            for name, found in trial.distributions.items()
        }
        self._put(_Mirrored(trial.user_attrs["key"], trial.state, lambda: trial))

    def close(self, seconds: float = CLOSE_SECONDS) -> str:
        """Write what is left, waiting at most so long; the next start writes the rest.

        Returns:
            A sentence where the index lacks outcomes; empty where it has all.
        """
        self._queue.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._warn("index_behind", waited=seconds)
        elif not self._refused:
            return ""
        return (
            f"Optuna's storage lacks outcomes: {self._refused or self._away or 'it is slow'}. The study's records have "
            "all of them, and the next start sends them again."
        )

    def _put(self, one: "_Mirrored") -> None:
        self._told[one.key] = one.state.name
        self._queue.put(one)

    def _has_just_these(self) -> bool:
        if not isinstance(self._storage, Path):
            return False
        try:
            last = SafeJournalBackend(self._storage).last()
        except OSError:
            return False
        return last.get("user_attr") == {HAS: self._digest()}

    def _digest(self) -> str:
        """Of all that was to be mirrored, and of what it was to be mirrored as."""
        kinds = {name: distribution_to_json(kind) for name, kind in self._distributions.items()}
        told = [self._study_name, self._objectives, self._directions, kinds, self._told]
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def _work(self) -> None:
        waiting: list[_Mirrored] = []
        closing, failures, store = False, 0, None
        while not closing or waiting:
            closing = self._collect(waiting, closing) or closing
            try:
                if waiting:
                    store = store or self._open()
                    store.add(waiting)
                waiting, failures, self._away = [], 0, ""
                if closing and store is not None and store.is_journal and not self._refused:
                    store.say_it_has(self._digest())
            except ValueError as error:
                # Optuna refuses them, and will again.
                self._refused = _first_line(error)
                self._warn("index_refused", trials=len(waiting), error=self._refused)
                store, waiting, failures = None, [], 0
            except Exception as error:
                if isinstance(self._storage, Path) and not self._storage.parent.is_dir():
                    return  # the study was renamed or removed, and its journal with it
                # The database is away, perhaps: open it anew and look what arrived.
                store, failures, self._away = None, failures + 1, _first_line(error)
                if failures == 1:
                    self._warn("index_unreachable", error=self._away)
                time.sleep(BACKOFF[min(failures, len(BACKOFF)) - 1])

    def _open(self) -> "_Store":
        return _Store(self._storage, self._study_name, self._directions, self._distributions)

    def _collect(self, waiting: "list[_Mirrored]", closing: bool) -> bool:
        """Gather what arrives in a second; True at the end mark."""
        deadline = time.monotonic() + BATCH_SECONDS
        while not closing and (left := deadline - time.monotonic()) > 0:
            try:
                trial = self._queue.get(timeout=left)
            except queue.Empty:
                return False
            if trial is None:
                return True
            waiting.append(trial)
        return closing


class _Store:
    """An open Optuna study and the keys that are in it."""

    def __init__(
        self,
        storage: Path | str,
        study: str,
        directions: Sequence[Direction],
        distributions: Mapping[str, BaseDistribution],
    ) -> None:
        self._backend = SafeJournalBackend(storage) if isinstance(storage, Path) else None
        store = optuna.storages.get_storage(
            optuna.storages.JournalStorage(self._backend) if self._backend else str(storage)
        )
        open_study = partial(
            optuna.create_study,
            study_name=study,
            storage=store,
            directions=list(directions),
            load_if_exists=True,
        )
        self._study = open_study()
        trials = self._study.get_trials(deepcopy=False)
        ways = [way.name.lower() for way in self._study.directions]
        if ways != list(directions) or any(_differ(trial, distributions) for trial in trials):
            # The study was extended by a level or an objective, and Optuna's choices cannot change.
            # Every record is sent again at a start, so nothing is lost.
            optuna.delete_study(study_name=study, storage=store)
            self._study, trials = open_study(), []
        self._keys = {trial.user_attrs.get("key"): trial.state for trial in trials}

    @property
    def is_journal(self) -> bool:
        return self._backend is not None

    def say_it_has(self, digest: str) -> None:
        self._study.set_user_attr(HAS, digest)

    def add(self, trials: "list[_Mirrored]") -> None:
        new = {trial.key: trial for trial in trials}
        together: AbstractContextManager[None] = (
            self._backend.batch() if self._backend else nullcontext()
        )
        with together:
            for key, trial in new.items():
                known = self._keys.get(key)
                # A run that failed and was tried again is a trial more.
                if known is None or (known == TrialState.FAIL != trial.state):
                    made = trial.make()
                    if made is not None:
                        self._study.add_trial(made)
        self._keys |= {key: trial.state for key, trial in new.items()}


class _Mirrored(NamedTuple):
    """An outcome as a trial, which is made where the study lacks it."""

    key: str
    state: TrialState
    make: Callable[[], FrozenTrial | None]


def _mirrored(
    planned: PlannedRun,
    result: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
    objectives: Sequence[str],
) -> _Mirrored:
    make = partial(run_as_trial, planned, result, distributions, objectives)
    return _Mirrored(planned.run, STATES[result["state"]], make)


def _differ(trial: FrozenTrial, distributions: Mapping[str, BaseDistribution]) -> bool:
    try:
        for name, found in trial.distributions.items():
            check_distribution_compatibility(found, distributions.get(name, found))
    except ValueError:
        return True
    return False


def run_as_trial(
    planned: PlannedRun,
    result: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
    objectives: Sequence[str],
) -> FrozenTrial | None:
    """A planned run and its outcome as a finished Optuna trial; None where it lacks an objective.

    Args:
        planned: The run.
        result: Its committed outcome.
        distributions: Of each factor, over all its levels in the plan.
        objectives: The numbers that are the trial's values.
    """
    used = {name: value for name, value in planned.factors.items() if value is not None}
    values = [objective_of(name, planned.cost, result) for name in objectives]
    is_complete = result["state"] == "COMPLETE"
    if is_complete and None in values:
        return None
    trial = create_trial(
        state=STATES[result["state"]],
        values=[value for value in values if value is not None] if is_complete else None,
        params=used,
        distributions={name: distributions[name] for name in used},
        user_attrs={
            "key": planned.run,
            "run": planned.run,
            "arm": planned.arm,
            "label": planned.label,
            "seed": planned.seed,
            "stage": planned.stage,
        },
    )
    # When a run started whose worker died nobody says; what lacks both is of now.
    started, ended = (result.get(one) for one in ("started", "ended"))
    if known := started or ended:
        trial.datetime_start = _as_optuna_says(started or known)
        trial.datetime_complete = _as_optuna_says(ended or known)
    return trial


def _as_optuna_says(moment: str) -> datetime:
    """Local, without its zone: with one, no time that Optuna sets itself could be taken from it."""
    return datetime.fromisoformat(moment).astimezone().replace(tzinfo=None)


def distribution(levels: Sequence[Any]) -> BaseDistribution:
    """Optuna's distribution of a factor with these levels; numbers are ordered."""
    if not all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels):
        return CategoricalDistribution(sorted(levels, key=lambda level: (str(type(level)), level)))
    if all(isinstance(level, int) for level in levels):
        return IntDistribution(min(levels), max(levels))
    return FloatDistribution(float(min(levels)), float(max(levels)))


def _reaching(
    given: IntDistribution | FloatDistribution, values: Sequence[Any]
) -> BaseDistribution:
    """The range, widened to all values: an arm may be confirmed outside what was searched."""
    low, high = min([given.low, *values]), max([given.high, *values])
    if isinstance(given, IntDistribution):
        return IntDistribution(int(low), int(high), log=given.log)
    return FloatDistribution(low, high, log=given.log)


def _first_line(error: Exception) -> str:
    # A database driver's message can hold the URL it was given; its first line is the reason.
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
