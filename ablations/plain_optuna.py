"""A space in a plain Optuna program, without a study's folder: `study.optimize(objective(space))`."""

from collections.abc import Callable

from optuna import Trial, TrialPruned

from ablations.designs.expand import PlannedArm
from ablations.designs.search import propose
from ablations.epoch_watch import NonFinite
from ablations.errors import SettingError
from ablations.settings import Run
from ablations.space import Space
from ablations.training import train


def objective(
    space: Space, *, seeds: tuple[int, ...] = (0,), device: str = "cpu"
) -> Callable[[Trial], float]:
    """A space as an objective for a plain Optuna program: `study.optimize(objective(space), n_trials=50)`.

    A trial is an arm; its value is the mean validation loss (nats per image) of the last epoch over
    the seeds. Each epoch of the first seed is reported, so pruners work; the trial's user attributes
    name its levels, its arm and its parameters. A trial whose levels make no legal network, or whose
    training diverges, is pruned, so that one of them does not end the program.
    """

    def evaluate(trial: Trial) -> float:
        try:
            arm = propose(trial, space)
        except SettingError as error:
            raise TrialPruned(str(error)) from None
        trial.set_user_attr("arm", arm.id)
        trial.set_user_attr("params", arm.cost["params"])
        try:
            return _mean_loss(arm, trial, seeds=seeds, device=device)
        except NonFinite as error:
            raise TrialPruned(str(error)) from None

    return evaluate


def _mean_loss(arm: PlannedArm, trial: Trial, *, seeds: tuple[int, ...], device: str) -> float:
    def report(record: dict[str, float]) -> None:
        trial.report(record["val_loss"], int(record["epoch"]))
        is_last = record["epoch"] == arm.arm.training.epochs
        if not is_last and trial.should_prune():
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
