"""Commands that plan, run and watch studies: spaces, show, run, confirm, status, reproduce."""

import json as json_format
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from ablations.cli.arguments import (
    ROOT,
    Flag,
    Json,
    Root,
    Set,
    assignments,
    find_study,
    folder_name,
)
from ablations.cli.executors import Kind, ready_executor, refuse_stack
from ablations.errors import SettingError

if TYPE_CHECKING:
    from ablations.adaptive_search import Search
    from ablations.cli.executors import MakeExecutor
    from ablations.engine.summary import Summary
    from ablations.space import Space
    from ablations.study import Execution

Design = Literal["grid", "loco", "one-in", "fractional", "zip", "search"]
At = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        help="Instead of --top: one arm, as attention.reduction=6, beside its nearest tested levels; "
        "repeatable.",
    ),
]
Wandb = Literal["offline", "online", "disabled"]
Slurm = Annotated[
    tuple[str, ...],
    Parameter(name="--slurm", help="A job's parameter, as partition=gpu; repeatable."),
]


def spaces() -> None:
    """The presets, one line each."""
    from ablations.spaces import presets

    for name, space in presets().items():
        factors = ", ".join(factor.name for factor in space.factors)
        print(f"{name:<14} {space.question}  [{factors}]")


def show(
    space: str,
    /,
    *,
    design: Design = "grid",
    seeds: int | None = None,
    verify: Flag = False,
    set_: Set = (),
) -> None:
    """A space: its baseline, factors, arms and runs, and what cannot be built and why.

    Args:
        space: A preset, a .yaml or .py file, or package.module:name.
        design: How the space becomes a list of runs.
        seeds: Seeds, each a block of all arms; the space's own number by default.
        verify: Also build each arm, and show what it changes of the baseline's network.
    """
    from ablations.cli.space_text import print_space
    from ablations.spaces import load_space

    asked = load_space(space, assignments(set_))
    print_space(asked, design=_name(design), seeds=seeds)
    if verify:
        from ablations.cli.cost import print_verified

        print_verified(asked, design=_name(design))


