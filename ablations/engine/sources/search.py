"""Runs that an adaptive search proposes: ask Optuna for an arm, run it on its seeds, tell Optuna.

A trial proposes an arm. The budget counts arms, complete and pruned; a proposal of an arm that is known is
answered with its outcome and costs nothing. What was asked and told is recorded in `trials.jsonl`, so a
search resumes after any crash without losing or repeating a run. A run whose outcome the user took back
makes its arm live again, under a new trial of the same parameters.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna import Trial
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from ablations.engine.records.folder import StudyFolder
from ablations.engine.sources.proposed_arm import ProposedArm, Rules
from ablations.engine.sources.samplers import make_pruner
from ablations.engine.sources.session import Mirror, SearchSession
from ablations.engine.sources.source import PlannedSource, Result
from ablations.engine.sources.trials import RecordedTrial
from ablations.errors import SettingError, StudyError
from ablations.plan import PlannedRun
from plain_files.study_records import read_epochs

Propose = Callable[[Trial, int], PlannedRun]

ILLEGAL_IN_A_ROW = 200
KNOWN_IN_A_ROW = 50
"""After so many proposals of known arms the sampler is taken to have no other."""
SPARE_FAILURES = 10


class SearchSource:
    """An adaptive search over arms."""

    def __init__(
        self,
        folder: StudyFolder,
        propose: Propose,
        *,
        trials: int,
        seeds: Sequence[int] = (0,),
        sampler: str | BaseSampler = "tpe",
        pruner: str | BasePruner = "none",
        objectives: Sequence[str] | None = None,
        directions: Sequence[str] | None = None,
        seed: int = 0,
        epochs: int = 0,
        mirror: Mirror | None = None,
        recast: Callable[[RecordedTrial], RecordedTrial] = lambda trial: trial,
        name: str = "trials",
    ) -> None:
        """Search in a study folder.

        Args:
            folder: Where `trials.jsonl` is kept.
            propose: Takes a trial and a seed and returns the run of the trial's arm with that seed;
                called once for each seed. It suggests the levels, and may set constraints
                (`trial.set_constraint`). A `SettingError` in it makes the trial infeasible.
            trials: Budget: arms, complete and pruned, those of earlier sessions included.
            seeds: Seeds of each arm. Without a pruner they run side by side, with one in turn.
            sampler: A name (`samplers.SAMPLERS`) or one of Optuna's.
            pruner: A name (`samplers.PRUNERS`) or one of Optuna's. Pruners by epochs see the epochs
                of an arm's seeds one after another; Wilcoxon sees one value for each seed.
            objectives: Numbers of a run's result, or of its planned cost, as means over the seeds; the study's
                metric by default.
            directions: `minimize` or `maximize` for each objective; all minimised by default.
            seed: Of the sampler.
            epochs: Epochs of a run, for Hyperband.
            mirror: Takes each trial that ended (`index.Index.add_trial`).
            recast: Puts a recorded trial's parameters among the levels that the space has now.
            name: Of the records' file, where a study holds several searches.

        Raises:
            SettingError: A setting is out of range, or pruning is asked for several objectives.
        """
        objectives = [folder.metric()] if objectives is None else objectives
        _check(trials, seeds, objectives)
        self._folder, self._propose = folder, propose
        self._budget = trials
        made = (
            make_pruner(pruner, epochs=epochs * len(seeds)) if isinstance(pruner, str) else pruner
        )
        self._rules = Rules(seeds=tuple(seeds), objectives=tuple(objectives), pruner=made)
        self._directions = tuple(directions or ["minimize"] * len(objectives))
        self._sampler, self._seed = sampler, seed
        if len(objectives) > 1 and self._rules.in_turn:
            raise SettingError(
                f"`pruner` must be 'none' with several objectives, but got {pruner!r}: "
                "Optuna prunes by one number only."
            )
        self._mirror, self._recast = mirror, recast
        self._records = folder.path / f"{name}.jsonl"
        self._results: dict[str, Result] = {}
        self._arms: dict[str, ProposedArm] = {}
        self._live: dict[str, ProposedArm] = {}
        self._by_run: dict[str, ProposedArm] = {}
        self._known_in_a_row = 0
        self._last_illegal = ""
        self._others = PlannedSource([])
        """Runs of the plan that this search has not proposed: a grid's, say."""
        self._of_others: set[str] = set()

    @property
    def total(self) -> int:
        """Runs given out and those that the rest of the budget can still ask for."""
        seeds = len(self._rules.seeds)
        unborn = sum(seeds - len(arm.runs) for arm in self._live.values())
        unasked = 0 if self._is_over else self._budget - self._counted - len(self._live)
        return len(self._by_run) + unborn + max(0, unasked) * seeds + len(self._of_others)

    def news(self) -> list[str]:
        """None: outcomes speak for themselves."""
        return []

    @property
    def remark(self) -> str:
        """Why the search ended before its budget did."""
        if self._counted >= self._budget or not self._is_over:
            return ""
        why = (
            f"{self._session.failed} trials failed{self._last_illegal}"
            if self._failed_too_often
            else f"the sampler proposed no other in {KNOWN_IN_A_ROW} trials"
        )
        return f"The search ended after {self._counted} of {self._budget} arms: {why}."

    @property
    def asks(self) -> bool:
        """Whether epochs can be answered with *prune*."""
        return self._rules.by_epochs

    @property
    def finished(self) -> bool:
        """Whether the budget is used up, or nothing more can be asked for, and no run is out."""
        is_over = self._is_over or self._counted >= self._budget
        return is_over and not self._live and self._others.finished

    @property
    def _counted(self) -> int:
        """Arms that count for the budget."""
        return sum(arm.state in ("COMPLETE", "PRUNED") for arm in self._arms.values())

    @property
    def _is_over(self) -> bool:
        """Whether nothing more is asked for, whatever the budget: a live arm's outcome may change that."""
        return self._failed_too_often or (self._is_stuck and not self._live)

    @property
    def _failed_too_often(self) -> bool:
        return self._session.failed > self._budget + SPARE_FAILURES

    @property
    def _is_stuck(self) -> bool:
        return self._known_in_a_row >= KNOWN_IN_A_ROW

    def resume(self, plan: Sequence[PlannedRun], results: Mapping[str, Result]) -> list[PlannedRun]:
        """Rebuild the sampler's view from the records."""
        self._session = SearchSession(
            self._records,
            sampler=self._sampler,
            pruner=self._rules.pruner,
            directions=self._directions,
            seed=self._seed,
            mirror=self._mirror,
            recast=self._recast,
        )
        self._results = dict(results)
        by_arm: dict[str, dict[int, PlannedRun]] = {}
        for planned in plan:
            by_arm.setdefault(planned.arm, {})[planned.seed] = planned
        for trial in self._session.recorded:
            self._restore(trial, by_arm)
        for arm in self._arms.values():
            if arm.state and self._is_tried_again(arm):
                self._reopen(arm)
            if arm.state:
                self._tell_all(arm)  # twins of a trial that was told just before a crash
            else:
                self._replay(arm)
        others = [planned for planned in plan if planned.run not in self._by_run]
        self._of_others = {planned.run for planned in others}
        return self._others.resume(others, results)

    def _restore(
        self, trial: RecordedTrial, by_arm: Mapping[str, Mapping[int, PlannedRun]]
    ) -> None:
        if trial.arm is None:
            return
        self._known_in_a_row = self._known_in_a_row + 1 if trial.arm in self._arms else 0
        arm = self._arms.get(trial.arm) or self._new_arm(trial.arm)
        planned = by_arm.get(trial.arm, {})
        for seed in self._rules.seeds[len(arm.runs) :]:
            if seed not in planned:
                break
            self._add_run(arm, planned[seed])
        if trial.state is None:
            arm.trials.append(self._session.again(trial))
        else:
            self._end(arm, trial.state, trial.values)

    def _is_tried_again(self, arm: ProposedArm) -> bool:
        """Whether an ended arm's outcome was taken back, and no trial was told of the new one."""
        waits = arm.runs if arm.trials else arm.unstarted
        return any(self._folder.failures_count_from(planned.run) > 1 for planned in waits)

    def _reopen(self, arm: ProposedArm) -> None:
        """Go on with an ended arm, by a trial of its own; what its earlier trials were told stays."""
        arm.state, arm.values = "", None
        self._live[arm.id] = arm
        if not arm.trials:
            arm.trials.append(self._session.renew(arm.id))

    def _replay(self, arm: ProposedArm) -> None:
        """Report a live arm's recorded epochs again, then see what it lacks."""
        for planned in arm.runs if self.asks else ():
            first = self._folder.failures_count_from(planned.run)
            for attempt in (n for n in self._folder.attempts(planned.run) if n >= first):
                folder = self._folder.attempt_folder(planned.run, attempt)
                for record in read_epochs(folder / "epochs.jsonl")[0]:
                    arm.report(planned, record)
        self._advance(arm)

    def next(self) -> PlannedRun | None:
        """A run to start: one planned before, another seed of a live arm, or a new arm's first."""
        other = self._others.next()
        if other is not None:
            return other
        illegal = 0
        while True:
            for arm in list(self._live.values()):
                given = self._next_of(arm)
                if given is not None:
                    return given
            is_enough = self._counted + len(self._live) >= self._budget
            if is_enough or self._failed_too_often or self._is_stuck:
                return None
            illegal = 0 if self._ask() else illegal + 1
            if illegal >= ILLEGAL_IN_A_ROW:
                raise StudyError(
                    f"the sampler proposed {illegal} illegal arms in a row{self._last_illegal}. "
                    "Narrow the space."
                )

    def _next_of(self, arm: ProposedArm) -> PlannedRun | None:
        """A run of a live arm that can start now."""
        while True:
            if arm.unstarted:
                return arm.unstarted.pop(0)
            seed = arm.next_seed
            if seed is None:
                return None
            self._add_run(arm, self._make(arm.trials[0], seed))
            self._advance(arm)
            if arm.state:
                return None

    def _ask(self) -> bool:
        """Ask for a new trial; False where it is illegal."""
        trial = self._session.ask()
        try:
            first = self._make(trial, self._rules.seeds[0])
        except SettingError as error:
            self._last_illegal = f", the last proposal because: {str(error).rstrip('.')}"
            self._session.record(trial, None)
            self._session.tell(trial, "FAIL", None)
            return False
        self._session.record(trial, first.arm)
        arm = self._arms.get(first.arm)
        self._known_in_a_row = self._known_in_a_row + 1 if arm else 0
        if arm is None:
            arm = self._new_arm(first.arm)
            self._add_run(arm, first)
        arm.trials.append(trial)
        if arm.state:
            # Proposed before: the answer is known and nothing is trained twice.
            self._tell_all(arm)
        else:
            self._advance(arm)
        return True

    def _make(self, trial: Trial, seed: int) -> PlannedRun:
        with warnings.catch_warnings():
            # Said at the second seed of an arm, whose constraints are those of the first.
            warnings.filterwarnings("ignore", "The constraint value is ignored because")
            return self._propose(trial, seed)

    def _new_arm(self, name: str) -> ProposedArm:
        self._arms[name] = self._live[name] = ProposedArm(name, self._rules)
        return self._arms[name]

    def _add_run(self, arm: ProposedArm, planned: PlannedRun) -> None:
        arm.runs.append(planned)
        self._by_run[planned.run] = arm
        if planned.run in self._results:
            arm.results[planned.run] = self._results[planned.run]
        elif planned.run not in self._of_others:
            # The others are given out before anything is asked for: one without a result is on its way.
            arm.unstarted.append(planned)
        self._of_others.discard(planned.run)

    def epoch(self, planned: PlannedRun, record: Mapping[str, Any]) -> bool:
        """Report the epoch to Optuna; True gives the arm up. The last epoch never does."""
        arm = self._by_run.get(planned.run)
        if arm is None or arm.state or not self.asks:
            return False
        return arm.report(planned, record) and record["epoch"] < planned.epochs_planned

    def ended(self, planned: PlannedRun, result: Result) -> None:
        """Take note of an outcome, and tell Optuna where the arm has ended with it."""
        self._others.ended(planned, result)
        self._results[planned.run] = result
        arm = self._by_run.get(planned.run)
        if arm is not None and not arm.state:
            arm.results[planned.run] = result
            self._advance(arm)
            if arm.state and self._is_stuck:
                self._known_in_a_row = 0  # the sampler learnt something that may lead it on

    def _advance(self, arm: ProposedArm) -> None:
        """End the arm if its results so far say so."""
        state = arm.ending()
        if state is not None:
            self._end(arm, state, arm.means() if state == "COMPLETE" else None)

    def _end(self, arm: ProposedArm, state: str, values: list[float] | None) -> None:
        arm.state, arm.values = state, values
        self._live.pop(arm.id, None)
        self._tell_all(arm)

    def _tell_all(self, arm: ProposedArm) -> None:
        for trial in arm.trials:
            self._session.tell(trial, arm.state, arm.values)
        arm.trials = []


def _check(trials: int, seeds: Sequence[int], objectives: Sequence[str]) -> None:
    if trials < 1:
        raise SettingError(f"`trials >= 1` must hold, but got {trials}.")
    if not seeds or len(set(seeds)) != len(seeds):
        raise SettingError(f"`seeds` must name each seed once, at least one, but got {seeds}.")
    if not objectives:
        raise SettingError("`objectives` must name at least one number of a result.")
