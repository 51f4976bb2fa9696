"""Commands that plan, run and watch studies: spaces, show, run, status."""

import json as json_format
from typing import TYPE_CHECKING, Literal

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

if TYPE_CHECKING:
    from ablations.space import Space

Design = Literal["grid", "loco", "one-in", "fractional", "zip", "search"]


def spaces() -> None:
    """The presets, one line each."""
    from ablations.spaces import presets

    for name, space in presets().items():
        factors = ", ".join(factor.name for factor in space.factors)
        print(f"{name:<12} {space.question}  [{factors}]")


def show(
    space: str, /, *, design: Design = "grid", seeds: int | None = None, set_: Set = ()
) -> None:
    """A space: its baseline, factors, arms and runs, and what cannot be built and why.

    Args:
        space: A preset, a .yaml or .py file, or package.module:name.
        design: How the space becomes a list of runs.
        seeds: Seeds, each a block of all arms; the space's own number by default.
    """
    from ablations.cli.space_text import print_space
    from ablations.spaces import load_space

    print_space(_changed(load_space(space), set_), design=_name(design), seeds=seeds)


def run(
    space: str,
    /,
    *,
    study: str | None = None,
    design: Design = "grid",
    seeds: int | None = None,
    set_: Set = (),
    extend: Flag = False,
    dry_run: Flag = False,
    workers: int | None = None,
    gpus_per_run: float = 1.0,
    wandb: Literal["offline", "online", "disabled"] = "offline",
    root: Root = ROOT,
) -> None:
    """Run a study. Interrupt it at any time: the same command goes on where it stopped.

    Args:
        space: A preset, a .yaml or .py file, or package.module:name.
        study: Name of the study; the space's name by default.
        design: How the space becomes a list of runs.
        seeds: Seeds, each a block of all arms; the space's own number by default.
        extend: Allow more seeds, levels or factors than the study was started with.
        dry_run: Print the runs and what they cost, and run nothing.
        workers: Runs at a time; every GPU, or every core, by default.
        gpus_per_run: 0.25 shares a GPU among four runs, 2 gives each run two.
        wandb: Where W&B's view goes; offline writes files only.
    """
    from ablations.engine.progress import make_progress
    from ablations.spaces import load_space

    asked = _changed(load_space(space), set_)
    if dry_run:
        from ablations.cli.space_text import print_space

        print_space(asked, design=_name(design), seeds=seeds)
        return
    from ablations.engine.local import LocalExecutor
    from ablations.engine.slots import find_slots
    from ablations.study import run as run_study

    name = study or asked.name
    summary = run_study(
        asked,
        study=folder_name(name),
        design=_name(design),
        seeds=seeds,
        extend=extend,
        root=root,
        executor=LocalExecutor(find_slots(workers=workers, gpus_per_run=gpus_per_run)),
        wandb=wandb,
        progress=make_progress(),
    )
    ended = f"{summary.complete} complete, {summary.failed} failed, {summary.waiting} to do"
    print(f"{root / name}: {ended}. Read it with: ablate report {name}")
    if summary.exit_code:
        raise SystemExit(summary.exit_code)


def status(study: str, /, *, json: Json = False, root: Root = ROOT) -> None:
    """How far a study is: runs done, running, failed; the best arm; time left."""
    from ablations.engine.folder import StudyFolder
    from ablations.engine.status import status as read_status

    now = read_status(StudyFolder.open(find_study(root, study)))
    if json:
        print(json_format.dumps(now.to_json(), indent=1))
        return
    from ablations.cli.status_text import print_status

    print_status(now)


def _changed(space: "Space", pairs: tuple[str, ...]) -> "Space":
    """The space with its baseline changed as `--set` says."""
    from ablations.settings import with_values
    from ablations.space import Space

    if not pairs:
        return space
    base = with_values(space.baseline, assignments(pairs))
    return Space(**{**space.model_dump(), "baseline": base})


def _name(design: str) -> str:
    return design.replace("-", "_")