def run(
    space: str,
    /,
    *,
    study: str | None = None,
    design: Design = "grid",
    seeds: int | None = None,
    set_: Set = (),
    extend: Flag = False,
    allow_drift: Flag = False,
    planned: Path | None = None,
    dry_run: Flag = False,
    trials: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    objectives: tuple[str, ...] | None = None,
    max_params: int | None = None,
    per_arm: str | None = None,
    executor: Kind = "local",
    workers: int | None = None,
    gpus_per_run: float = 1.0,
    stack: int = 1,
    address: str | None = None,
    minutes: int = 24 * 60,
    slurm: Slurm = (),
    wandb: Wandb = "offline",
    storage: str | None = None,
    wait: Flag = False,
    root: Root = ROOT,
) -> None:
    """Run a study. Interrupt it at any time: the same command goes on where it stopped.

    Args:
        space: A preset, a .yaml or .py file, or package.module:name.
        study: Name of the study; the space's name by default.
        design: How the space becomes a list of runs; `search` lets Optuna choose arms.
        seeds: Seeds, each a block of all arms; the space's own number, and 1 in a search.
        extend: Allow more seeds, levels or factors than the study was started with.
        allow_drift: Allow other code or package versions than the study was started with.
        planned: A YAML file of comparisons, written down before the first run.
        dry_run: Print the runs, what they cost and how long they will take, and run nothing.
        trials: Of a search: arms that it may try, complete or pruned; 30 by default.
        sampler: Of a search: tpe (by default), gp, cma-es, qmc, random, nsga-ii.
        pruner: Of a search: none, median (by default), percentile, asha, hyperband, wilcoxon; with several
            objectives none, which is then the default.
        objectives: Of a search: val_loss (by default), val_accuracy, params, macs, latency, ...; repeatable.
        max_params: Of a search: arms with more parameters are infeasible.
        per_arm: Of a search: a factor whose levels each get a search of their own, equally long.
        executor: Where runs are placed: local, ray or slurm.
        workers: Runs at a time, or stacks of them; every GPU, or every core, by default. Slurm needs it: jobs.
        gpus_per_run: 0.25 shares a GPU among four runs, 2 gives each run two.
        stack: Runs, best seeds of one arm, that each worker trains in step as one wider network;
            docs/execution.md.
        address: Of a Ray cluster; one is started on this machine without it.
        minutes: Time limit of a Slurm job; it may be shorter than the study.
        wandb: Where W&B's view goes; offline writes files only.
        storage: An Optuna storage URL for the index; the study's own journal by default.
        wait: Wait where another process runs the study, instead of saying so.
    """
    from ablations.spaces import load_space

    asked = load_space(space, assignments(set_))
    given = {
        "trials": trials,
        "sampler": sampler,
        "pruner": pruner,
        "objectives": objectives,
        "max_params": max_params,
        "per_arm": per_arm,
    }
    refuse_stack(stack, kind=executor, gpus_per_run=gpus_per_run)
    search = _search(given, is_search=design == "search", seeds=seeds)
    if search is not None:
        from ablations.adaptive_search import refuse_stacked_search

        refuse_stacked_search(stack)
    if dry_run:
        from ablations.cli.estimate_text import print_estimate
        from ablations.cli.space_text import print_space

        print_space(asked, design=_name(design), seeds=seeds)
        print_estimate(
            asked,
            design=_name(design),
            seeds=seeds,
            search=search,
            path=root / folder_name(study or asked.name),
            workers=workers,
            gpus_per_run=gpus_per_run,
            local=executor == "local",
        )
        return
    name = folder_name(study or asked.name)
    with ready_executor(
        executor,
        runs=_runs_at_most(asked, seeds=seeds, search=search),
        workers=workers,
        gpus_per_run=gpus_per_run,
        stack=stack,
        address=address,
        minutes=minutes,
        slurm=assignments(slurm, option="--slurm"),
    ) as make:
        from ablations import study as studies

        summary = studies.run(
            asked,
            study=name,
            design=_name(design),
            seeds=seeds,
            search=search,
            extend=extend,
            allow_drift=allow_drift,
            planned=_planned(planned),
            root=root,
            execution=_execution(make, wandb, stack=stack, storage=storage, wait=wait),
        )
    _conclude(summary, root=root, name=name, is_search=design == "search")


def confirm(
    study: str,
    /,
    *,
    top: int = 4,
    seeds: int = 5,
    at: At = (),
    executor: Kind = "local",
    workers: int | None = None,
    gpus_per_run: float = 1.0,
    stack: int = 1,
    address: str | None = None,
    minutes: int = 24 * 60,
    slurm: Slurm = (),
    wandb: Wandb = "offline",
    storage: str | None = None,
    wait: Flag = False,
    root: Root = ROOT,
) -> None:
    """Confirm a study's best arms with fresh seeds, unpruned; only these runs conclude.

    Args:
        study: A study.
        top: How many of its best arms; the baseline is always among the arms.
        seeds: Fresh seeds for each arm.
        at: Instead of --top: one arm, as attention.reduction=6, beside its nearest tested levels.
        executor: Where runs are placed: local, ray or slurm.
        workers: Runs at a time, or stacks of them; every GPU, or every core, by default. Slurm needs it: jobs.
        gpus_per_run: 0.25 shares a GPU among four runs, 2 gives each run two.
        stack: Runs, best seeds of one arm, that each worker trains in step as one wider network;
            docs/execution.md.
        address: Of a Ray cluster; one is started on this machine without it.
        minutes: Time limit of a Slurm job; it may be shorter than the study.
        wandb: Where W&B's view goes; offline writes files only.
        storage: An Optuna storage URL for the index; the one that the study was started with by default.
        wait: Wait where another process runs the study, instead of saying so.
    """
    path = find_study(root, study)
    with ready_executor(
        executor,
        runs=max(1, (top + 1) * seeds),
        workers=workers,
        gpus_per_run=gpus_per_run,
        stack=stack,
        address=address,
        minutes=minutes,
        slurm=assignments(slurm, option="--slurm"),
    ) as make:
        from ablations import study as studies
        from ablations.confirmation import unfinished_confirm
        from ablations.engine.folder import StudyFolder

        arms, left = unfinished_confirm(StudyFolder.open(path))
        if left:
            print(
                f"Going on with a confirmation that was interrupted: {arms} arm{'s' * (arms != 1)}, "
                f"{left} fresh seed{'s' * (left != 1)}. "
                "For other numbers give the command again afterwards."
            )
        summary = studies.confirm(
            path.name,
            top=top,
            seeds=seeds,
            at=assignments(at) or None,
            root=path.parent,
            execution=_execution(make, wandb, stack=stack, storage=storage, wait=wait),
        )
    _conclude(summary, root=path.parent, name=path.name)


