import pytest
import torch

from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.recording.looking import gates_of, variances
from ablations.subjects.attention.training.module import AttentionClassifier

X = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(12) % 3


def network(**attention) -> torch.nn.Module:
    return AttentionClassifier(in_channels=1, classes=3, seed=0, **attention).network


def test_the_variances_between_and_within_classes_sum_to_the_whole() -> None:
    g = torch.tensor([[0.0], [2.0], [4.0], [6.0]])
    # Class means 1 and 5 around 3: between 4; within each class variance 1.
    assert variances(g, torch.tensor([0, 0, 1, 1])) == (4.0, 1.0)


def test_gates_that_follow_the_class_have_no_variance_within() -> None:
    y = torch.arange(30) % 3
    between, within = variances(torch.stack([y * 0.1, y * 0.3], dim=1), y)
    assert within == pytest.approx(0, abs=1e-12)
    assert between > 0


def test_the_gates_are_those_of_the_forward_pass_and_nothing_is_left_behind() -> None:
    net = network(reduction=4)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    found = gates_of(net, Examples(X, Y))
    assert [look.g_nc.shape[1] for look in found] == [16, 32, 64]
    assert all(((look.g_nc > 0) & (look.g_nc < 1)).all() for look in found)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert net.training
    assert not any("gates" in vars(module) for module in net.modules())


def test_the_gradient_at_a_gate_is_that_of_the_loss() -> None:
    net = network(reduction=4).double()
    x, block = X.double(), next(m for n, m in net.named_modules() if n.endswith("attention"))
    look, *_ = gates_of(net, Examples(x, Y))
    g = look.g_nc
    real = type(block).gates

    def loss(nudge: float) -> float:
        moved = torch.zeros_like(g)
        moved[2, 3] = nudge
        block.fused = False
        block.gates = lambda x, mask=None: (real(block, x, mask)[0] + moved, None)
        with torch.no_grad():
            value = torch.nn.functional.cross_entropy(net.eval()(x), Y).item()
        del block.gates
        return value

    numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5
    # The numeric one is of the mean over 12 examples, the look's of the example's own loss.
    assert look.gradient_nc[2, 3].item() == pytest.approx(12 * numeric, rel=1e-5)
    assert look.gradient_norm == pytest.approx(float(look.gradient_nc.norm()) / 12)


def test_large_samples_pass_in_parts_and_give_the_same() -> None:
    net, some = network(reduction=4).double(), Examples(X.double(), Y)
    whole, many = (
        gates_of(net, some),
        gates_of(net, Examples(some.x.repeat(50, 1, 1, 1), Y.repeat(50))),
    )
    for one, other in zip(whole, many, strict=True):
        assert torch.allclose(other.g_nc[-12:], one.g_nc)
        assert torch.allclose(other.gradient_nc[-12:], one.gradient_nc)


def test_a_network_without_attention_has_no_gates() -> None:
    assert gates_of(network(placement="none"), Examples(X, Y)) == []
