import pytest
import torch
from torch import nn

from ablations.subjects.attention.settings.groups import Training
from ablations.subjects.attention.training.optimisers import make_optimiser


class Weight(nn.Module):
    """A network of one host weight and one of attention, both 2."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([2.0]))
        self.attention = nn.ParameterDict({"w": nn.Parameter(torch.tensor([2.0]))})


def stepped(recipe: Training) -> tuple[float, float]:
    """The host's and the attention's weight after one step with a gradient of 1."""
    network = Weight()
    optimiser = make_optimiser(network, recipe)
    for weight in network.parameters():
        weight.grad = torch.tensor([1.0])
    optimiser.step()
    return network.w.item(), network.attention["w"].item()


def test_sgd_takes_the_textbook_nesterov_step() -> None:
    recipe = Training(learning_rate=0.1, momentum=0.9, weight_decay=0.5)
    # gradient 1 + 0.5*2 = 2; Nesterov: 2 + 0.9*2 = 3.8; w = 2 - 0.1*3.8
    assert stepped(recipe) == pytest.approx((1.62, 1.62))


def test_attention_has_its_own_rate_and_decay() -> None:
    recipe = Training(
        learning_rate=0.1, momentum=0.0, weight_decay=0.5,
        attention_learning_rate=3, attention_weight_decay=0,
    )  # fmt: skip
    # host: 2 - 0.1*(1 + 0.5*2); attention: 2 - 0.3*1
    assert stepped(recipe) == pytest.approx((1.8, 1.7))


def test_the_recipe_names_its_optimiser() -> None:
    assert isinstance(make_optimiser(Weight(), Training(optimizer="adamw")), torch.optim.AdamW)


def test_norms_and_biases_have_their_own_decay() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    made = make_optimiser(network, Training(weight_decay=0.5, norm_weight_decay=0.1))
    decays = {len(group["params"]): group["weight_decay"] for group in made.param_groups}
    assert decays == {1: 0.5, 3: pytest.approx(0.05)}


def test_rmsprop_takes_the_textbook_step() -> None:
    recipe = Training(optimizer="rmsprop", learning_rate=0.1, momentum=0.0, weight_decay=0.0)
    # gradient 1: the average square is 0.1; w = 2 - 0.1*1/(sqrt(0.1) + 0.001)
    assert stepped(recipe) == pytest.approx((2 - 0.1 / (0.1**0.5 + 1e-3),) * 2)
