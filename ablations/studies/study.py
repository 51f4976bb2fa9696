"""Studies from Python, with the command line's names: show, run, confirm, status.

In a notebook: `run(load_space("reduction"), study="first", progress=True)`, then `analysis.report.build.write_report`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from ablations.context import CHECKPOINT_MINUTES
from ablations.designs.expand import (
    Expansion,
    expand,
    plan_arm,
    refuse_illegal,
    runs,
    verify,
)
from ablations.designs.space import Space
from ablations.engine.executors.executor import Executor
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots, refuse_empty_stack
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.index import Index
from ablations.engine.records.storage import check_storage_url
from ablations.engine.sources.source import PlannedSource, Source
from ablations.engine.standing.status import StudyStatus
from ablations.engine.standing.status import status as read_status
from ablations.engine.standing.summary import Summary
from ablations.engine.supervision.notebook_progress import progress_here
from ablations.engine.supervision.progress import Progress
from ablations.engine.supervision.supervisor import HANG_SECONDS, RETRIES, execute
from ablations.errors import SettingError
from ablations.plan import Stage
from ablations.studies.adaptive_search import (
    Search,
    refuse_stacked_search,
    refuse_unstackable,
    search_source,
)
from ablations.studies.confirmation import confirm_runs
from ablations.studies.declaration import Declaration, declare
from ablations.studies.opening import open_or_create, refuse_another
from ablations.studies.planned_comparisons import refuse_planned_search, refuse_undecidable
from ablations.studies.study_index import open_index
from ablations.studies.trust import refuse_untrusted
from ablations.studies.until import (
    StoppingRule,
    declared_rule,
    refuse_unsuitable,
    until_source,
)
from ablations.subjects.intervention import refuse
from ablations.subjects.subject import Subject
from ablations.tracking.wandb.tracker import Mode, WandbTracker
from plain_files.stopping_rules import RULE

ROOT = Path("runs")
"""Where studies lie, beside the user's own files."""


