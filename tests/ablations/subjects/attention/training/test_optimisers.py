import pytest
import torch
from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.cost import columns
from ablations.subjects.attention.settings.groups import Arm, Training
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


@pytest.mark.integration
def test_lamb_takes_the_papers_first_step() -> None:
    pytest.importorskip("pytorch_optimizer")
    recipe = Training(optimizer="lamb", learning_rate=0.1, weight_decay=0.5)
    # m = 0.1, v = 0.001, without correction of their beginnings: m/sqrt(v) = 3.162; + 0.5*2 = 4.162; the trust
    # ratio 2/4.162 makes a step of 0.1*2, whatever the gradient.
    assert stepped(recipe) == pytest.approx((1.8, 1.8), abs=1e-5)


@pytest.mark.integration
def test_muon_moves_inner_matrices_by_orthogonal_steps_and_adamw_the_rest() -> None:
    pytest.importorskip("pytorch_optimizer")
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, bias=False), nn.Flatten(), nn.Linear(8, 4)
    )  # fmt: skip
    recipe = Training(optimizer="muon", learning_rate=0.1, weight_decay=0.0, momentum=0.9)
    optimiser = make_optimiser(network, recipe)
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    for weight in network.parameters():
        weight.grad = torch.randn_like(weight)
    optimiser.step()
    moved = {name: weight.detach() - before[name] for name, weight in network.named_parameters()}
    # The step of a matrix is orthogonal: 0.1 * 0.2 * sqrt(72), and singular values of 0.7 to 1.2 of five iterations.
    step = 0.1 * 0.2 * 72**0.5
    values = torch.linalg.svdvals(moved.pop("2.weight").flatten(1)) / step
    assert ((values > 0.6) & (values < 1.3)).all()
    # The first step of AdamW is the rate for every number, and so is that of the first and the last matrix.
    for change in moved.values():
        assert torch.allclose(change.abs(), torch.full_like(change, 0.1), rtol=1e-4)


def test_an_optimiser_of_a_package_that_is_missing_is_refused_before_the_first_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(columns, "find_spec", lambda name: None)
    arm = Arm(training=Training(optimizer="lamb"))
    with pytest.raises(
        SettingError, match=r"needs the package pytorch-optimizer: pip install 'abl"
    ):
        columns.columns_of(arm)
