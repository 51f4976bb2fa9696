"""A space in a plain Optuna program."""

from collections.abc import Callable
from typing import Any

from optuna import Trial, TrialPruned

from ablations.designs.expand import planned_run
from ablations.designs.search import propose
from ablations.designs.space import Space
from ablations.engine.worker.here import train_here
from ablations.errors import NonFinite, SettingError


def objective(
    space: Space, *, seeds: tuple[int, ...] = (0,), device: str = "cpu"
) -> Callable[[Trial], float]:
    """A space as an objective for a plain Optuna program: `study.optimize(objective(space), n_trials=50)`.

    A trial is an arm; its value is the mean of the space's metric (validation loss, in nats per image, for
    attention) over the seeds. Each epoch of the first seed is reported, so pruners work; the trial's user
    attributes name its levels, its arm, its seed (or seeds) and its parameters. A trial whose levels make no legal
    network, or whose training diverges, is pruned, so that one of them does not end the program.
    """
    import torch

    about = space.about

    def evaluate(trial: Trial) -> float:
        try:
            arm = propose(trial, space)
        except SettingError as error:
            raise TrialPruned(str(error)) from None
        trial.set_user_attr("arm", arm.id)
        # A proposal that comes again with the same seed is the same result: readers must be able to see it.
        of_one = len(seeds) == 1
        trial.set_user_attr("seed" if of_one else "seeds", seeds[0] if of_one else list(seeds))
        if "params" in arm.cost:
            trial.set_user_attr("params", arm.cost["params"])

        def report(record: dict[str, Any]) -> None:
            trial.report(record[about.metric], int(record["epoch"]))
            is_last = record["epoch"] == about.epochs(arm.arm)
            if not is_last and trial.should_prune():
                raise TrialPruned

        def value(seed: int) -> float:
            planned = planned_run(arm, seed=seed, stage="search")
            measured = train_here(
                about.train,
                planned.settings,
                run=planned.run,
                device=device,
                threads=torch.get_num_threads(),
                **({"on_epoch": report} if seed == seeds[0] else {}),
            )
            return float(measured[about.metric])

        try:
            return sum(map(value, seeds)) / len(seeds)
        except NonFinite as error:
            raise TrialPruned(str(error)) from None

    return evaluate
