"""What the gates of a task are judged by: its logits, where it has any."""

import json
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch

from ablations.subjects.attention.attach.attach import attach
from ablations.subjects.attention.recording import channels
from ablations.subjects.attention.recording.own_data import record_module
from ablations.subjects.attention.settings.groups import Attention
from ablations.subjects.tasks.metric_learning.module import Embedder
from ablations.subjects.tasks.transformers.module import TokenClassifier


@pytest.mark.parametrize(
    ("module", "at", "judged"),
    [
        (Embedder(width=4, embedding=16), "network.layer?.*.bn2", False),
        (TokenClassifier(width=4), "network.layers.?.mixing", True),
    ],
)
def test_a_channel_is_worth_what_the_logits_lose_without_it(
    module: pl.LightningModule,
    at: str,
    judged: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "LEAST_BUDGET", 16)
    x, y = (
        torch.rand(12, 1, 8, 8),
        torch.arange(12) % 4 + 6,
    )  # an embedding of 16 has the form of logits
    attach(module, at=at, attention=Attention(reduction=4), example=x[:2])
    record_module(
        module, [[x, y]], tmp_path, passes=lambda net, batch: net.validation_step(batch, 0),
        epoch=1, trained=12, beat=lambda: None,
    )  # fmt: skip
    found = json.loads((tmp_path / "channels.json").read_text())
    assert [("usefulness" in block) for block in found["blocks"]] == [judged] * len(found["blocks"])
    assert list(found["blocks"][0]["gate"]) == ["all", "6", "7", "8", "9"]
    assert ("gives a logit for each class" in found["missing"]) is not judged
