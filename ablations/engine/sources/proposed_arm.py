"""An arm that a search proposed: its runs so far, and what their results say of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna import Trial
from optuna.pruners import BasePruner, NopPruner

from ablations.engine.records.objectives import objective_of
from ablations.engine.sources.samplers import over_seeds
from ablations.engine.sources.source import Result
from ablations.errors import SettingError, one_of
from ablations.plan import PlannedRun


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a search judges its arms."""

    seeds: tuple[int, ...]
    objectives: tuple[str, ...]
    pruner: BasePruner

    @property
    def in_turn(self) -> bool:
        """Whether an arm's seeds run one after another, because an earlier one can prune it."""
        return not isinstance(self.pruner, NopPruner)

    @property
    def by_seeds(self) -> bool:
        """Whether arms are pruned between two seeds."""
        return over_seeds(self.pruner)

    @property
    def by_epochs(self) -> bool:
        """Whether arms are pruned between two epochs."""
        return self.in_turn and not self.by_seeds


@dataclass
class ProposedArm:
    """An arm that was proposed, by one trial or by several."""

    id: str
    rules: Rules
    runs: list[PlannedRun] = field(default_factory=list)
    """One for each seed so far, in the seeds' order."""
    unstarted: list[PlannedRun] = field(default_factory=list)
    """Of those, the ones without an outcome that were not given out in this session."""
    results: dict[str, Result] = field(default_factory=dict)
    """The outcomes of its runs, by run."""
    trials: list[Trial] = field(default_factory=list)
    """Those that wait for its outcome; the first one reports its epochs."""
    reported: set[int] = field(default_factory=set)
    state: str = ""
    """COMPLETE, PRUNED or FAIL; empty while it is live."""
    values: list[float] | None = None
    """Of the objectives, where it is complete."""

    @property
    def next_seed(self) -> int | None:
        """The seed of the run that is to be planned next; None where none is wanted now."""
        is_out = len(self.results) < len(self.runs)
        if len(self.runs) == len(self.rules.seeds) or (self.rules.in_turn and is_out):
            return None
        if any(result["state"] != "COMPLETE" for result in self.results.values()):
            return None
        return self.rules.seeds[len(self.runs)]

    def report(self, planned: PlannedRun, record: Mapping[str, Any]) -> bool:
        """Report an epoch of a run to Optuna; True where it says to give the arm up."""
        value = record.get(self.rules.objectives[0])
        step = self.runs.index(planned) * planned.epochs_planned + record["epoch"]
        if value is None:
            return False
        if step not in self.reported:  # a resumed run repeats epochs
            self.reported.add(step)
            self.trials[0].report(value, step)
        return self.trials[0].should_prune()

    def ending(self) -> str | None:
        """How the arm ends, where all its runs have outcomes and these say so: COMPLETE, PRUNED or FAIL."""
        if len(self.results) < len(self.runs) or not self.results:
            return None
        states = {result["state"] for result in self.results.values()}
        has_all = len(self.results) == len(self.rules.seeds)
        if "FAILED" in states:
            return "FAIL"
        if "PRUNED" in states or (self.rules.by_seeds and self._is_worse() and not has_all):
            return "PRUNED"
        return "COMPLETE" if has_all else None

    def means(self) -> list[float]:
        """Of the objectives, over the seeds.

        Raises:
            SettingError: If an objective is none of a result's numbers.
        """
        return [
            sum(self._number(name, run) for run in self.runs) / len(self.runs)
            for name in self.rules.objectives
        ]

    def _is_worse(self) -> bool:
        """Whether the arm's seeds so far are worse than the best arm's same seeds."""
        for step, planned in enumerate(self.runs):
            if step not in self.reported:
                self.reported.add(step)
                value = self._number(self.rules.objectives[0], planned)
                self.trials[0].report(value, step)
        return self.trials[0].should_prune()

    def _number(self, name: str, planned: PlannedRun) -> float:
        result = self.results[planned.run]
        value = objective_of(name, planned.cost, result)
        if value is None:
            known = {**planned.cost, **result}
            numbers = [key for key, value in known.items() if isinstance(value, int | float)]
            raise SettingError(one_of("objectives", name, sorted(numbers)))
        return value
