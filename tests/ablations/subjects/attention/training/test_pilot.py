from itertools import count
from typing import Any

import pytest
import torch

from ablations.designs.expand import expand, runs
from ablations.designs.space import Space
from ablations.studies.estimate import estimate
from ablations.subjects.attention.settings.groups import Arm
from ablations.subjects.attention.training import pilot as module
from ablations.subjects.attention.training.pilot import ExamplePace, pace

SPACE = Space(
    name="three",
    question="?",
    baseline={"attention": {"reduction": 4}, "training": {"epochs": 2, "warmup_epochs": 1}},
    factors=[{"name": "attention.reduction", "levels": [1, 4, 16]}],
    seeds=2,
)
WANTED = runs(expand(SPACE).arms, seeds=range(2), stage="grid")


def test_without_runs_the_pace_lies_between_the_cheapest_and_the_costliest_arm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = sorted({run.cost["macs"] for run in WANTED})
    timed = []

    def fake(arm: Arm, *, macs: int, device: str) -> ExamplePace:
        timed.append(macs)
        return ExamplePace(macs=macs, train=1.0 if macs == costs[0] else 3.0, val=0.0)

    monkeypatch.setattr(module, "pace", fake)
    found = estimate(WANTED, subject=SPACE.about, folder=None, slots=1)
    assert timed == [costs[0], costs[-1]]
    # Digits: 1258 images in training, 2 epochs, 2 seeds; the middle arm by its cost.
    share = (costs[1] - costs[0]) / (costs[2] - costs[0])
    assert found.shortest == 2 * 1258
    assert found.longest == 2 * 1258 * 3
    assert found.total == pytest.approx(2 * 2 * 1258 * (1 + 3 + 1 + 2 * share))


def test_a_pace_is_the_seconds_of_a_step_and_of_a_validation_for_each_example(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = count()
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(ticks)))
    found = pace(Arm.model_validate({"training": {"batch_size": 32}}), macs=7, device="cpu")
    # One second between two looks at the clock; the 539 validation images are one batch.
    assert found == ExamplePace(macs=7, train=1 / 32, val=1 / 539)


@pytest.mark.parametrize(
    ("precision", "kind"), [("32", torch.float32), ("bf16-mixed", torch.bfloat16)]
)
def test_a_pace_is_taken_in_the_precision_of_the_runs(
    precision: str, kind: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    forward = module.AttentionClassifier.forward

    def watched(self: Any, x: torch.Tensor, *mask: torch.Tensor) -> torch.Tensor:
        logits = forward(self, x, *mask)
        seen.add((logits.dtype, self.training))
        return logits

    monkeypatch.setattr(module.AttentionClassifier, "forward", watched)
    monkeypatch.setattr(module, "MOST_STEPS", 1)
    pace(Arm.model_validate({"training": {"precision": precision}}), macs=7, device="cpu")
    assert seen == {(kind, True), (kind, False)}
