"""Whatever form the same runs are written in, the same arms, seeds, losses and effects are read back."""

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.contrasts.cells import cells_of
from analysis.effects.effects import estimate_effects
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable
from analysis.tables.table import read_table
from analysis.tables.wandb_export import as_runs
from plain_files.numbers import as_given

WORDS = [
    "None",
    "null",
    "NA",
    "nan",
    "N/A",
    "True",
    "1_2",
    "12",
    "0x10",
    "1e3",
    "a,b",
    'say "x"',
    "naïve",
    "[1, 2]",
]
Runs = list[dict[str, Any]]


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[str], Runs]:
    """A grid of one or two factors, of words or of numbers, by some seeds, with losses of every size."""
    factors = draw(
        st.lists(
            st.sampled_from(["gate", "lr", "depth", "pool.kind"]),
            min_size=1,
            max_size=2,
            unique=True,
        )
    )
    levels: dict[str, list[Any]] = {}
    for name in factors:
        numbers = st.lists(
            st.sampled_from([0.1, 0.25, 1, 2, 1e-5, 300]), min_size=2, max_size=3, unique=True
        )
        # One word that is nothing else: a column of missing values alone is no factor.
        words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True).map(
            lambda some: ["relu", *some]
        )
        levels[name] = draw(st.one_of(numbers, words))
    seeds = draw(st.integers(2, 3))
    arms: Runs = [{}]
    for name in factors:
        arms = [{**arm, name: level} for arm in arms for level in levels[name]]
    if len(factors) > 1 and draw(st.booleans()):  # an arm that does not use the other factor
        arms.append({factors[0]: "off" if levels[factors[0]][0] == "relu" else 7})
    loss = st.floats(0.01, 1e6, allow_nan=False)
    count = len(arms) * seeds
    values = draw(st.lists(loss, min_size=count, max_size=count, unique=True))
    rows = [{**arm, "seed": s} for s in range(seeds) for arm in arms]
    return factors, [{**row, "val_loss": value} for row, value in zip(rows, values, strict=True)]


def what_is_read(table: RunsTable) -> dict[tuple[str, ...], list[float]]:
    """Arm -> losses by seed."""
    cells = cells_of(table)
    names = sorted(cells.factors)
    return {
        tuple(_level(cells.values[name].iloc[i]) for name in names): cells.y[:, i].tolist()
        for i in range(len(cells.values))
    }


def _level(value: Any) -> str:
    return as_given(value.item() if hasattr(value, "item") else value)


def effects_of(table: RunsTable) -> list[tuple[str, float]]:
    """Every difference against the first run's arm, whatever it is called."""
    found = estimate_effects(table, calibration_draws=0).frame
    return sorted(zip(found["role"], found["estimate"].round(9), strict=True))


def write(path: Path, header: list[str], rows: list[list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def by_csv(folder: Path, factors: list[str], rows: Runs) -> RunsTable:
    names = [*factors, "seed", "val_loss"]
    return read_table(write(folder / "a.csv", names, [[r.get(n, "") for n in names] for r in rows]))


def by_frame(folder: Path, factors: list[str], rows: Runs) -> RunsTable:
    return from_frame(pd.DataFrame(rows), factors=factors)


def by_page(folder: Path, factors: list[str], rows: Runs) -> RunsTable:
    names = [*factors, "seed", "val_loss"]
    cells = [["one name", "finished", *(r.get(n, "") for n in names)] for r in rows]
    return read_table(write(folder / "p.csv", ["Name", "State", *names], cells), factors=factors)


def by_api(folder: Path, factors: list[str], rows: Runs) -> RunsTable:
    found = [
        {"name": "one name", "summary": json.dumps({"val_loss": r["val_loss"]}),
         "config": json.dumps({k: _value(v) for k, v in r.items() if k != "val_loss"})}
        for r in rows
    ]  # fmt: skip
    return from_frame(as_runs(pd.DataFrame(found), factors=factors), factors=factors)


def by_optuna(folder: Path, factors: list[str], rows: Runs) -> RunsTable:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"journal://{folder / 'o.log'}"
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "o.log"))
    study = optuna.create_study(storage=optuna.storages.JournalStorage(backend), study_name="s")
    choices = {n: list(dict.fromkeys(_value(r[n]) for r in rows if n in r)) for n in factors}
    kinds = {n: optuna.distributions.CategoricalDistribution(c) for n, c in choices.items()}
    for row in rows:
        params = {n: _value(row[n]) for n in factors if n in row}
        trial = optuna.trial.create_trial(
            params=params,
            distributions={n: kinds[n] for n in params},
            value=row["val_loss"],
            user_attrs={"seed": row["seed"]},
        )
        study.add_trial(trial)
    return read_table(f"{url}#s")


