import pytest
import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LinearLR, MultiStepLR, OneCycleLR, ReduceLROnPlateau

from ablations.subjects.attention.settings.groups import Training
from ablations.subjects.attention.training.schedules import make_schedule, warmup_cosine

STEPS = 40


def optimiser() -> Optimizer:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def rates(recipe: Training) -> list[float]:
    """The learning rate of each step."""
    with_ = optimiser()
    return walked(make_schedule(with_, recipe, steps=STEPS), with_)


def walked(schedule, with_: Optimizer) -> list[float]:
    found = []
    for _ in range(STEPS):
        found.append(with_.param_groups[0]["lr"])
        with_.step()
        schedule.step()
    return found


def test_the_schedule_rises_to_one_and_falls_to_zero() -> None:
    factor = warmup_cosine(steps=10, warmup=4)
    assert [factor(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert factor(4) == 1.0
    assert factor(7) == pytest.approx(0.5)
    assert factor(10) == pytest.approx(0.0)


def test_steps_are_torchs() -> None:
    recipe = Training(epochs=8, warmup_epochs=0, schedule="step", decay_at="3,6", decay_factor=0.2)
    with_ = optimiser()
    theirs = walked(MultiStepLR(with_, milestones=[15, 30], gamma=0.2), with_)
    assert rates(recipe) == pytest.approx(theirs)


def test_one_cycle_is_torchs() -> None:
    recipe = Training(epochs=4, warmup_epochs=1, schedule="one_cycle")
    with_ = optimiser()
    # torch reaches the top one step earlier, at the last step of the warm-up.
    theirs = walked(
        OneCycleLR(with_, max_lr=1.0, total_steps=STEPS + 1, pct_start=11 / (STEPS + 1),
                   cycle_momentum=False), with_)  # fmt: skip
    assert rates(recipe) == pytest.approx(theirs)


def test_a_line_falls_to_zero_and_a_constant_does_not() -> None:
    with_ = optimiser()
    line = walked(LinearLR(with_, start_factor=1.0, end_factor=0.0, total_iters=STEPS), with_)
    recipe = Training(epochs=4, warmup_epochs=0, schedule="linear")
    assert rates(recipe) == pytest.approx(line)
    assert set(rates(Training(epochs=4, warmup_epochs=0, schedule="constant"))) == {1.0}


@pytest.mark.parametrize("schedule", ["cosine", "linear", "step", "constant"])
def test_every_schedule_warms_up(schedule: str) -> None:
    recipe = Training(epochs=4, warmup_epochs=1, schedule=schedule, decay_at="2")  # type: ignore[arg-type]
    assert rates(recipe)[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])


def test_a_plateau_is_torchs() -> None:
    recipe = Training(warmup_epochs=0, schedule="plateau", decay_factor=0.5, patience=2)
    made = make_schedule(optimiser(), recipe, steps=STEPS)
    assert isinstance(made, ReduceLROnPlateau)
    assert (made.factor, made.patience, made.mode) == (0.5, 2, "min")
