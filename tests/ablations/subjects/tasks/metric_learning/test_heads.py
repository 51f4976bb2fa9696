"""The margin losses against their papers' formulas, by hand."""

import math

import pytest
import torch

from ablations import SettingError
from ablations.subjects.tasks.metric_learning.heads import MarginHead, added_angle
from ablations.subjects.tasks.metric_learning.module import Embedder

S = 2.0
THETA = math.pi / 3, math.pi / 6
"""Between an embedding at 60 degrees and the centres at 0 and 90."""


def head(name: str, **more: float) -> MarginHead:
    made = MarginHead(2, 2, head=name, scale=S, **more)
    with torch.no_grad():
        made.centres.copy_(torch.tensor([[5.0, 0.0], [0.0, 0.1]]))  # their lengths do not count
    return made


def loss_of(right: float, other: float) -> float:
    return math.log(1 + math.exp(other - right))


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("norm_softmax", math.cos(THETA[0])),
        ("cosface", math.cos(THETA[0]) - 0.35),
        ("arcface", math.cos(THETA[0] + 0.5)),
    ],
)
@pytest.mark.parametrize("length", [1.0, 7.0])
def test_a_loss_is_the_papers_at_an_angle(name: str, right: float, length: float) -> None:
    z_nd = length * torch.tensor([[math.cos(THETA[0]), math.sin(THETA[0])]])
    found = head(name)(z_nd, torch.tensor([0])).item()
    assert found == pytest.approx(loss_of(S * right, S * math.cos(THETA[1])), rel=1e-5)


def test_a_margin_of_ones_own_takes_the_place_of_the_papers() -> None:
    z_nd = torch.tensor([[math.cos(THETA[0]), math.sin(THETA[0])]])
    found = head("arcface", margin=0.2)(z_nd, torch.tensor([0])).item()
    right, other = S * math.cos(THETA[0] + 0.2), S * math.cos(THETA[1])
    assert found == pytest.approx(loss_of(right, other), rel=1e-5)


def test_the_added_angle_falls_on_to_the_far_side() -> None:
    theta = torch.linspace(0, math.pi, 1001, dtype=torch.float64)
    logit = added_angle(theta.cos(), 0.5)
    assert (logit.diff() < 0).all()
    near = theta < math.pi - 0.5
    torch.testing.assert_close(logit[near], (theta[near] + 0.5).cos(), atol=1e-5, rtol=0)


def test_a_gradient_is_finite_where_an_embedding_is_its_centre() -> None:
    z_nd = torch.tensor([[1.0, 0.0]], requires_grad=True)
    head("arcface")(z_nd, torch.tensor([0])).backward()
    assert torch.isfinite(z_nd.grad).all()


def sampled(rate: float, seed: int) -> tuple[float, set[int]]:
    """The loss, and the classes whose centres got a gradient."""
    torch.manual_seed(0)
    made = MarginHead(8, 50, sample_rate=rate, scale=8.0)
    z_nd, y_n = torch.randn(6, 8), torch.tensor([3, 7, 3, 9, 7, 3])
    torch.manual_seed(seed)
    loss = made(z_nd, y_n)
    loss.backward()
    return loss.item(), set(made.centres.grad.abs().sum(1).nonzero()[:, 0].tolist())


def test_a_step_sees_its_own_classes_and_a_draw_of_the_others() -> None:
    _, seen = sampled(0.2, seed=1)
    assert {3, 7, 9} <= seen
    assert len(seen) == 10
    assert sampled(0.2, seed=1)[1] == seen
    assert sampled(0.2, seed=2)[1] != seen
    assert sampled(0.01, seed=1)[1] == {3, 7, 9}
    assert len(sampled(1.0, seed=1)[1]) == 50


def test_a_share_of_fewer_classes_has_a_smaller_loss() -> None:
    assert sampled(0.2, seed=1)[0] < sampled(1.0, seed=1)[0]


@pytest.mark.parametrize("name", ["norm_softmax", "cosface", "arcface"])
def test_all_classes_sampled_are_the_whole_head(name: str) -> None:
    draws = torch.Generator().manual_seed(0)
    z_nd, y_n = torch.randn(6, 8, generator=draws), torch.tensor([3, 7, 3, 9, 7, 3])
    found = []
    # 0.999 of 50 classes are 50: the way of the sample, and no class left out.
    for rate in (1.0, 0.999):
        torch.manual_seed(0)
        made = MarginHead(8, 50, head=name, sample_rate=rate, scale=8.0).double()
        z = z_nd.double().requires_grad_()
        loss = made(z, y_n)
        found.append((loss, *torch.autograd.grad(loss, (z, made.centres))))
    torch.testing.assert_close(found[1], found[0])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"head": "arface"}, r"`head` must be one of .*, but got 'arface'\. Did you mean 'arcface'\?"),
        ({"head": "norm_softmax", "margin": 0.1}, r"`head='norm_softmax'` has no margin, but got 0\.1\."),
        ({"margin": -0.1}, r"`0 <= margin < pi` must hold, but got -0\.1\."),
        ({"scale": 0}, r"`scale > 0` must hold, but got 0\."),
        ({"sample_rate": 0}, r"`0 < sample_rate <= 1` must hold, but got 0\."),
    ],
)  # fmt: skip
def test_an_illegal_head_is_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        MarginHead(2, 2, **given)


def test_more_identities_than_the_head_has_are_refused() -> None:
    with pytest.raises(
        SettingError, match=r"2 identities, but the data to train on have 5 or more: set"
    ):
        head("arcface")(torch.randn(2, 2), torch.tensor([0, 4]))


def test_images_of_other_channels_are_refused() -> None:
    with pytest.raises(
        SettingError,
        match=r"takes images of 1 channels, but the data's have 3: set `model\.channels=3`",
    ):
        Embedder(width=4)(torch.zeros(2, 3, 8, 8))