def by_study(folder: Path, factors: list[str], rows: Runs) -> RunsTable:
    study, baseline = folder / "s", {n: rows[0][n] for n in factors}
    plan, arms = [], dict[str, str]()
    for row in rows:
        arm = arms.setdefault(repr([row.get(n) for n in factors]), f"arm{len(arms)}")
        run = f"{arm}-{row['seed']}"
        used = {n: row[n] for n in factors if n in row}
        plan.append(
            {"run": run, "arm": arm, "label": arm, "seed": row["seed"], "stage": "grid", "settings": {"arm": {}},
             "factors": used, "cost": {}, "epochs_planned": 1}
        )  # fmt: skip
        (study / "runs" / run / "1").mkdir(parents=True)
        (study / "runs" / run / "result.json").write_text(json.dumps(
            {"run": run, "attempt": 1, "state": "COMPLETE", "epochs_run": 1, "val_loss": row["val_loss"],
             "train_loss": None, "val_accuracy": None, "seconds": 1.0, "device": "cpu", "error": None,
             "started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:00:01+00:00"}
        ))  # fmt: skip
    (study / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plan))
    levels = [
        {"name": n, "levels": list(dict.fromkeys(r[n] for r in rows if n in r))} for n in factors
    ]
    (study / "study.json").write_text(json.dumps(
        {"layout": 1, "study": "s", "design": "grid", "seeds": sorted({r["seed"] for r in rows}),
         "space": {"name": "s", "factors": levels, "controls": {}, "baseline": {}}, "baseline": baseline,
         "baseline_arm": "arm0", "metric": "val_loss", "direction": "minimize"}
    ))  # fmt: skip
    return read_table(study)


EFFECTS: dict[str, list[tuple[str, float]]] = {}
"""Of tables that were given before: every form is given the same ones."""


def effects_by_csv(folder: Path, factors: list[str], rows: Runs) -> list[tuple[str, float]]:
    table = repr((factors, rows))
    if table not in EFFECTS:
        EFFECTS[table] = effects_of(by_csv(folder, factors, rows))
    return EFFECTS[table]


def _value(level: Any) -> Any:
    """Where a form can hold the value None itself, that is how the level is written."""
    return None if level == "None" else level


@pytest.mark.parametrize("form", [by_csv, by_frame, by_page, by_api, by_optuna, by_study])
@settings(
    max_examples=5, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(table=runs())
def test_every_form_gives_the_same_runs(form: Any, table: tuple[list[str], Runs]) -> None:
    factors, rows = table
    names = sorted(factors)
    expected: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        # A factor that an arm does not use changes nothing there, and stands at the baseline's level.
        arm = tuple(_level(row.get(n, rows[0][n])) for n in names)
        expected.setdefault(arm, []).append(row["val_loss"])
    with tempfile.TemporaryDirectory() as folder:
        read = form(Path(folder), factors, rows)
        assert what_is_read(read) == expected
        assert effects_of(read) == effects_by_csv(Path(folder), factors, rows)
