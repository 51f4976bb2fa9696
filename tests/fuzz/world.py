"""The files that inputs are changes of: a finished study, tables of every form, spaces, data."""

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import optuna
from programs import build_programs

from benchmarks.synthetic_study import write_study

SPACE = """\
name: mine
question: Which ratio, and which gate?
baseline: {attention.reduction: 4, training.epochs: 3, training.warmup_epochs: 0, training.batch_size: 8}
factors:
  - {name: attention.reduction, levels: [4, 8]}
  - name: attention.gate
    levels: [sigmoid, one_plus_tanh]
controls:
  no attention: {attention.placement: none}
seeds: 2
"""
DATA = """\
name: data
question: Does it learn?
baseline:
  {attention.reduction: 4, data.name: npz, data.root: data.npz, training.epochs: 2, training.warmup_epochs: 0,
   training.batch_size: 8}
factors:
  - {name: attention.reduction, levels: [4, 8]}
"""
PLANNED = """\
metric: val_loss
alpha: 0.05
seeds: 2
comparisons:
  - {factor: attention.gate, levels: [sigmoid, one_plus_tanh], direction: two-sided, margin: 0.005}
adding_seeds: {plan: alpha_spending, looks: [2, 4], spending: obrien_fleming}
"""


def build(folder: Path) -> Path:
    """Write all of it and return the folder."""
    folder.mkdir(parents=True)
    write_study(
        folder / "runs" / "s", ratios=(4, 8, 16), gates=("sigmoid", "tanh"), seeds=2, epochs=2
    )
    write_study(folder / "runs" / "t", ratios=(8, 16), seeds=2, epochs=2, control=False)
    _gates(folder / "runs" / "t")
    (folder / "space.yaml").write_text(SPACE)
    (folder / "data.yaml").write_text(DATA)
    (folder / "planned.yaml").write_text(PLANNED)
    _tables(folder)
    _storages(folder)
    draw = np.random.default_rng(0)
    np.savez(folder / "data.npz", x=draw.normal(size=(24, 1, 8, 8)), y=np.arange(24) % 3)
    build_programs(folder)
    return folder


def rows() -> list[dict[str, object]]:
    """Runs of two factors and three seeds."""
    draw = np.random.default_rng(1)
    arms = itertools.product((2, 4, 8), ("sigmoid", "tanh"), range(3))
    return [
        {"attention.reduction": r, "gate": g, "seed": s, "val_loss": float(0.3 + 0.01 * r + draw.normal(0, 0.01))}
        for r, g, s in arms
    ]  # fmt: skip


def _write(path: Path, lines: list[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def _gates(study: Path) -> None:
    """What recording them writes beside each run's epochs."""
    line = {
        "epoch": 2, "block": "1.0", "stage": "16 channels", "low": 0.0, "high": 1.0,
        "counts": {"0": [3, 9], "1": [7, 5]}, "mean": 0.5, "between": 0.03, "within": 0.01,
        "saturated_low": 0.1, "saturated_high": 0.02, "above_one": None, "gradient_norm": 0.5,
    }  # fmt: skip
    block = {
        "block": "1.0", "gate": {"all": [0.4, 0.6], "0": [0.2, 0.7], "1": [0.6, 0.5]}, "gradient": [0.1, -0.2],
        "gradient_sign": [0.5, -0.5], "usefulness": [0.3, -0.1], "error": [0.1, 0.01],
    }  # fmt: skip
    drops = [
        {"order": order, "share": share, "accuracy": 0.9 - share, "loss": 0.3 + share}
        for order, share in (("", 0.0), ("most", 0.5), ("least", 0.5))
    ]
    for run in study.glob("runs/*/1"):
        (run / "gates.jsonl").write_text(json.dumps(line) + "\n")
        content = {"examples": 9, "blocks": [block], "drops": drops, "missing": ""}
        (run / "channels.json").write_text(json.dumps(content))


def _tables(folder: Path) -> None:
    _write(folder / "table.csv", rows())
    page = [
        {"Name": f"r{i}", "State": "finished", "ID": f"i{i}", **r} for i, r in enumerate(rows())
    ]
    _write(folder / "export.csv", page)
    api = [
        {
            "name": f"r{i}",
            "config": json.dumps({k: v for k, v in row.items() if k != "val_loss"}),
            "summary": json.dumps({"val_loss": row["val_loss"], "_runtime": 3.5}),
        }
        for i, row in enumerate(rows())
    ]
    _write(folder / "api.csv", api)


def _storages(folder: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    log = optuna.storages.journal.JournalFileBackend(str(folder / "optuna.log"))
    kinds = {
        "reduction": optuna.distributions.IntDistribution(2, 8),
        "gate": optuna.distributions.CategoricalDistribution(["sigmoid", "tanh", None]),
    }
    for storage in (f"sqlite:///{folder / 'optuna.db'}", optuna.storages.JournalStorage(log)):
        study = optuna.create_study(storage=storage, study_name="o")
        for row in rows():
            params = {"reduction": row["attention.reduction"], "gate": row["gate"]}
            study.add_trial(
                optuna.trial.create_trial(
                    params=params,
                    distributions=kinds,
                    value=row["val_loss"],
                    user_attrs={"seed": row["seed"]},
                )
            )
