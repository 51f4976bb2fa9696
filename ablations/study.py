"""Studies from Python, with the command line's names: show, run, status, objective.

In a notebook: `run(load_space("reduction"), study="first")`, then `analysis.report.build.write_report`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ablations.declaration import Declaration, additions, conflicts, declare
from ablations.designs.expand import Expansion, PlannedArm, expand, refuse_illegal, runs
from ablations.designs.search import propose
from ablations.engine.folder import StudyFolder
from ablations.engine.index import Index
from ablations.engine.local import LocalExecutor
from ablations.engine.slots import find_slots
from ablations.engine.source import PlannedSource
from ablations.engine.supervisor import Summary, execute
from ablations.errors import StudyError
from ablations.plan import Stage
from ablations.settings import Run
from ablations.space import Space
from ablations.tracking.wandb_tracker import Mode, WandbTracker

if TYPE_CHECKING:
    from optuna import Trial

    from ablations.engine.executor import Executor
    from ablations.engine.progress import Progress

ROOT = Path("runs")
"""Where studies lie, beside the user's own files."""


def show(space: Space, *, design: str = "grid") -> Expansion:
    """The arms of a design over a space, with what is illegal or folded, and why."""
    return expand(space, design=design)


def objective(
    space: Space, *, seeds: tuple[int, ...] = (0,), device: str = "cpu"
) -> Callable[["Trial"], float]:
    """A space as an objective for a plain Optuna program: `study.optimize(objective(space), n_trials=50)`.

    A trial is an arm; its value is the mean validation loss (nats per image) of the last epoch over
    the seeds. Each epoch of the first seed is reported, so pruners work; the trial's user attributes
    name its levels, its arm and its parameters.

    Raises:
        SettingError: Inside the study, if a trial's levels do not make a legal network.
    """
    # Optuna and Lightning take seconds to import, and `show` needs neither.
    from optuna import TrialPruned

    from ablations.training import train

    def evaluate(trial: "Trial") -> float:
        arm: PlannedArm = propose(trial, space)
        trial.set_user_attr("arm", arm.id)
        trial.set_user_attr("params", arm.cost["params"])

        def report(record: dict[str, float]) -> None:
            trial.report(record["val_loss"], int(record["epoch"]))
            if trial.should_prune():
                raise TrialPruned

        losses = [
            train(
                Run(arm=arm.arm, seed=seed),
                device=device,
                on_epoch=report if seed == seeds[0] else None,
            ).val_loss
            for seed in seeds
        ]
        return sum(losses) / len(losses)

    return evaluate


def run(
    space: Space,
    *,
    study: str | None = None,
    design: str = "grid",
    seeds: int | None = None,
    extend: bool = False,
    root: Path = ROOT,
    executor: "Executor | None" = None,
    wandb: Mode = "offline",
    progress: "Progress | None" = None,
) -> Summary:
    """Run a study to its end, or go on with one that was interrupted; the call is the same.

    Args:
        space: What varies.
        study: Name of the study and of its folder; the space's name by default.
        design: `grid`, `loco`, `one_in`, `fractional`, `zip`.
        seeds: Number of seeds, counted from 0; the space's own number by default.
        extend: Allow a study to be given more seeds, levels or factors than it was started with.
        root: Where studies lie.
        executor: Where runs are placed; this machine's GPUs or cores by default.
        wandb: `offline` writes files only, `online` sends too, `disabled` does nothing.
        progress: What the user sees; nothing by default.

    Raises:
        SettingError: If the space does not fit the design or the network.
        StudyError: If the study in that folder is another one, or cannot be written.
    """
    expansion = expand(space, design=design)
    refuse_illegal(space, expansion)
    block = list(range(space.seeds if seeds is None else seeds))
    name = study or space.name
    declared = declare(space, expansion.arms[0], study=name, design=design, seeds=block)
    folder = open_or_create(root / name, declared, extend=extend)
    return execute(
        folder,
        PlannedSource(runs(expansion.arms, seeds=block, stage=cast(Stage, design))),
        executor=executor or LocalExecutor(find_slots()),
        tracker=WandbTracker(folder.path, wandb),
        progress=progress,
        index=Index(folder.journal_file, study=name, warn=folder.event),
    )


def open_or_create(path: Path, declared: Declaration, *, extend: bool) -> StudyFolder:
    """The study's folder, if what it holds and what is asked for are one study.

    Raises:
        StudyError: If they differ; says in what, and what to do.
    """
    if not (path / "study.json").exists():
        return StudyFolder.create(path, declared)
    folder = StudyFolder.open(path)
    stored = folder.study()
    if different := conflicts(stored, declared):
        listed = "\n".join(f"  {line}" for line in different)
        raise StudyError(
            f"the study {path} is another one; it differs from what was asked for:\n{listed}\n"
            "Give the study another name with --study, or ask for the same."
        )
    new = additions(stored, declared)
    if new and not extend:
        listed = "\n".join(f"  {line}" for line in new)
        raise StudyError(
            f"the study {path} was started without:\n{listed}\n"
            "Add --extend to run these too; the report will say that they were added."
        )
    if new:
        extensions = [*stored.get("extensions", []), {"at": _now(), "added": new}]
        folder.rewrite_study({**stored, **declared, "extensions": extensions})
    return folder


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
