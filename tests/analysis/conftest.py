"""A study folder by the contract of docs/study-folder.md, with a known truth and no training."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RATIO = "attention.reduction"
PLACEMENT = "attention.placement"


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "synthetic", **options: Any) -> Path:
        return write_study(tmp_path / "runs" / name, **options)

    return make


def write_study(
    folder: Path,
    *,
    effects: Mapping[str, Mapping[Any, float]] | None = None,
    baseline: Mapping[str, Any] | None = None,
    design: str = "grid",
    controls: Mapping[str, float] | None = None,
    seeds: int = 5,
    level: float = 0.30,
    kappa: float = 5e-5,
    sigma: float = 0.01,
    seed_sd: float = 0.01,
    interaction: Mapping[tuple[tuple[str, Any], tuple[str, Any]], float] | None = None,
    channels: tuple[int, ...] = (64, 64, 128),
    epochs: int = 4,
    failed: Iterable[tuple[int, int]] = (),
    pruned: Iterable[tuple[int, int]] = (),
    running: Iterable[tuple[int, int]] = (),
    waiting: Iterable[tuple[int, int]] = (),
    stage: str | None = None,
    planned: Mapping[str, Any] | None = None,
    random: int = 0,
) -> Path:
    """Writes a study whose loss is level + kappa r^2/2 + effects + seed + noise; returns its folder.

    Args:
        folder: Where; its name is the study's.
        effects: Factor -> level -> loss added. The ratio's own effect is kappa's; give its levels with 0.
            Default: the ratio at 2, 4, 8, 16, 32.
        baseline: Factor -> level; the first level of each by default (16 for the ratio).
        design: `grid` (all combinations) or `loco` (one factor at a time).
        controls: Label -> loss above the baseline arm; each is an arm with placement none and no ratio.
        interaction: ((factor, level), (factor, level)) -> loss added where both hold.
        failed, pruned, running, waiting: (index of the arm in the plan, seed).
    """
    effects = dict(effects or {RATIO: dict.fromkeys((2, 4, 8, 16, 32), 0.0)})
    base = {f: (16 if f == RATIO and 16 in lv else next(iter(lv))) for f, lv in effects.items()}
    base |= dict(baseline or {})
    noise = np.random.default_rng(random)
    seed_effect = noise.normal(0, seed_sd, seeds)
    arms = _arms(effects, base, design) + [
        {f: (None if f.startswith("attention.") else v) for f, v in base.items()}
        | {PLACEMENT: label}
        for label in controls or {}
    ]
    named = {**base, PLACEMENT: "standard"} if controls else dict(base)
    folder.mkdir(parents=True)
    plan = []
    states = {
        **dict.fromkeys(map(tuple, failed), "FAILED"),
        **dict.fromkeys(map(tuple, pruned), "PRUNED"),
        **dict.fromkeys(map(tuple, running), "RUNNING"),
        **dict.fromkeys(map(tuple, waiting), "WAITING"),
    }
    for index, values in enumerate(arms):
        label = values.get(PLACEMENT) if values.get(PLACEMENT) in (controls or {}) else None
        truth = level + _truth(values, base, effects, kappa, interaction or {})
        truth += (controls or {}).get(label, 0.0) if label else 0.0
        factors = {**dict.fromkeys(named), **values}
        if controls and label is None:
            factors[PLACEMENT] = "standard"
        if label:
            factors[PLACEMENT] = "none"
        arm = hashlib.sha256(json.dumps([values, label], sort_keys=True).encode()).hexdigest()[:12]
        text = label or ", ".join(
            f"{f.rpartition('.')[2]}={v}" for f, v in values.items() if v != base.get(f)
        )
        for seed in range(seeds):
            loss = truth + seed_effect[seed] + noise.normal(0, sigma)
            line = _plan_line(
                arm, text or "baseline", seed, stage or design, factors, channels, epochs
            )
            plan.append(line)
            _write_run(
                folder / "runs" / line["run"], line, loss, states.get((index, seed), "COMPLETE")
            )
    _write_json(
        folder / "study.json",
        _study_json(folder.name, named, effects, plan, design, seeds, planned),
    )
    lines = "".join(json.dumps(line) + "\n" for line in plan)
    (folder / "plan.jsonl").write_text(lines, encoding="utf-8")
    return folder


def _arms(effects: Mapping[str, Any], base: Mapping[str, Any], design: str) -> list[dict[str, Any]]:
    if design == "loco":
        others = [{**base, f: v} for f, levels in effects.items() for v in levels if v != base[f]]
        return [dict(base), *others]
    names = list(effects)
    return [dict(zip(names, row, strict=True)) for row in product(*(effects[f] for f in names))]


def _truth(values: Any, base: Any, effects: Any, kappa: float, interaction: Any) -> float:
    total = sum(effects[f].get(v, 0.0) for f, v in values.items() if f in effects and v is not None)
    ratio = values.get(RATIO) or base.get(RATIO)
    total += kappa * ratio**2 / 2 if ratio and values.get(RATIO) is not None else 0.0
    for (first, second), size in interaction.items():
        if values.get(first[0]) == first[1] and values.get(second[0]) == second[1]:
            total += size
    return float(total)


def _plan_line(
    arm: str,
    label: str,
    seed: int,
    stage: str,
    factors: Any,
    channels: tuple[int, ...],
    epochs: int,
) -> dict[str, Any]:
    ratio = factors.get(RATIO) or (None if factors.get(PLACEMENT) == "none" else 16)
    hidden = [int(c / ratio) for c in channels] if ratio else []
    used = list(channels) if ratio else []
    weights = sum(2 * c * h for c, h in zip(used, hidden, strict=True))
    cost = {"hidden": hidden, "channels": used, "c2_eff": sum(c * c for c in used),
            "params": 100_000 + weights, "attention_params": weights,
            "macs": 1_000_000 + weights}  # fmt: skip
    run = hashlib.sha256(f"{arm}/{seed}".encode()).hexdigest()[:12]
    settings = {"arm": {"data": {"name": "made-up"}}, "seed": seed}
    return {"run": run, "arm": arm, "label": label, "seed": seed, "stage": stage, "settings": settings,
            "factors": factors, "cost": cost, "epochs_planned": epochs}  # fmt: skip


def _write_run(folder: Path, line: dict[str, Any], loss: float, state: str) -> None:
    if state == "WAITING":
        return
    attempt = folder / "1"
    attempt.mkdir(parents=True)
    planned = line["epochs_planned"]
    run = {"COMPLETE": planned}.get(state, max(planned // 2, 1))
    # The loss falls geometrically to its last value, so that effects grow over the epochs.
    curve = [
        loss * (1 + 2.0 ** -(epoch - 1)) if epoch < planned else loss for epoch in range(1, run + 1)
    ]
    records = [
        {"epoch": e, "train_loss": 0.9 * v, "val_loss": v, "val_accuracy": float(np.exp(-v)),
         "learning_rate": 0.1, "seconds": 1.0}
        for e, v in enumerate(curve, start=1)
    ]  # fmt: skip
    (attempt / "epochs.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for r in records), encoding="utf-8"
    )
    if state == "RUNNING":
        return
    fine = state != "FAILED"
    error = None if fine else {"type": "NonFinite", "message": "val_loss is nan", "traceback": "",
                               "exit_code": 0}  # fmt: skip
    result = {"run": line["run"], "attempt": 1, "state": state, "epochs_run": run,
              "train_loss": 0.9 * curve[-1] if fine else None, "val_loss": curve[-1] if fine else None,
              "val_accuracy": float(np.exp(-curve[-1])) if fine else None, "seconds": float(run),
              "device": "cpu", "host": "host", "error": error, "started": "2026-01-01T00:00:00Z",
              "ended": "2026-01-01T00:00:04Z", "versions": {}}  # fmt: skip
    _write_json(attempt / "result.json", result)
    (folder / "result.json").hardlink_to(attempt / "result.json")


def _study_json(
    name: str, base: Any, effects: Any, plan: Any, design: str, seeds: int, planned: Any
) -> dict[str, Any]:
    tree: dict[str, Any] = {"data": {"name": "made-up"}}
    for factor, value in base.items():
        group, _, field = factor.partition(".")
        tree.setdefault(group, {})[field] = value
    first = next(
        (p for p in plan if all(p["factors"].get(f) == v for f, v in base.items())), plan[0]
    )
    factors = [{"name": f, "levels": list(lv), "low": None, "high": None, "log": False}
               for f, lv in effects.items()]  # fmt: skip
    info = {"layout": 1, "study": name, "design": design, "seeds": list(range(seeds)),
            "space": {"name": "made-up", "question": "Does it matter?", "factors": factors,
                      "controls": {}, "baseline": tree},
            "baseline": dict(base), "baseline_arm": first["arm"], "metric": "val_loss",
            "direction": "minimize",
            "fingerprint": {"space": "s", "code": "c", "data": "d", "versions": {"torch": "0"}},
            "created": "2026-01-01T00:00:00Z", "runs_table": {"version": 1, "columns": {}}}  # fmt: skip
    if planned is not None:
        info |= {"planned": dict(planned), "planned_hash": "0" * 64}
    return info


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
