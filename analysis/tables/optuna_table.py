"""The runs table of any Optuna study: one row per trial, whoever ran it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.tables.csv_table import from_frame
from analysis.tables.levels import level_of
from analysis.tables.runs_table import COLUMNS, RunsTable
from plain_files.words import without_secrets

IDENTITY = ("study", "run", "attempt", "arm", "label", "stage", "state", "metric")
STATES = {"COMPLETE": "COMPLETE", "PRUNED": "PRUNED", "FAIL": "FAILED", "RUNNING": "RUNNING",
          "WAITING": "WAITING"}  # fmt: skip


def read_optuna(
    text: str,
    *,
    metric: str | None = None,
    factors: Sequence[str] = (),
    direction: str | None = None,
) -> RunsTable:
    """The trials of `STORAGE_URL#study` (for example `sqlite:///a.db#mine`, `journal:///a.log#mine`).

    Parameters become factors, but for one named `seed`; user attributes with the names of the runs
    table (`seed`, `epochs_run`, ...) fill its columns. A pruned trial has no value, and its state keeps
    it out of every estimate. Without a `seed` each trial counts as a seed of its own. Trials that a
    sampler proposed are of stage `search`; those of a grid or brute-force sampler are not told apart, so
    all are `search` unless an attribute `stage` says otherwise.

    Args:
        text: The storage and the study.
        metric: What the trials' value is called.
        factors: The parameters that vary on purpose; all that vary, without.
        direction: That of the study; another is refused.

    Raises:
        TableError: If the storage or the study cannot be read, or a parameter has a column's name.
    """
    import optuna

    url, _, name = text.partition("#")
    shown = without_secrets(url)
    try:
        storage = _storage(url)
        names = optuna.get_all_study_names(storage)
        if not name and len(names) == 1:
            name = names[0]
        if name not in names:
            raise TableError(f"{shown} has no study {name!r}; it has {', '.join(names) or 'none'}.")
        study = optuna.load_study(study_name=name, storage=storage)
    except TableError:
        raise
    except Exception as error:  # whatever the database's driver raises
        # A driver's message can quote the address, too.
        why = str(error).replace(url, shown)
        raise TableError(
            f"{shown} cannot be read as an Optuna storage: {without_secrets(why)}."
        ) from None
    if len(study.directions) > 1:
        raise TableError(f"study {name!r} has several objectives; the analysis reads one metric.")
    value = metric or "val_loss"
    rows = [_row(trial, value) for trial in study.get_trials(deepcopy=False)]
    if not rows:
        raise TableError(f"study {name!r} has no trials.")
    frame = pd.DataFrame(rows)
    params = dict.fromkeys(p for trial in study.get_trials(deepcopy=False) for p in trial.params)
    clash = next((p for p in params if p in (*IDENTITY, value)), None)
    if clash is not None:
        raise TableError(
            f"parameter {clash!r} of study {name!r} has the name of a column that says which run it "
            "is or what came of it; rename the parameter."
        )
    towards = study.direction.name.lower()
    if direction not in (None, towards):
        raise TableError(f"study {name!r} was told to {towards}, but `direction` is {direction!r}.")
    varied = [p for p in params if p != "seed" and len(frame[p].map(repr).unique()) > 1]
    named = list(factors) or varied
    return from_frame(frame, metric=value, study=name, factors=named, direction=towards)


def _storage(url: str) -> Any:
    if not url.startswith("journal://"):
        from optuna.storages import RDBStorage

        path = url.partition(":///")[2]
        if url.startswith("sqlite") and path and not Path(path).is_file():
            raise TableError(f"there is no file {path!r}.")
        return RDBStorage(url)
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = url.removeprefix("journal://")
    if not Path(path).is_file():
        raise TableError(f"there is no file {path!r}.")
    return JournalStorage(JournalFileBackend(path))


def _row(trial: Any, metric: str) -> dict[str, Any]:
    known = {k: v for k, v in trial.user_attrs.items() if k in COLUMNS}
    complete = trial.state.name == "COMPLETE"
    row = {
        "run": str(trial.number),
        "seed": trial.number,
        "stage": "search",
        **{name: level_of(trial.params, name) for name in trial.params},
        **known,
        "state": STATES[trial.state.name],
    }
    row[metric] = trial.value if complete else None
    return row
