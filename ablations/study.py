"""Studies from Python, with the command line's names: show, run, status, objective.

In a notebook: `run(load_space("reduction"), study="first")`, then `analysis.report.build.write_report`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ablations.designs.expand import Expansion, PlannedArm, expand
from ablations.designs.search import propose
from ablations.settings import Run
from ablations.space import Space

if TYPE_CHECKING:
    from optuna import Trial


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
