"""A study folder with known truth and no training: for tests of reading, and for timing the report.

    python benchmarks/synthetic_study.py runs/made-up --seeds 5

Losses are L0 + kappa r^2 / 2 + the seed's shift + noise; a missing attention block costs `rise`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

CHANNELS = (16, 16, 16, 32, 32, 32, 64, 64, 64)
BASE_PARAMS = 272_474


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the made-up losses follow."""

    level: float = 0.10
    kappa: float = 4e-4
    rise: float = 0.06
    """Loss of no attention above `level`."""
    gate: float = 0.004
    """Loss of the gate `one_plus_tanh` above the sigmoid's."""
    seed_sd: float = 0.004
    noise: float = 0.003


def write_study(
    folder: Path,
    *,
    ratios: Iterable[int] = (2, 4, 8, 16),
    gates: Iterable[str] = ("sigmoid",),
    extra: int = 0,
    seeds: int = 5,
    epochs: int = 12,
    truth: Truth | None = None,
    states: Mapping[tuple[str, int], str] | None = None,
    stage: str = "grid",
    control: bool = True,
    begun: bool = True,
    random: int = 0,
) -> Path:
    """Write a study by `docs/study-folder.md` and return its folder.

    Args:
        folder: Where; its name is the study's.
        ratios: Levels of `attention.reduction`; the last is the baseline's.
        gates: Levels of `attention.gate`; the first is the baseline's.
        extra: Levels of `training.learning_rate` beyond the baseline's, to make large studies.
        seeds: Number of seeds, each a block of all arms.
        epochs: Planned epochs.
        truth: What the losses follow.
        states: (label, seed) -> `FAILED`, `PRUNED`, `RUNNING` or `WAITING` instead of COMPLETE.
        stage: The stage of all runs.
        control: Whether there is an arm without attention.
        begun: Whether its runs are there; without them the study can be run.
        random: Seed of the noise.
    """
    ratios, gates, truth, states = list(ratios), list(gates), truth or Truth(), states or {}
    draw = np.random.default_rng(random)
    (folder / "runs").mkdir(parents=True)
    rates = [0.1 * 0.9**i for i in range(extra + 1)]
    arms = [_arm(r, g, rate) for rate in rates for g in gates for r in ratios]
    if control:
        bare = {"attention.reduction": None, "attention.gate": None}
        arms.append({**arms[0], **bare, "attention.placement": "none"})
    baseline = _arm(ratios[-1], gates[0], 0.1)
    levels = {
        "attention.reduction": ratios,
        "attention.gate": gates,
        "training.learning_rate": rates,
    }
    factors = {name: values for name, values in levels.items() if len(values) > 1}
    names = [*(factors or levels), *(["attention.placement"] if control else [])]
    shifts = draw.normal(0, truth.seed_sd, seeds)
    lines = []
    for arm in arms:
        label = _label(arm, baseline)
        for seed in range(seeds):
            line = _planned(arm, label, seed, stage, epochs, factors=names)
            lines.append(line)
            state = states.get((label, seed), "COMPLETE")
            value = _truth(arm, truth) + shifts[seed] + draw.normal(0, truth.noise)
            if begun:
                _write_run(folder / "runs" / line["run"], line, state, float(value), epochs)
    (folder / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "study.json").write_text(
        json.dumps(_study(folder.name, factors, baseline, arms, seeds, names), indent=1)
    )
    return folder


def _arm(reduction: int, gate: str, rate: float) -> dict[str, Any]:
    return {
        "attention.reduction": reduction,
        "attention.gate": gate,
        "training.learning_rate": rate,
        "attention.placement": "standard",
    }


def _label(arm: dict[str, Any], baseline: dict[str, Any]) -> str:
    if arm["attention.reduction"] is None:
        return "no attention"
    different = [
        f"{name.rsplit('.', 1)[1]}={value:.3g}" if isinstance(value, float) else
        f"{name.rsplit('.', 1)[1]}={value}"
        for name, value in arm.items()
        if value != baseline[name]
    ]  # fmt: skip
    return ", ".join(different) or f"reduction={arm['attention.reduction']}"


def _arm_id(arm: dict[str, Any]) -> str:
    name = "a-" + "-".join(
        "none" if v is None else f"{v:g}" if isinstance(v, float) else str(v) for v in arm.values()
    )
    # An id is a folder's name: a level that is an import path cannot stand in it.
    return (
        name
        if len(name) < 60 and ":" not in name
        else f"a-{sha256(name.encode()).hexdigest()[:10]}"
    )


