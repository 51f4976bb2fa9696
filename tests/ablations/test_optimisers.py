import pytest
import torch

from ablations.optimisers import OPTIMISERS, warmup_cosine
from ablations.settings import Training


def test_the_schedule_rises_to_one_and_falls_to_zero() -> None:
    factor = warmup_cosine(steps=10, warmup=4)
    assert [factor(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert factor(4) == 1.0
    assert factor(7) == pytest.approx(0.5)
    assert factor(10) == pytest.approx(0.0)


def test_sgd_takes_the_textbook_nesterov_step() -> None:
    w = torch.nn.Parameter(torch.tensor([2.0]))
    recipe = Training(learning_rate=0.1, momentum=0.9, weight_decay=0.5)
    step = OPTIMISERS["sgd"]([w], recipe)
    w.grad = torch.tensor([1.0])
    step.step()
    # gradient 1 + 0.5*2 = 2; Nesterov: 2 + 0.9*2 = 3.8; w = 2 - 0.1*3.8
    assert w.item() == pytest.approx(1.62)


def test_the_recipe_names_its_optimiser() -> None:
    adam = OPTIMISERS["adamw"]([torch.nn.Parameter(torch.ones(1))], Training(optimizer="adamw"))
    assert isinstance(adam, torch.optim.AdamW)