def show(space: Space, *, design: str = "grid") -> Expansion:
    """The arms of a design over a space, with what is illegal or folded, and why."""
    return expand(space, design=design)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How and where runs are executed; the defaults are one machine and all of it."""

    executor: Callable[[StudyFolder], Executor] | None = None
    """Makes what places runs (`engine.local`, `engine.ray`, `engine.slurm`); this machine by default."""
    stack: int = 1
    """Seeds of an arm that are given out together, to be trained in step as one wider network. An executor of
    your own must have room for them: `find_slots(stack=...)`."""
    wandb: Mode = "offline"
    progress: Progress | None = None
    """A display of your own; `run(..., progress=True)` shows ours."""
    storage: str | None = None
    """An Optuna storage URL for the index; the one that the study was started with by default, or the journal
    in its folder."""
    retries: int = RETRIES
    hang_timeout: float = HANG_SECONDS
    wait: bool = False
    """Wait where another supervisor runs the study."""
    checkpoint_minutes: float = CHECKPOINT_MINUTES
    """Age of the last checkpoint at which one is written within an epoch."""
    keep_checkpoints: bool = False

    def __post_init__(self) -> None:
        """Refuse a stack of no run, an age that is none, and a storage URL that cannot be used or holds a password."""
        refuse_empty_stack(self.stack)
        if not self.checkpoint_minutes >= 0:
            raise SettingError(
                f"`checkpoint_minutes >= 0` must hold, but got {self.checkpoint_minutes!r}. It is the age of the "
                "last checkpoint at which a run writes one within an epoch; 10 by default."
            )
        if self.storage is not None:
            check_storage_url(self.storage)

    @property
    def declared(self) -> dict[str, Any]:
        """What `study.json` keeps of it."""
        return {} if self.storage is None else {"storage": self.storage}


def run(
    space: Space,
    *,
    study: str | None = None,
    design: str = "grid",
    seeds: int | None = None,
    search: Search | None = None,
    extend: bool = False,
    allow_drift: bool = False,
    planned: Mapping[str, Any] | None = None,
    retry: Sequence[str] = (),
    trust: bool = False,
    until: StoppingRule | None = None,
    change_rule: bool = False,
    budget_hours: float | None = None,
    progress: bool = False,
    root: str | Path = ROOT,
    execution: Execution | None = None,
) -> Summary:
    """Run a study to its end, or go on with one that was interrupted; the call is the same.

    Args:
        space: What varies.
        study: Name of the study and of its folder; the space's name by default.
        design: `grid`, `loco`, `one_in`, `fractional`, `zip` or `search`.
        seeds: Number of seeds, counted from 0; the space's own number by default.
        search: How to search, where the design is `search`.
        extend: Allow a study to be given more seeds, levels or factors than it was started with.
        allow_drift: Allow other code or package versions than it was started with.
        planned: Comparisons declared before the first run:
            `analysis.planned.comparisons.load_comparisons(path).declared`.
        retry: Runs that failed and are tried again, by their ids; `failed` is all of them.
        trust: Run what the study's folder names though somebody else started it.
        until: Instead of a number of seeds: a rule that says when each comparison is settled,
            `analysis.until_decided(margin=..., max_seeds=...)` or one of your own (`ablations.Until`).
        change_rule: With `until`: go on by another rule than the study was started with; recorded, and what is
            settled after it is exploratory.
        budget_hours: With `until`: no seed block is begun once the runs have taken so many hours together.
        progress: Show how far the study is: under a notebook's cell, on a terminal, or as lines in a log.
        root: Where studies lie.
        execution: How and where runs are executed.

    Raises:
        SettingError: If the space does not fit the design or the network, a search would be stacked, or no
            run could decide a planned comparison.
        StudyError: If the study in that folder is another one, or cannot be written.
    """
    name = study or space.name
    path = Path(root, name)
    if change_rule and until is None:
        raise SettingError(
            "`change_rule` goes on by another rule than a study was started with, but `until` gives none."
        )
    how = _shown(execution, progress)
    if until is not None:
        refuse_unsuitable(
            design=design, seeds=seeds, extend=extend, retry=retry, budget_hours=budget_hours
        )
    if design == "search":
        refuse_stacked_search(how.stack)
        refuse_planned_search(planned)
        return _search(
            space,
            search or Search(),
            path=path,
            extend=extend,
            allow_drift=allow_drift,
            retry=retry,
            trust=trust,
            how=how,
        )
    refuse_unstackable(space.about, how.stack)
    numbers = space.first_seeds(seeds if until is None else until.max_seeds)
    space.refuse_too_many(design, len(numbers))
    expansion = expand(space, design=design)
    refuse_illegal(space, expansion)
    refuse_undecidable(planned, expansion.arms)
    asked = partial(declare, space, expansion.arms[0], study=name, design=design, seeds=numbers)
    declared = _same_question(path, asked)
    if allow_drift or not _all_known(path, expansion):
        refuse(verify(space, expansion) or ())
    declared = {**(declared or asked()), **(planned or {}), **how.declared}
    news: list[str] = []
    if until is not None:
        declared[RULE], news = declared_rule(
            until,
            expansion.arms,
            metric=space.about.metric,
            direction=declared["direction"],
            path=path,
        )
    folder = open_or_create(
        path,
        declared,
        extend=extend,
        allow_drift=allow_drift,
        change_rule=change_rule,
        trust=trust,
    )
    if until is not None:
        source = until_source(
            folder, expansion, until, design=design, seeds=numbers, news=news, budget_hours=budget_hours
        )  # fmt: skip
        return _execute(space.about, folder, source, how, again=retry)
    wanted = runs(expansion.arms, seeds=numbers, stage=cast(Stage, design))
    return _execute(space.about, folder, PlannedSource(wanted, stack=how.stack), how, again=retry)


def _same_question(path: Path, asked: Callable[[], Declaration]) -> Declaration | None:
    """What is asked for, where the folder has a study: another one is refused before any arm is tried out."""
    if not (path / "study.json").exists():
        return None
    declared = asked()
    refuse_another(path, StudyFolder.open(path).declaration(), declared)
    return declared


def _all_known(path: Path, expansion: Expansion) -> bool:
    """Whether the study was started with all of these arms, and so verified them."""
    if not (path / "study.json").exists():
        return False
    known = {run.arm for run in StudyFolder.open(path).plan()}
    return all(arm.id in known for arm in expansion.arms)


def confirm(
    study: str,
    *,
    top: int = 4,
    seeds: int = 5,
    at: Mapping[str, Any] | None = None,
    trust: bool = False,
    progress: bool = False,
    root: str | Path = ROOT,
    execution: Execution | None = None,
) -> Summary:
    """Run fresh seeds, unpruned, of the arms that a study proposes, into the same study.

    Args:
        study: Name of a study.
        top: How many of its best arms to confirm; the baseline is always among the arms.
        seeds: Fresh seeds for each arm.
        at: Instead: settings of one arm, confirmed beside its nearest tested levels.
        trust: Run what the study's folder names though somebody else started it.
        progress: Show how far the study is, as `run` does.
        root: Where studies lie.
        execution: How and where runs are executed.

    Raises:
        StudyError: If the study has no complete run yet, or is somebody else's.
    """
    folder = StudyFolder.open(Path(root, study))
    refuse_untrusted(folder, trust=trust)
    planned = confirm_runs(folder, top=top, seeds=seeds, at=at)
    how = _shown(execution, progress)
    about = Space(**folder.declaration()["space"]).about
    refuse_unstackable(about, how.stack)
    return _execute(about, folder, PlannedSource(planned, stack=how.stack), how)


def _shown(execution: Execution | None, progress: bool) -> Execution:
    how = execution or Execution()
    return replace(how, progress=progress_here()) if progress and how.progress is None else how


def status(study: str, *, root: str | Path = ROOT) -> StudyStatus:
    """How a study stands, while it runs and after: runs by state, the best arm, time left."""
    return read_status(StudyFolder.open(Path(root, study)))


def _search(
    space: Space,
    search: Search,
    *,
    path: Path,
    extend: bool,
    allow_drift: bool,
    retry: Sequence[str],
    trust: bool,
    how: Execution,
) -> Summary:
    search = search.deciding(space)
    space = search.measured(space)
    parts = search.parts(space)
    numbers = list(range(search.seeds))
    declared = declare(space, plan_arm(space, {}), study=path.name, design="search", seeds=numbers)
    asked = {**declared, "search": search.to_json(), **how.declared}
    folder = open_or_create(path, asked, extend=extend, allow_drift=allow_drift, trust=trust)
    index = open_index(folder, storage=how.storage)
    source = search_source(folder, space, search, parts=parts, mirror=index.add_trial)
    return _execute(space.about, folder, source, how, index=index, again=retry)


def _execute(
    about: Subject,
    folder: StudyFolder,
    source: Source,
    how: Execution,
    *,
    index: Index | None = None,
    again: Sequence[str] = (),
) -> Summary:
    make = how.executor or (lambda _: LocalExecutor(find_slots(stack=how.stack)))
    return execute(
        folder,
        source,
        executor=make(folder),
        train=about.train,
        tracker=WandbTracker(folder.path, how.wandb),
        progress=how.progress,
        index=index or open_index(folder, storage=how.storage),
        retries=how.retries,
        hang_timeout=how.hang_timeout,
        wait=how.wait,
        checkpoint_minutes=how.checkpoint_minutes,
        keep_checkpoints=how.keep_checkpoints,
        again=again,
    )
