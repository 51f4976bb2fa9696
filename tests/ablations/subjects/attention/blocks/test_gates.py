from typing import get_args

import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.blocks.gates import GATES, make_gate, start
from ablations.subjects.attention.settings import choices
from ablations.subjects.attention.settings.groups import Attention

# name, g(0), g'(0), largest slope, range
FACTS = [
    ("sigmoid", 0.5, 0.25, 0.25, (0, 1)),
    ("hard_sigmoid", 0.5, 1 / 6, 1 / 6, (0, 1)),
    ("tanh", 0.0, 1.0, 1.0, (-1, 1)),
    ("one_plus_tanh", 1.0, 1.0, 1.0, (0, 2)),
    ("two_sigmoid", 1.0, 0.5, 0.5, (0, 2)),
    ("one_plus_sigmoid", 1.5, 0.25, 0.25, (1, 2)),
    ("softplus", 0.6931471805599453, 0.5, 1.0, (0, torch.inf)),
    ("identity", 0.0, 1.0, 1.0, (-torch.inf, torch.inf)),
]


@pytest.mark.parametrize(("name", "at_zero", "slope", "largest", "limits"), FACTS)
def test_start_slope_and_range(name, at_zero, slope, largest, limits):
    v = torch.linspace(-9, 9, 1801, dtype=torch.float64, requires_grad=True)
    g = GATES[name].function(v)
    (slopes,) = torch.autograd.grad(g.sum(), v)
    assert g[900].item() == pytest.approx(at_zero, abs=1e-12)
    assert slopes[900].item() == pytest.approx(slope, abs=1e-7)
    assert slopes.max().item() == pytest.approx(largest, rel=1e-3)
    assert GATES[name].at_zero == pytest.approx(at_zero)
    assert limits == (GATES[name].low, GATES[name].high)
    assert limits[0] <= g.min()
    assert g.max() <= limits[1]


def test_every_known_gate_has_code():
    assert set(GATES) == set(get_args(choices.Gate))


def test_one_plus_tanh_is_twice_the_sigmoid_of_twice_the_logit():
    v = torch.linspace(-20, 20, 999, dtype=torch.float64)
    torch.testing.assert_close(
        GATES["one_plus_tanh"].function(v), 2 * torch.sigmoid(2 * v), rtol=0, atol=1e-15
    )


def test_softmax_gates_sum_to_the_number_of_channels():
    g = GATES["softmax"].function(torch.randn(5, 7, dtype=torch.float64))
    torch.testing.assert_close(g.sum(dim=1), torch.full((5,), 7.0, dtype=torch.float64))


def test_relu_is_dead_below_zero():
    v = torch.tensor([-2.0, 3.0], requires_grad=True)
    GATES["relu"].function(v).sum().backward()
    assert v.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("name", [name for name, gate in GATES.items() if gate.inverse])
def test_the_inverse_undoes_the_gate(name):
    logit = GATES[name].inverse(GATES[name].function(torch.tensor(0.7)).item())
    assert logit == pytest.approx(0.7, abs=1e-5)


@pytest.mark.parametrize("name", ["sigmoid", "hard_sigmoid", "one_plus_sigmoid", "softplus"])
def test_unit_gain_starts_at_one_with_the_gates_own_shape(name):
    v = torch.linspace(-2, 2, 5, dtype=torch.float64)
    matched = make_gate(Attention(gate=name, gain="unit"), channels=5)(v)
    assert matched[2] == pytest.approx(1)
    ratio = matched / GATES[name].function(v)
    torch.testing.assert_close(ratio, ratio[:1].expand(5))
    assert start(Attention(gate=name, gain="unit"), channels=5) == pytest.approx(1)


def test_unit_gain_of_a_gate_that_starts_at_zero_is_refused():
    with pytest.raises(
        SettingError, match=r"^`gain='unit'` divides by g\(0\), which is 0 for `gate='tanh'`"
    ):
        Attention(gate="tanh", gain="unit")
