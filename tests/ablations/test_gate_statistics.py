import json
from pathlib import Path

import pytest
import torch

from ablations.examples import Examples
from ablations.gate_statistics import GateRecorder, gates_of, variances
from ablations.module import AttentionClassifier
from ablations.settings import Arm, Attention, Run, Training
from ablations.training import train

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
    assert [g.shape[1] for _, g, _ in found] == [16, 32, 64]
    assert all(((g > 0) & (g < 1)).all() for _, g, _ in found)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert net.training
    assert not any("gates" in vars(module) for module in net.modules())


def test_the_gradient_at_a_gate_is_that_of_the_loss() -> None:
    net = network(reduction=4).double()
    x, block = X.double(), next(m for n, m in net.named_modules() if n.endswith("attention"))
    (_, g, gradient), *_ = gates_of(net, Examples(x, Y))
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
    assert gradient[2, 3].item() == pytest.approx(numeric, rel=1e-5)


def test_a_run_records_its_gates_without_changing_a_number(tmp_path: Path) -> None:
    def run(*, record: bool) -> Run:
        recipe = Training(epochs=2, warmup_epochs=0, batch_size=128, record_gates=record)
        return Run(arm=Arm(attention=Attention(reduction=4), training=recipe), seed=0)

    path = tmp_path / "gates.jsonl"
    assert train(run(record=True), gates=path) == train(run(record=False))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["epoch"] for line in lines} == {2}
    assert [line["stage"] for line in lines] == ["16 channels", "32 channels", "64 channels"]
    images = sum(sum(counts) for counts in lines[0]["counts"].values()) / 16
    assert images == int(0.02 * 2 * 1257)


def test_a_network_without_attention_has_no_gates() -> None:
    assert gates_of(network(placement="none"), Examples(X, Y)) == []


def test_the_recorder_keeps_within_its_budget() -> None:
    val = Examples(X.repeat(50, 1, 1, 1), Y.repeat(50))
    for epochs in (1, 5, 30, 200):
        recorder = GateRecorder(
            Path("unused"), gate="sigmoid", val=val, epochs=epochs, train_examples=1000
        )
        assert len(recorder.sample) * len(recorder.epochs) <= 0.02 * epochs * 1000
        assert max(recorder.epochs) == epochs


def test_an_unbounded_gate_has_a_histogram_that_loses_nothing(tmp_path: Path) -> None:
    val = Examples(X, Y)
    recorder = GateRecorder(
        tmp_path / "g", gate="softplus", val=val, epochs=1, train_examples=10**6
    )
    recorder.record(network(reduction=4, gate="softplus"), 1)
    line = json.loads((tmp_path / "g").read_text().splitlines()[0])
    assert sum(sum(counts) for counts in line["counts"].values()) == 12 * 16
