"""Commands that execute a study's runs: run, confirm."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ablations.cli.options.arguments import (
    Design,
    Flag,
    Set,
    Trust,
    Whole,
    as_named,
    assignments,
    design_name,
    find_study,
    folder_name,
)
from ablations.cli.options.execution_options import (
    AS_IT_BEGAN,
    USUAL,
    ContinuingOptions,
    ExecutionOptions,
    execution,
)
from ablations.cli.options.executors import ExecutorOptions, check_executor, ready_executor
from ablations.cli.options.search_options import UNSAID, SearchOptions, search_for
from ablations.cli.options.until_options import (
    NOT_ASKED,
    UntilOptions,
    refuse_misfit,
    rule_for,
    what_is_open,
)
from ablations.cli.words.result_text import print_lines
from ablations.errors import SettingError

if TYPE_CHECKING:
    from ablations.designs.space import Space
    from ablations.engine.standing.summary import Summary
    from ablations.studies.adaptive_search import Search

At = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        help="Instead of --top: one arm, as attention.reduction=6, beside its nearest tested levels; "
        "repeatable.",
    ),
]


Retry = Annotated[
    tuple[str, ...],
    Parameter(
        help="Try again what failed: `failed` for all of it, or a run's id (or its beginning); repeatable."
    ),
]


def run(
    space: str,
    /,
    *,
    study: Annotated[str | None, Parameter(alias="-n")] = None,
    design: Annotated[Design, Parameter(alias="-d")] = "grid",
    seeds: Whole | None = None,
    set_: Set = (),
    around: str | None = None,
    extend: Flag = False,
    allow_drift: Flag = False,
    planned: Path | None = None,
    dry_run: Flag = False,
    retry: Retry = (),
    trust: Trust = False,
    search: SearchOptions = UNSAID,
    stop: UntilOptions = NOT_ASKED,
    how: ExecutionOptions = USUAL,
) -> None:
    """Run a study. Interrupt it at any time: the same command goes on where it stopped.

    Args:
        space: A preset, a .yaml or .py file, or package.module:name.
        study: Name of the study; the space's name by default.
        design: How the space becomes a list of runs; `search` lets Optuna choose arms.
        seeds: Seeds, each a block of all arms; the space's own number, and 1 in a search.
        around: A study that searched and was confirmed: its winner is the baseline, and each setting that it
            tuned may go back to what it was. SPACE is then the name of the new space.
        extend: Allow more seeds, levels or factors than the study was started with.
        allow_drift: Allow other code or package versions than the study was started with.
        planned: A YAML file of comparisons, written down before the first run.
        dry_run: Print the runs, what they cost and how long they will take, and run nothing.
    """
    from ablations.designs.spaces import load_space

    if around is None:
        asked = load_space(space, assignments(set_))
    else:
        asked = _around(around, name=folder_name(space), changes=set_, root=how.root)
    check_executor(how)
    if how.storage is not None:
        from ablations.engine.records.storage import check_storage_url

        check_storage_url(how.storage)
    comparisons = _planned(planned)
    wanted = search_for(search, is_search=design == "search", seeds=seeds)
    if wanted is not None:
        from ablations.studies.adaptive_search import refuse_stacked_search

        refuse_stacked_search(how.stack)
    name = folder_name(asked.name if study is None else study)
    if comparisons is not None:
        _refuse_undecidable(comparisons, asked, design=design)
    rule = rule_for(stop, planned=comparisons, seeds=seeds)
    if rule is not None:
        refuse_misfit(
            rule, asked, design=design_name(design), extend=extend, budget_hours=stop.budget_hours
        )
    most_seeds = seeds if rule is None else rule.max_seeds
    if dry_run:
        _print_plan(
            asked, design=design, seeds=most_seeds, search=wanted, path=how.root / name, where=how
        )
        if rule is not None:
            print("These are the runs at most: a comparison that is settled gets no further seeds.")
        return
    most = _runs_at_most(asked, seeds=most_seeds, search=wanted)
    with ready_executor(how, train=asked.about.train, runs=most) as make:
        from ablations.studies import study as studies

        for note in asked.about.notes(asked.baseline):
            print(note)
        summary = studies.run(
            asked,
            study=name,
            design=design_name(design),
            seeds=seeds,
            search=wanted,
            extend=extend,
            allow_drift=allow_drift,
            planned=comparisons,
            retry=retry,
            trust=trust,
            until=rule,
            change_rule=stop.change_rule,
            budget_hours=stop.budget_hours,
            root=how.root,
            execution=execution(how, make),
        )
    if rule is not None and summary.complete:
        print_lines(what_is_open(how.root / name))
    _conclude(summary, root=how.root, name=name, is_search=design == "search")


def confirm(
    study: str,
    /,
    *,
    top: Whole = 4,
    seeds: Whole = 5,
    at: At = (),
    dry_run: Flag = False,
    trust: Trust = False,
    how: ContinuingOptions = AS_IT_BEGAN,
) -> None:
    """Confirm a study's best arms with fresh seeds, unpruned; only these runs conclude.

    Args:
        study: Name or folder of the study.
        top: How many of its best arms; the baseline is always among the arms.
        seeds: Fresh seeds for each arm.
        dry_run: Print the arms, the seeds and how long they will take, and run nothing.
    """
    path = find_study(how.root, study)
    _refuse_untrusted(path, trust=trust)
    if dry_run:
        _print_confirmation(path, top=top, seeds=seeds, at=assignments(at) or None, how=how)
        return
    with ready_executor(how, train=_train_of(path), runs=max(1, (top + 1) * seeds)) as make:
        from ablations.studies import study as studies

        _print_unfinished(path, at=at)
        summary = studies.confirm(
            path.name,
            top=top,
            seeds=seeds,
            at=assignments(at) or None,
            trust=trust,
            root=path.parent,
            execution=execution(how, make),
        )
    _conclude(summary, root=path.parent, name=path.name)


def _refuse_untrusted(path: Path, *, trust: bool) -> None:
    """Before the study's space is made: that alone can import what it names."""
    from ablations.engine.records.folder import StudyFolder
    from ablations.studies.trust import refuse_untrusted

    refuse_untrusted(StudyFolder.open(path), trust=trust)