def _truth(arm: dict[str, Any], truth: Truth) -> float:
    r = arm["attention.reduction"]
    if r is None:
        return truth.level + truth.rise
    gate = truth.gate if arm["attention.gate"] == "one_plus_tanh" else 0.0
    return (
        truth.level + truth.kappa * r * r / 2 + gate + 0.02 * (0.1 - arm["training.learning_rate"])
    )


def _planned(
    arm: dict[str, Any], label: str, seed: int, stage: str, epochs: int, *, factors: list[str]
) -> dict[str, Any]:
    r = arm["attention.reduction"]
    hidden = [] if r is None else [max(1, c // r) for c in CHANNELS]
    weights = sum(2 * c * h for c, h in zip(CHANNELS, hidden, strict=False))
    cost = {
        "hidden": hidden,
        "channels": [] if r is None else list(CHANNELS),
        "c2_eff": 0 if r is None else sum(c * c for c in CHANNELS),
        "params": BASE_PARAMS + weights,
        "attention_params": weights,
        "macs": 2_600_000 + weights,
    }
    arm_id = _arm_id(arm)
    return {
        "run": f"{arm_id}-{seed}", "arm": arm_id, "label": label, "seed": seed, "stage": stage,
        "settings": {"arm": {"data": {"name": "digits"}, **_nested(arm)}, "seed": seed},
        "factors": {n: arm[n] for n in factors},
        "cost": cost, "epochs_planned": epochs,
    }  # fmt: skip


def _nested(arm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for name, value in arm.items():
        group, setting = name.split(".")
        nested.setdefault(group, {})[setting] = value
    return nested


def _write_run(folder: Path, line: dict[str, Any], state: str, value: float, epochs: int) -> None:
    if state == "WAITING":
        return
    done = epochs if state == "COMPLETE" else max(1, epochs // 3)
    attempt = folder / "1"
    attempt.mkdir(parents=True)
    shape = value + 2.2 * np.exp(-np.arange(1, epochs + 1) / (epochs / 6))
    curve = shape - shape[-1] + value  # the last epoch is the value itself
    records = [
        {"epoch": e + 1, "train_loss": float(curve[e]) * 0.8, "val_loss": float(curve[e]),
         "val_accuracy": float(np.exp(-curve[e])), "learning_rate": 0.1, "seconds": 0.5}
        for e in range(done)
    ]  # fmt: skip
    (attempt / "epochs.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    if state == "RUNNING":
        return
    failed = state == "FAILED"
    last = records[-1]
    result = {
        "run": line["run"], "attempt": 1, "state": state, "epochs_run": done,
        "train_loss": None if failed else last["train_loss"],
        "val_loss": None if failed else last["val_loss"],
        "val_accuracy": None if failed else last["val_accuracy"],
        "seconds": 0.5 * done, "device": "cpu", "host": "nowhere",
        "error": {"type": "NonFinite", "message": "the loss became nan in epoch 4", "traceback": "",
                  "exit_code": None} if failed else None,
        "started": "2026-11-21T00:00:00Z", "ended": "2026-11-21T00:00:06Z", "versions": {},
    }  # fmt: skip
    (attempt / "result.json").write_text(json.dumps(result))
    (folder / "result.json").hardlink_to(attempt / "result.json")


def _study(
    name: str,
    factors: dict[str, list[Any]],
    baseline: dict[str, Any],
    arms: list[dict[str, Any]],
    seeds: int,
    names: list[str],
) -> dict[str, Any]:
    return {
        "layout": 1, "study": name, "design": "grid", "seeds": list(range(seeds)),
        "space": {
            "name": "made-up",
            "question": "What does the reduction ratio do to a network that does not exist?",
            "factors": [{"name": n, "levels": v, "low": None, "high": None, "log": False} for n, v in factors.items()],
            "controls": {"no attention": {}},
            "baseline": {
                "attention": {name: baseline[f"attention.{name}"] for name in ("reduction", "gate")},
                "data": {"name": "digits"},
                "training": {"learning_rate": 0.1},
            },
        },
        "baseline": {n: baseline[n] for n in names}, "baseline_arm": _arm_id(baseline),
        "metric": "val_loss", "direction": "minimize",
        "fingerprint": {"space": "5a", "code": "c0", "data": "da", "versions": {"torch": "2.13.0"}},
        "created": "2026-11-21T00:00:00Z",
        "runs_table": {"version": 1, "columns": {}},
    }  # fmt: skip


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    print(write_study(given.folder, gates=("sigmoid", "one_plus_tanh"), seeds=given.seeds))
