from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ablations.subjects.attention.blocks.controls import StaticGate
from ablations.subjects.attention.claims.planted import learnt_gates
from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.recording.watching import gated_blocks
from ablations.subjects.attention.recording.worth import Usefulness, drops, usefulness


def nothing() -> None:
    pass


class Planted(nn.Module):
    """A static gate over six channels; the logits of two classes are their weighted sum and its opposite."""

    WEIGHTS = torch.tensor([2.0, 1.0, 0.5, 0.0, -0.5, -1.0])
    """The first three carry the class, the fourth nothing, the last two the opposite of it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = StaticGate(6, torch.sigmoid)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        v = (self.gate(x).mean((2, 3)) * self.WEIGHTS).sum(1)
        return torch.stack([-v, v], dim=1)


def planted(n: int = 40) -> tuple[Planted, Examples]:
    y = torch.arange(n) % 2
    return Planted(), Examples((2.0 * y - 1)[:, None, None, None].expand(n, 6, 2, 2).clone(), y)


def measured(network: nn.Module, examples: Examples, budget: int) -> Usefulness:
    blocks = gated_blocks(network)
    (name,) = blocks
    found = usefulness(
        network, examples, {name: examples.x.shape[1]}, blocks, budget=budget, beat=nothing
    )
    return found[name]


def test_the_usefulness_is_the_rise_of_the_loss_without_the_channel() -> None:
    network, examples = planted()
    found = measured(network, examples, 10**4)
    # Every example has v = +-sum(w) / 2, so its loss is softplus(-sum(w)), without channel c softplus(w_c - sum(w)).
    w = Planted.WEIGHTS
    expected = F.softplus(-(w.sum() - w)) - F.softplus(-w.sum())
    assert found.mean_c.tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert found.error_c.tolist() == pytest.approx([0.0] * 6, abs=1e-6)
    assert found.mean_c.sign().tolist() == [1, 1, 1, 0, -1, -1]


def test_a_small_budget_measures_an_equal_share_and_says_which() -> None:
    network, examples = planted()
    found = measured(network, examples, 3 * 16)
    assert (~found.mean_c.isnan()).tolist() == [True, False, True, False, False, True]


def test_noise_channels_are_useless_and_informative_ones_useful_after_learning() -> None:
    network, x, y = learnt_gates(0)
    head = network[-1]
    two = nn.Linear(8, 2)
    with torch.no_grad():  # the same decision, as a logit for each class
        two.weight.copy_(torch.cat([-head.weight, head.weight]) / 2)
        two.bias.copy_(torch.cat([-head.bias, head.bias]) / 2)
    network[-1] = two
    examples = Examples(x[:400], y[:400].long())
    found = measured(network, examples, 10**5)
    assert (found.mean_c[:4] > 5 * found.error_c[:4]).all()
    assert found.mean_c[4:].max() < 0.2 * found.mean_c[:4].min()
    blocks = gated_blocks(network)
    gates = {name: block.gates(examples.x)[0].mean(0) for name, block in blocks.items()}
    left = {(d.order, d.share): d for d in drops(network, examples, gates, blocks, beat=nothing)}
    assert left["", 0.0].accuracy > 0.99
    assert left["most", 0.5].accuracy == pytest.approx(0.5, abs=0.1)  # all that carry the class
    assert left["least", 0.5].accuracy > 0.99
    assert left["most", 0.5].loss > left["most", 0.25].loss > left["", 0.0].loss


def test_of_few_channels_at_least_one_is_dropped_and_ties_go_by_place() -> None:
    network, examples = planted()
    blocks = gated_blocks(network)
    equal = {"gate": torch.full((6,), 0.5)}
    found = drops(network, examples, equal, blocks, beat=nothing)
    losses = {(d.order, d.share): d.loss for d in found}
    without_first = float(F.softplus(-(Planted.WEIGHTS.sum() - 2)))
    assert losses["most", 0.01] == pytest.approx(without_first, abs=1e-6)
    assert losses["least", 0.01] == pytest.approx(without_first, abs=1e-6)


class Twice(Planted):
    """A second gate over the same channels."""

    def __init__(self) -> None:
        super().__init__()
        self.second = StaticGate(6, torch.sigmoid)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(self.second(x))


def test_channels_are_ranked_within_their_block_whatever_its_level() -> None:
    _, examples = planted()
    network = Twice()
    low, high = torch.linspace(0.2, 0.1, 6), torch.tensor([0.8, 0.9, *[0.7] * 4])
    opened = {"gate": low, "second": high}
    found = drops(network, examples, opened, gated_blocks(network), beat=nothing)
    losses = {(d.order, d.share): d.loss for d in found}
    # Each gate halves: the loss is softplus(-sum(w) / 2). Without the first channel of one, the second of the other.
    w = Planted.WEIGHTS
    expected = float(F.softplus(-(w.sum() - w[0] - w[1]) / 2))
    assert losses["most", 0.01] == pytest.approx(expected, abs=1e-6)


def test_the_network_is_left_as_it_was(tmp_path: Path) -> None:
    network, examples = planted()
    network.train()
    measured(network, examples, 10**3)
    assert network.training
    assert "gates" not in vars(network.gate)