def status(study: str, /, *, json: Json = False, root: Root = ROOT) -> None:
    """How far a study is: runs done, running, failed; the best arm; time left.

    Args:
        study: Name or folder of the study; it may be running.
    """
    from ablations.engine.folder import StudyFolder
    from ablations.engine.status import status as read_status

    now = read_status(StudyFolder.open(find_study(root, study)))
    if json:
        print(json_format.dumps(now.to_json(), indent=1))
        return
    from ablations.cli.status_text import print_status

    print_status(now)


def reproduce(study: str, run: str, /, *, device: str = "cpu", root: Root = ROOT) -> None:
    """Train one run again and say whether the result is equal to the last bit.

    Args:
        study: A study.
        run: Id of a complete run, or the beginning of one.
        device: cpu, cuda:0, ...
    """
    from ablations.engine.folder import StudyFolder
    from ablations.reproduction import reproduce as train_again

    done = train_again(StudyFolder.open(find_study(root, study)), run, device=device)
    for name, was in done.stored.items():
        print(f"{name:<13} {was!r:<22} {done.again[name]!r}")
    for change in done.conditions:
        print(f"not as it was: {change}")
    print(f"run {done.run}: {'equal' if done.equal else 'NOT equal'}")
    if not done.equal:
        raise SystemExit(1)


def _search(given: Mapping[str, Any], *, is_search: bool, seeds: int | None) -> "Search | None":
    """The search that the words ask for; None for another design, which takes none of them."""
    named = {name: value for name, value in given.items() if value is not None}
    if not is_search:
        if named:
            option = "--" + next(iter(named)).replace("_", "-")
            raise SettingError(f"`{option}` belongs to a search: add --design search.")
        return None
    from ablations.adaptive_search import Search

    return Search(**named) if seeds is None else Search(**named, seeds=seeds)


def _planned(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    from analysis.comparisons import load_comparisons

    comparisons = load_comparisons(path)
    return {"planned": comparisons.content, "planned_hash": comparisons.hash}


def _execution(
    executor: "MakeExecutor",
    wandb: Wandb,
    *,
    stack: int,
    storage: str | None = None,
    wait: bool = False,
) -> "Execution":
    import optuna

    from ablations.engine.progress import make_progress
    from ablations.study import Execution

    # The progress display says what runs; Optuna's own lines would go through it.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return Execution(
        executor=executor,
        stack=stack,
        wandb=wandb,
        progress=make_progress(),
        storage=storage,
        wait=wait,
    )


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
    next_step = f"Read it with: ablate report {name}"
    if is_search:
        next_step = f"A search proposes; conclude with: ablate confirm {name}"
    if summary.waiting:
        next_step = "The same command goes on from here."
    print(f"{root / name}: {told}. {next_step}")
    if summary.exit_code:
        raise SystemExit(summary.exit_code)


def _runs_at_most(space: "Space", *, seeds: int | None, search: "Search | None") -> int:
    """Runs of the largest design, before what is illegal or the same is taken out."""
    if search is not None:
        return search.trials * search.seeds
    block = space.seeds if seeds is None else seeds
    return math.prod(len(factor.levels) for factor in space.factors) * max(1, block)


def _name(design: str) -> str:
    return design.replace("-", "_")