def _around(study: str, *, name: str, changes: tuple[str, ...], root: Path) -> "Space":
    """The space around a search's winner."""
    from ablations.engine.records.folder import StudyFolder
    from ablations.studies.around import around

    if changes:
        raise SettingError(
            "`--set` changes the settings of a space, but with --around they are the winner's. Leave it out."
        )
    return around(StudyFolder.open(find_study(root, study)), name=name)


def _train_of(path: Path) -> str:
    """The import path of what trains the runs of a study."""
    from ablations.designs.space import Space
    from ablations.engine.records.folder import StudyFolder

    return Space(**StudyFolder.open(path).declaration()["space"]).about.train


def _print_plan(
    space: "Space",
    *,
    design: Design,
    seeds: int | None,
    search: "Search | None",
    path: Path,
    where: ExecutorOptions,
) -> None:
    """The runs, what they cost and how long they will take."""
    from ablations.cli.words.estimate_text import print_estimate
    from ablations.cli.words.space_text import print_space

    print_space(space, design=design_name(design), seeds=seeds)
    print_estimate(
        space,
        design=design_name(design),
        seeds=seeds,
        search=search,
        path=path,
        workers=where.workers,
        gpus_per_run=where.gpus_per_run,
        local=where.executor == "local",
    )


def _print_confirmation(
    path: Path, *, top: int, seeds: int, at: dict[str, Any] | None, how: ContinuingOptions
) -> None:
    """The arms that would be confirmed, their fresh seeds and the time."""
    from ablations.cli.words.estimate_text import print_time
    from ablations.designs.space import Space
    from ablations.engine.records.folder import StudyFolder
    from ablations.studies.confirmation import confirm_runs

    folder = StudyFolder.open(path)
    planned = confirm_runs(folder, top=top, seeds=seeds, at=at)
    fresh = sorted({run.seed for run in planned})
    labels = dict.fromkeys(run.label for run in planned)
    named = str(fresh[0]) if len(fresh) == 1 else f"{fresh[0]} to {fresh[-1]}"
    print(f"{len(labels)} arms x {len(fresh)} fresh seeds ({named}) = {len(planned)} runs")
    for label in labels:
        print(f"  {label}")
    print_time(
        planned,
        subject=Space(**folder.declaration()["space"]).about,
        folder=folder,
        workers=how.workers,
        gpus_per_run=how.gpus_per_run,
        local=how.executor == "local",
    )


def _print_unfinished(path: Path, *, at: tuple[str, ...]) -> None:
    """One line where a confirmation was interrupted: it goes on, whatever numbers are given now.

    Raises:
        SettingError: If an arm was named, which would not be confirmed.
    """
    from ablations.engine.records.folder import StudyFolder
    from ablations.studies.confirmation import unfinished_confirm

    arms, left = unfinished_confirm(StudyFolder.open(path))
    if left and at:
        raise SettingError(
            f"`--set` names another arm, but a confirmation of {arms} arm{'s' * (arms != 1)} was interrupted. Give the "
            "command without it first, which ends that one."
        )
    if left:
        print(
            f"Going on with a confirmation that was interrupted: {arms} arm{'s' * (arms != 1)}, "
            f"{left} fresh seed{'s' * (left != 1)}. "
            "For other numbers give the command again afterwards."
        )


def _planned(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    from analysis.planned.comparisons import load_comparisons

    return load_comparisons(path).declared


def _refuse_undecidable(comparisons: dict[str, Any], space: "Space", *, design: Design) -> None:
    from ablations.designs.expand import expand
    from ablations.studies.planned_comparisons import refuse_planned_search, refuse_undecidable

    if design == "search":
        refuse_planned_search(comparisons)
    refuse_undecidable(comparisons, expand(space, design=design_name(design)).arms)


def _conclude(summary: "Summary", *, root: Path, name: str, is_search: bool = False) -> None:
    """One line on how the study stands and what to do next; the exit code says it too."""
    counts = {
        "complete": summary.complete,
        "pruned": summary.pruned,
        "failed": summary.failed,
        "to do": summary.waiting,
    }
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    if not told:
        print(f"{root / name}: nothing was run.")
        raise SystemExit(summary.exit_code)
    next_step = f"Read it with: ablate report {as_named(root / name)}"
    if is_search:
        next_step = f"A search proposes; conclude with: ablate confirm {as_named(root / name)}"
    if summary.waiting:
        next_step = "The same command goes on from here."
    print(f"{root / name}: {told}. {next_step}")
    if summary.exit_code:
        raise SystemExit(summary.exit_code)


def _runs_at_most(space: "Space", *, seeds: int | None, search: "Search | None") -> int:
    """Runs of the largest design, before what is illegal or the same is taken out."""
    if search is not None:
        return search.trials * search.seeds
    count = space.seeds if seeds is None else seeds
    return math.prod(len(factor.levels) for factor in space.factors) * max(1, count)
