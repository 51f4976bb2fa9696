"""An adaptive search: what is asked of it, and the source that proposes its runs with Optuna's sampler."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ablations.designs.assignments import Assignment
from ablations.designs.expand import planned_run
from ablations.designs.search import per_level, propose, recast, search_of
from ablations.designs.space import MOST_RUNS, Space
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.objectives import check_objectives
from ablations.engine.sources.samplers import make_pruner, make_sampler
from ablations.engine.sources.search import SearchSource
from ablations.engine.sources.session import Mirror
from ablations.engine.sources.side_by_side import SideBySide
from ablations.errors import SettingError
from ablations.plan import PlannedRun
from ablations.subjects.subject import Subject

if TYPE_CHECKING:
    from optuna import Trial

SAMPLER_SEEDS = 2**32


@dataclass(frozen=True, kw_only=True)
class Search:
    """How an adaptive search goes: Optuna's sampler and pruner, its budget and its objectives."""

    trials: int = 30
    """Budget: arms, complete or pruned."""
    sampler: str = "tpe"
    pruner: str | None = None
    """Arms may be given up early: a search only proposes. `median` by default, and `none` with several
    objectives, because an epoch can be judged by one number only."""
    seeds: int = 1
    """Seeds of each arm."""
    seed: int = 0
    """Of the sampler."""
    objectives: tuple[str, ...] = ()
    """Numbers of a result or of the cost, as the subject has them: `val_loss`, `params`, `latency`; none is the
    metric that decides."""
    max_params: int | None = None
    """A constraint: arms with more parameters are infeasible."""
    per_arm: str | None = None
    """A factor: each of its levels gets a search of its own over the other factors, with the whole
    budget, so that its levels can be compared after equal tuning."""

    def __post_init__(self) -> None:
        """Refuse a search that cannot be made, before a study's folder is."""
        if self.trials < 1 or self.seeds < 1:
            raise SettingError(
                f"`trials >= 1` and `seeds >= 1` must hold, but got {self.trials} and {self.seeds}."
            )
        if self.trials * self.seeds > MOST_RUNS:
            raise SettingError(
                f"a search must have at most {MOST_RUNS:,} runs, but got {self.trials} trials of {self.seeds} seeds."
            )
        if not 0 <= self.seed < SAMPLER_SEEDS:
            raise SettingError(
                f"`seed` of a search must be from 0 to {SAMPLER_SEEDS - 1:,}, as the samplers take it, but got "
                f"{self.seed}."
            )
        make_sampler(self.sampler, seed=self.seed)
        make_pruner(self.pruning, epochs=1)
        if len(self.objectives) > 1 and self.pruning != "none":
            raise SettingError(
                f"`pruner` must be 'none' with several objectives, but got {self.pruner!r}: an epoch "
                "can be judged by one number only."
            )

    @property
    def pruning(self) -> str:
        """The pruner's name."""
        return self.pruner or ("median" if len(self.objectives) <= 1 else "none")

    def to_json(self) -> dict[str, Any]:
        """What `study.json` holds of it."""
        return {**asdict(self), "objectives": list(self.objectives), "pruner": self.pruning}

    def deciding(self, space: Space) -> "Search":
        """The search with what it optimises named: the space's metric, where nobody said more.

        Raises:
            SettingError: If runs of the space's subject have no such number.
        """
        named = self.objectives or (space.about.metric,)
        check_objectives(named, space.about.searchable())
        return replace(self, objectives=named)

    def measured(self, space: Space) -> Space:
        """The space, with arms that measure what is optimised (latency, say)."""
        known = space.about.searchable()
        needed = {
            name: value for one in self.objectives for name, value in known[one].settings.items()
        }
        if not needed:
            return space
        baseline = space.about.changed(space.baseline, needed)
        return space.model_copy(update={"baseline": baseline})

    def parts(self, space: Space) -> dict[str, Assignment]:
        """The searches of a space by name, and what each of them fixes.

        Raises:
            SettingError: If `per_arm` is no factor of the space with levels, or its only factor.
        """
        return {"trials": {}} if self.per_arm is None else per_level(space, self.per_arm)


def refuse_stacked_search(stack: int) -> None:
    """Refuse to stack the runs of a search.

    Raises:
        SettingError: If `stack > 1`.
    """
    if stack > 1:
        raise SettingError(
            f"`stack` must be 1 in a search, but got {stack}: a search proposes one run after another. "
            "Stack the runs of `ablate confirm` instead."
        )


def refuse_unstackable(about: Subject, stack: int) -> None:
    """Refuse to stack runs of a subject that cannot train several in step.

    Raises:
        SettingError: If `stack > 1`.
    """
    if stack > 1 and not about.stacks:
        raise SettingError(
            f"`stack` must be 1, because runs of the subject {about.name!r} cannot be trained in step, but got "
            f"{stack}. Give it more workers instead."
        )


def search_source(
    folder: StudyFolder,
    space: Space,
    search: Search,
    *,
    parts: Mapping[str, Assignment],
    mirror: Mirror,
) -> SideBySide:
    """The runs of a search, proposed one after another; of all its parts side by side.

    Args:
        folder: Of the study, where the trials are kept.
        space: As `Search.measured` returned it.
        search: What is asked.
        parts: As `Search.parts` returned them.
        mirror: Takes each trial that ended.
    """

    def part(name: str, fixed: Assignment) -> SearchSource:
        return SearchSource(
            folder,
            partial(_propose_run, space=space, fixed=fixed, max_params=search.max_params),
            trials=search.trials,
            seeds=range(search.seeds),
            sampler=search.sampler,
            pruner=search.pruning,
            objectives=search.objectives,
            directions=[space.about.searchable()[name].direction for name in search.objectives],
            seed=search.seed,
            epochs=space.about.epochs(space.baseline),
            mirror=mirror,
            recast=partial(recast, space=space),
            name=name,
        )

    sources = {name: part(name, fixed) for name, fixed in parts.items()}
    return SideBySide(sources, share=partial(search_of, factor=search.per_arm))


def _propose_run(
    trial: "Trial", seed: int, *, space: Space, fixed: Assignment, max_params: int | None
) -> PlannedRun:
    arm = propose(trial, space, fixed=fixed)
    if max_params is not None:
        trial.set_constraint("params", float(arm.cost["params"] - max_params))
    return planned_run(arm, seed=seed, stage="search")
