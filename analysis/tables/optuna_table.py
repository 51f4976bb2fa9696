"""The runs table of any Optuna study: one row per trial, whoever ran it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

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
    url, _, name = text.partition("#")
    study = _read(url, name)
    name = study.name
    if len(study.directions) != 1:
        many = "several objectives" if study.directions else "no direction"
        raise TableError(f"study {name!r} has {many}; the analysis reads one metric.")
    value = metric or "val_loss"
    rows = [_row(trial, value) for trial in study.trials]
    if not rows:
        raise TableError(f"study {name!r} has no trials.")
    frame = pd.DataFrame(rows)
    params = dict.fromkeys(p for trial in study.trials for p in trial.params)
    clash = next((p for p in params if p in (*IDENTITY, value)), None)
    if clash is not None:
        raise TableError(
            f"parameter {clash!r} of study {name!r} has the name of a column that says which run it "
            "is or what came of it; rename the parameter."
        )
    (towards,) = study.directions
    if direction not in (None, towards):
        raise TableError(f"study {name!r} was told to {towards}, but `direction` is {direction!r}.")
    varied = [p for p in params if p != "seed" and len(frame[p].map(repr).unique()) > 1]
    named = list(factors) or varied
    return from_frame(frame, metric=value, study=name, factors=named, direction=towards)


class _Read(NamedTuple):
    """All that is read of a study."""

    name: str
    directions: tuple[str, ...]
    trials: list[Any]


def _read(url: str, name: str) -> _Read:
    """The study of that name; of no name, the only one that there is."""
    import optuna

    try:
        storage = _storage(url)
        names = optuna.get_all_study_names(storage)
        name = names[0] if not name and len(names) == 1 else name
        if name in names:
            study = optuna.load_study(study_name=name, storage=storage)
            directions = tuple(one.name.lower() for one in study.directions)
            return _Read(name, directions, [_checked(t) for t in study.get_trials(deepcopy=False)])
    except TableError:
        raise
    except Exception as error:  # whatever the database's driver raises, and a damaged one
        said = without_secrets(_reason(error))
        raise TableError(
            f"{without_secrets(url)} cannot be read as an Optuna storage: {said}."
        ) from None
    raise TableError(
        f"{without_secrets(url)} has no study {name!r}; it has {', '.join(names) or 'none'}."
    )


def _reason(error: BaseException) -> str:
    """What the driver said: optuna takes every error of a database for one of what was to be written."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = " ".join(str(error).split())
    if "database is locked" in said:
        return "another program is writing to it; wait for it and give the same command again"
    return said


def _checked(trial: Any) -> Any:
    """A trial of which each part is of its kind: a journal's lines are not checked by optuna.

    Raises:
        ValueError: If one is not.
    """
    for name in ("params", "user_attrs"):
        held = getattr(trial, name)
        if not isinstance(held, dict):
            raise ValueError(
                f"`{name}` of trial {trial.number} must be a mapping, but is {held!r:.60}"
            )
    return trial


def _storage(url: str) -> Any:
    if not url.startswith("journal://"):
        from optuna.storages import RDBStorage

        # A reader neither makes tables nor mends them, and SQLite opens the file to read only.
        return RDBStorage(_to_read(url), skip_table_creation=True)
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = url.removeprefix("journal://")
    if not Path(path).is_file():
        raise TableError(f"there is no file {path!r}.")
    return JournalStorage(JournalFileBackend(path))


def _to_read(url: str) -> str:
    if not url.startswith("sqlite"):
        return url
    driver, _, rest = url.partition(":///")
    path, _, query = rest.partition("?")
    if not Path(path).is_file():
        raise TableError(f"there is no file {path!r}.")
    return f"{driver}:///file:{quote(path)}?mode=ro&uri=true{'&' * bool(query)}{query}"


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
