"""One session of a search: the Optuna study in memory, rebuilt from its records and recorded as it goes on."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

from optuna import Trial
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from ablations.engine.sources.samplers import make_sampler, make_study
from ablations.engine.sources.trials import (
    RecordedTrial,
    TrialRecords,
    live_trial,
    restore,
    sampler_notes,
)

SESSION_STEP = 7919

Mirror = Callable[[FrozenTrial], None]


class SearchSession:
    """Asks Optuna and tells it, and records both before anything follows from them."""

    def __init__(
        self,
        path: Path,
        *,
        sampler: str | BaseSampler,
        pruner: BasePruner,
        directions: Sequence[str],
        seed: int,
        mirror: Mirror | None,
        recast: Callable[[RecordedTrial], RecordedTrial],
    ) -> None:
        """Open the records and rebuild what the sampler knew.

        Args:
            path: Of the records; they may not be there yet.
            sampler: A name (`samplers.SAMPLERS`) or one of Optuna's.
            pruner: Of the study.
            directions: Of the study.
            seed: Of the sampler.
            mirror: Takes each trial that ended, under the key `<name of the records><number>`; of trials that
                propose one arm and have one outcome the first.
            recast: Puts a recorded trial's parameters among the levels of today.
        """
        self._records = TrialRecords(path)
        self._mirror, self._name = mirror, path.stem
        recorded, notes = self._records.read()
        self.recorded = [recast(trial) for trial in recorded]
        # Another seed for each session: the same one would propose the first arms again.
        fresh = seed + SESSION_STEP * len(self.recorded)
        made = make_sampler(sampler, seed=fresh) if isinstance(sampler, str) else sampler
        self._study = make_study(made, pruner, directions)
        restore(self._study, self.recorded, notes)
        self.failed = 0
        """Trials that failed, illegal ones among them."""
        self._arms = {trial.number: trial.arm for trial in self.recorded}
        self._shown: set[tuple[str, str, tuple[float, ...]]] = set()
        for trial in self.recorded:
            self.failed += trial.state == "FAIL"
            if trial.state is not None:
                self._show(trial.number)

    def ask(self) -> Trial:
        """A new trial, not recorded yet."""
        return self._study.ask()

    def again(self, trial: RecordedTrial) -> Trial:
        """A trial of an earlier session that has no outcome."""
        return live_trial(self._study, trial.number)

    def renew(self, arm: str) -> Trial:
        """A new trial with the parameters of the arm's last one, recorded; what that one was told stays."""
        last = [trial for trial in self.recorded if trial.arm == arm][-1]
        # Which rungs of a pruner it has passed, the new one says anew.
        system = {k: v for k, v in last.system.items() if not k.startswith("completed_rung")}
        fresh = replace(
            last,
            number=len(self._study.get_trials(deepcopy=False)),
            system=system,
            state=None,
            values=None,
            intermediate={},
        )
        self._study.add_trial(fresh.frozen())
        self._record(fresh.number, arm)
        return live_trial(self._study, fresh.number)

    def record(self, trial: Trial, arm: str | None) -> None:
        """Record what was asked; `arm` is None where the trial is illegal."""
        self._record(trial.number, arm)

    def tell(self, trial: Trial, state: str, values: list[float] | None) -> None:
        """End a trial: COMPLETE, PRUNED or FAIL."""
        self._study.tell(trial.number, values=values, state=TrialState[state])
        self._records.told(self._frozen(trial.number))
        self.failed += state == "FAIL"
        self._show(trial.number)

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    def _record(self, number: int, arm: str | None) -> None:
        self._arms[number] = arm
        self._records.asked(self._frozen(number), arm, sampler_notes(self._study))

    def _show(self, number: int) -> None:
        """Show the trial, unless it is the answer to another proposal of an arm whose answer is shown."""
        if self._mirror is None:
            return
        frozen, arm = copy(self._frozen(number)), self._arms[number]
        if arm is not None:
            answer = (arm, frozen.state.name, tuple(frozen.values or ()))
            if answer in self._shown:
                return
            self._shown.add(answer)
        frozen.user_attrs = {**frozen.user_attrs, "key": f"{self._name}{number}"}
        self._mirror(frozen)
