"""How the networks of our tasks learn."""

from types import SimpleNamespace

import torch
from torch import nn

from ablations.subjects.tasks.schedule import cosine


class Learner(nn.Sequential):
    """What `cosine` takes of a LightningModule."""

    trainer = SimpleNamespace(estimated_stepping_batches=6)


def steps(**options: object) -> tuple[list[float], torch.Tensor]:
    """The rates of six steps, and the weights after them."""
    torch.manual_seed(0)
    module = Learner(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 3))
    made = cosine(module, rate=0.01, decay=0.1)  # type: ignore[arg-type]
    optimiser, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]  # type: ignore[index,call-overload]
    for group in optimiser.param_groups:
        group.update(options)
    rates = []
    for _ in range(6):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.zero_grad()
        module(torch.rand(5, 1, 8, 8)).square().sum().backward()
        optimiser.step()
        schedule.step()
    return rates, torch.cat([p.detach().flatten() for p in module.parameters()])


def test_all_parameters_together_step_bit_for_bit_as_one_by_one() -> None:
    assert torch.equal(steps()[1], steps(foreach=False)[1])


def test_the_rate_falls_as_a_half_cosine_and_only_weights_decay() -> None:
    rates, weights = steps()
    assert rates[0] == 0.01
    assert rates[3] == 0.005
    assert rates == sorted(rates, reverse=True)
    assert not torch.equal(weights, steps(weight_decay=0.0)[1])
    made = cosine(Learner(nn.BatchNorm2d(4), nn.Linear(4, 3)), rate=0.01, decay=0.1)  # type: ignore[arg-type]
    decayed = [group["weight_decay"] for group in made["optimizer"].param_groups]  # type: ignore[index,call-overload]
    sizes = [len(group["params"]) for group in made["optimizer"].param_groups]  # type: ignore[index,call-overload]
    assert (decayed, sizes) == ([0.1, 0.0], [1, 3])
