import math
from typing import get_args

import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.squeezes import EPSILON, FUNCTIONS, MODULES, make_squeeze
from ablations.subjects.attention.settings import choices

# One image, one channel, four positions.
MAP = torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64).reshape(1, 1, 2, 2)


def squeezed(name: str, x: torch.Tensor = MAP, power: float = 3.0) -> list[float]:
    return make_squeeze(name, channels=1, power=power)(x).flatten().tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("avg", [3]),
        ("max", [6]),
        ("avg_max", [4.5]),
        ("avg_max_mlp", [3, 6]),
        ("concat", [3, 6]),
        ("gem", [((1 + 8 + 27 + 216) / 4) ** (1 / 3)]),
        ("lp", [((1 + 8 + 27 + 216) / 4 + EPSILON) ** (1 / 3)]),
        ("l2", [math.sqrt(1 + 4 + 9 + 36 + EPSILON)]),
        ("lse", [math.log(sum(math.exp(3 * x) for x in (1, 2, 3, 6)) / 4) / 3]),
        ("std", [math.sqrt((4 + 1 + 0 + 9) / 4 + EPSILON)]),
        ("avg_std", [3, math.sqrt(14 / 4 + EPSILON)]),
    ],
)
def test_squeezes_by_hand(name, expected):
    assert squeezed(name) == pytest.approx(expected, rel=1e-6)


def test_every_known_squeeze_has_code():
    assert {*FUNCTIONS, *MODULES} == set(get_args(choices.Squeeze))


def test_attention_pooling_is_a_softmax_over_positions():
    pool = MODULES["attention"](1, 1.0).double()
    with torch.no_grad():
        pool.score.weight.fill_(0.5)
    weights = [math.exp(0.5 * x) for x in (1, 2, 3, 6)]
    expected = sum(w * x for w, x in zip(weights, (1, 2, 3, 6), strict=True)) / sum(weights)
    assert pool(MAP).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", ["max", "avg_max", "gem", "lse", "attention"])
def test_on_a_constant_map_all_means_are_the_average(name):
    x = torch.full((1, 1, 3, 3), 2.5)
    assert squeezed(name, x) == pytest.approx(squeezed("avg", x), rel=1e-5)


def test_one_peak_is_diluted_by_the_average_and_kept_by_the_maximum():
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 1, 2] = 8.0
    assert (squeezed("avg", x), squeezed("max", x)) == ([0.5], [8.0])


def test_the_average_reaches_every_pixel_with_the_same_gradient():
    x = torch.randn(1, 1, 3, 5, requires_grad=True)
    FUNCTIONS["avg"](x).sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 1 / 15))


def test_the_maximum_splits_its_gradient_between_ties():
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    FUNCTIONS["max"](x).sum().backward()
    assert x.grad.flatten().tolist() == [0.25, 0.25, 0.25, 0.25]


@pytest.mark.parametrize("name", ["lp", "l2", "std", "gem"])
def test_gradients_are_finite_on_a_map_of_zeros(name):
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    make_squeeze(name, channels=1, power=3.0)(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_log_sum_exp_goes_from_the_mean_to_the_maximum():
    assert squeezed("lse", power=1e-4)[0] == pytest.approx(3, abs=1e-3)
    assert squeezed("lse", power=1e3)[0] == pytest.approx(6, abs=1e-2)


@pytest.mark.parametrize("name", ["std", "avg_std"])
def test_a_deviation_over_one_position_is_refused(name):
    with pytest.raises(
        SettingError,
        match=r"^a standard deviation needs more than one position, but the map is 1x1\. Use another",
    ):
        squeezed(name, torch.ones(2, 1, 1, 1))


def test_lp_of_power_one_is_the_mean_of_absolute_values_exactly():
    x = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(make_squeeze("lp", channels=3, power=1.0)(x), x.abs().mean((2, 3)))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("scale", [300.0, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *MODULES} - {"none"}))
def test_statistics_in_half_precision_are_those_of_single(
    name: str, dtype: torch.dtype, scale: float, masked: bool
) -> None:
    torch.manual_seed(0)
    squeeze = make_squeeze(name, channels=4, power=3.0)
    mask = torch.arange(400).expand(2, 400) < 390 if masked else None
    x = (scale * torch.rand(2, 4, 400)).to(dtype).requires_grad_()
    given = [mask] if masked else []
    with torch.no_grad():
        wanted = squeeze(x.float(), *given)
    if isinstance(squeeze, torch.nn.Module):
        squeeze = squeeze.to(dtype)
    z = squeeze(x, *given)
    z.float().sum().backward()
    assert z.dtype == dtype
    assert x.grad.isfinite().all()
    torch.testing.assert_close(z.float(), wanted, rtol=0.02, atol=1e-4)
