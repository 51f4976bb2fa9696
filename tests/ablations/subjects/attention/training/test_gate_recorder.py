import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.settings.groups import Arm, Attention, Run, Training
from ablations.subjects.attention.training.gate_recorder import GateRecorder
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.run import train

X = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(12) % 3


def network(**attention) -> torch.nn.Module:
    return AttentionClassifier(in_channels=1, classes=3, seed=0, **attention).network


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


def test_the_recorder_keeps_within_its_budget() -> None:
    val = Examples(X.repeat(50, 1, 1, 1), Y.repeat(50))
    for epochs in (1, 5, 30, 200):
        recorder = GateRecorder(Path("unused"), val=val, epochs=epochs, train_examples=1000)
        assert len(recorder.sample) * len(recorder.epochs) <= 0.02 * epochs * 1000
        assert max(recorder.epochs) == epochs


def test_an_unbounded_gate_has_a_histogram_that_loses_nothing(tmp_path: Path) -> None:
    val = Examples(X, Y)
    recorder = GateRecorder(tmp_path / "g", val=val, epochs=1, train_examples=10**6)
    recorder.record(network(reduction=4, gate="softplus"), 1)
    line = json.loads((tmp_path / "g").read_text().splitlines()[0])
    assert sum(sum(counts) for counts in line["counts"].values()) == 12 * 16


@pytest.mark.parametrize(
    "settings",
    [{"control": "constant"}, {"kind": "global_context", "reduction": 4}, {"placement": "none"}],
)
def test_a_network_without_a_gate_writes_no_file_and_says_so_once(
    settings: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gates.jsonl"
    recorder = GateRecorder(path, val=Examples(X, Y), epochs=5, train_examples=10**6)
    for epoch in range(1, 6):
        recorder.record(network(**settings), epoch)
    assert not path.exists()
    assert [record.getMessage()[:23] for record in caplog.records] == ["No gates are recorded: "]
