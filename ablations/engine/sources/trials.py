"""What a search asked and told, as lines of `trials.jsonl`: the record from which it is resumed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from ablations.engine.records.files import append_lines, damaged, read_lines
from plain_files.study_records import RecordError

# CMA-ES keeps a pickle of its state in its trials; reading a study unpickles nothing.
PICKLED = "cma:"


@dataclass
class RecordedTrial:
    """A trial as the records have it."""

    number: int
    arm: str | None
    """None where the sampler proposed something illegal."""
    params: dict[str, Any]
    distributions: dict[str, str]
    system: dict[str, Any]
    """What the sampler, the pruner and the constraints noted on the trial."""
    levels: dict[str, Any] = field(default_factory=dict)
    """Factor -> level that was proposed; the trial's user attributes."""
    state: str | None = None
    """COMPLETE, PRUNED or FAIL; None while it goes on."""
    values: list[float] | None = None
    intermediate: dict[int, float] = field(default_factory=dict)

    def frozen(self) -> FrozenTrial:
        """The trial for Optuna, RUNNING where it has not ended."""
        return create_trial(
            state=TrialState[self.state or "RUNNING"],
            values=self.values,
            params=self.params,
            distributions={k: json_to_distribution(v) for k, v in self.distributions.items()},
            user_attrs=self.levels,
            system_attrs=self.system,
            intermediate_values=self.intermediate,
        )


class TrialRecords:
    """Reads and appends `trials.jsonl`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[list[RecordedTrial], dict[str, Any]]:
        """All trials by number, and the last note of the sampler on the study."""
        trials: list[RecordedTrial] = []
        sampler: dict[str, Any] = {}
        for number, line in enumerate(read_lines(self._path), start=1):
            try:
                sampler = _take(line, trials, sampler)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                raise damaged(
                    f"{self._path}, line {number},", RecordError(f"{type(error).__name__}: {error}")
                ) from None
        return trials, sampler

    def asked(self, trial: FrozenTrial, arm: str | None, sampler: dict[str, Any]) -> None:
        """Record a proposal, before any of its runs is planned."""
        line = {
            "trial": trial.number,
            "arm": arm,
            "params": trial.params,
            "distributions": {k: distribution_to_json(v) for k, v in trial.distributions.items()},
            "levels": _plain(trial.user_attrs),
            "system": _plain(trial.system_attrs),
            **({"sampler": _plain(sampler)} if sampler else {}),
        }
        append_lines(self._path, [line], sync=True)

    def told(self, trial: FrozenTrial) -> None:
        """Record how a trial ended."""
        line = {
            "trial": trial.number,
            "state": trial.state.name,
            "values": trial.values if trial.state == TrialState.COMPLETE else None,
            "intermediate": trial.intermediate_values,
            "system": _plain(trial.system_attrs),
        }
        append_lines(self._path, [line], sync=True)


def _take(
    line: dict[str, Any], trials: list[RecordedTrial], sampler: dict[str, Any]
) -> dict[str, Any]:
    """Add what a line says to the trials, and return the sampler's last note."""
    if "params" in line:
        trials.append(
            RecordedTrial(
                number=line["trial"],
                arm=line["arm"],
                params=line["params"],
                distributions=line["distributions"],
                system=_unpickled(line["system"]),
                levels=line.get("levels", {}),
            )
        )
    if "state" in line:
        trial = trials[line["trial"]]
        trial.state, trial.values = line["state"], line["values"]
        trial.system = _unpickled(line["system"])
        trial.intermediate = {int(k): v for k, v in line["intermediate"].items()}
        trial.frozen()  # what Optuna refuses is refused here
    return _unpickled(line.get("sampler", sampler))


def restore(
    study: optuna.Study,
    recorded: Sequence[RecordedTrial],
    sampler: Mapping[str, Any],
) -> None:
    """Bring an empty study in memory to where the records are; numbers stay the same."""
    for trial in recorded:
        study.add_trial(trial.frozen())
    for name, value in sampler.items():
        # QMC keeps its place in the sequence there; Optuna has no public way to set it.
        study._storage.set_study_system_attr(study._study_id, name, value)


def live_trial(study: optuna.Study, number: int) -> optuna.Trial:
    """A handle of a trial that goes on, as `ask` gave it before the supervisor died."""
    frozen = study.get_trials(deepcopy=False)[number]
    return optuna.Trial(study, frozen._trial_id)


def sampler_notes(study: optuna.Study) -> dict[str, Any]:
    """What the sampler noted on the study."""
    return study._storage.get_study_system_attrs(study._study_id)


def _plain(notes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in _unpickled(notes).items() if _is_json(value)}


def _unpickled(notes: Mapping[str, Any]) -> dict[str, Any]:
    """The notes without those that a sampler would unpickle."""
    return {name: value for name, value in notes.items() if not name.startswith(PICKLED)}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
