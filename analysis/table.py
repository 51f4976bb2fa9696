"""The runs table: one tidy row per run, read from a study folder, a CSV, Optuna or W&B.

The columns are those of `docs/study-folder.md`. Reading imports no user code and unpickles nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.checks import (
    check_duplicates,
    check_metric,
    check_numbers,
    check_table_version,
    reasons_to_leave_out,
)
from analysis.errors import TableError
from analysis.wandb_export import as_runs, is_export

REDUCTION = "attention.reduction"
COLUMNS = (
    "study", "run", "attempt", "arm", "label", "seed", "stage", "state", "data", "metric", "hidden",
    "channels", "c2_eff", "params", "attention_params", "macs", "epochs_run", "epochs_planned",
    "train_loss", "val_loss", "val_accuracy", "seconds", "device", "error",
)  # fmt: skip
"""All columns but the factors'."""
RESULT_COLUMNS = (
    "epochs_run", "train_loss", "val_loss", "val_accuracy", "seconds", "device", "attempt", "state",
)  # fmt: skip


@dataclass(frozen=True)
class RunsTable:
    """The runs of one study, and what is needed to read them."""

    frame: pd.DataFrame
    """One row per run; the row numbers are those of the source (for a CSV: lines, header = 1)."""
    factors: list[str]
    """The factors that vary, dotted where the source is a study."""
    baseline: dict[str, Any] = field(default_factory=dict)
    """Factor -> value of the arm that comparisons are made against."""
    baseline_arm: str | None = None
    metric: str = "val_loss"
    study: str = "runs"
    question: str = ""
    direction: str = "minimize"
    planned: dict[str, Any] | None = None
    """The comparisons that were written before the runs, if the study has any."""
    planned_hash: str | None = None
    folder: Path | None = None
    """The study folder, where the epochs lie."""
    info: dict[str, Any] = field(default_factory=dict)
    """`study.json` as it is; empty for other sources."""

    @cached_property
    def reasons(self) -> "pd.Series[str]":
        """Per row: why it may not enter an estimate; an empty string where it may."""
        return reasons_to_leave_out(self.frame, metric=self.metric)

    @cached_property
    def excluded(self) -> dict[str, int]:
        """Reason -> number of runs that may not enter an estimate, most frequent first."""
        given = self.reasons[self.reasons != ""]
        return {str(reason): int(count) for reason, count in given.value_counts().items()}

    @property
    def selected(self) -> bool:
        """Whether only a search's own runs are there: chosen by their results."""
        stages = self.frame.loc[self.reasons == "", "stage"]
        return len(stages) > 0 and bool((stages == "search").all())

    def complete(self) -> pd.DataFrame:
        """The rows that may enter an estimate: COMPLETE, with all planned epochs and a finite metric.

        A search's runs enter only where there are no others (`selected` is then true).

        Raises:
            TableError: If one arm has two such rows with one seed, or if there are none at all.
        """
        rows = self.frame[self.reasons == ""]
        if rows.empty:
            left_out = ", ".join(f"{reason}: {n}" for reason, n in self.excluded.items())
            raise TableError(
                f"study {self.study!r} has no run that may enter an estimate "
                f"({left_out or 'it has no runs'})."
            )
        if not self.selected:
            check_duplicates(rows, by=self._identity())
        return rows

    def column(self, name: str) -> str:
        """The column that a name means: itself, or the only one whose last part it is.

        Raises:
            TableError: If there is none, or more than one.
        """
        if name in self.frame.columns:
            return name
        last = name.rpartition(".")[2]
        near = [c for c in self.frame.columns if str(c).rpartition(".")[2] == last]
        if len(near) == 1:
            return str(near[0])
        if near:
            raise TableError(f"`{name}` can mean any of {', '.join(near)}; name one of them.")
        there = ", ".join(map(str, self.frame.columns))
        raise TableError(f"the table lacks the column `{name}`; it has {there}.")

    def has(self, name: str) -> bool:
        """Whether `column(name)` finds a column that is not empty."""
        try:
            return bool(self.frame[self.column(name)].notna().any())
        except TableError:
            return False

    def _identity(self) -> list[str]:
        by_arm = self.frame["arm"].notna().all()
        return ["arm"] if by_arm else list(dict.fromkeys([*self.factors, *self.baseline]))


def read_study(folder: Path) -> RunsTable:
    """The runs table of a study folder: the plan joined with the committed results.

    Raises:
        TableError: If the folder is no study, or was written by a newer version.
    """
    info = _json_file(folder / "study.json", what="study")
    check_table_version(info, source=folder / "study.json")
    plan = _json_lines(folder / "plan.jsonl")
    baseline = dict(info.get("baseline") or {})
    metric = str(info.get("metric", "val_loss"))
    data = ((info.get("space") or {}).get("baseline") or {}).get("data", {})
    records = [
        _study_row(line, folder / "runs" / str(line["run"]), known=data.get("name"))
        for line in plan
    ]
    factors = [str(f["name"]) for f in (info.get("space") or {}).get("factors", [])]
    named = list(dict.fromkeys([*factors, *baseline]))
    frame = pd.DataFrame.from_records(records, columns=_ordered(named, records))
    frame["study"], frame["metric"] = str(info.get("study", folder.name)), metric
    return RunsTable(
        frame=typed(frame, metric=metric),
        factors=factors or list(baseline),
        baseline=baseline,
        baseline_arm=info.get("baseline_arm"),
        metric=metric,
        study=str(info.get("study", folder.name)),
        question=str((info.get("space") or {}).get("question", "")),
        direction=str(info.get("direction", "minimize")),
        planned=info.get("planned"),
        planned_hash=info.get("planned_hash"),
        folder=folder,
        info=info,
    )


def read_csv(
    path: Path,
    *,
    metric: str | None = None,
    baseline: Mapping[str, Any] | None = None,
    factors: Sequence[str] = (),
) -> RunsTable:
    """The runs table of any CSV with `val_loss` (or another `metric`), `seed` and the factors.

    A column that the contract does not name and whose values repeat is a factor. A W&B export is
    recognised by its columns. Row numbers are lines of the file.

    Args:
        path: The file.
        metric: The column to estimate from; `val_loss` unless the file's `metric` column says other.
        baseline: Factor -> value that comparisons are made against.
        factors: For a W&B export of another program: the configuration values that vary.

    Raises:
        TableError: If a column is missing, mixes metrics, or holds text where a number must be.
    """
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise TableError(f"there is no file {str(path)!r}.") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not a CSV table: {str(error).strip()}.") from None
    if is_export(frame.columns):
        frame = as_runs(frame, factors=factors)
        baseline = baseline or frame.attrs["baseline"]
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return from_frame(frame, metric=metric, baseline=baseline, study=path.stem)


def from_frame(
    frame: pd.DataFrame,
    *,
    metric: str | None = None,
    baseline: Mapping[str, Any] | None = None,
    study: str = "runs",
) -> RunsTable:
    """The runs table of a DataFrame that a user made; the same rules as `read_csv`."""
    metric = check_metric(frame, metric=metric)
    frame = frame.rename(columns={"r": REDUCTION, "reduction": REDUCTION})
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise TableError(f"the table has the column `{doubled[0]}` twice; keep one.")
    for name in COLUMNS:
        if name not in frame:
            frame[name] = None
    frame["study"] = frame["study"].fillna(study)
    frame["metric"] = metric
    factors = _factors_of(frame, metric=metric)
    return RunsTable(
        frame=typed(frame, metric=metric),
        factors=factors,
        baseline=_named_baseline(frame, factors, baseline or {}),
        metric=metric,
        study=study,
    )


def read_tables(
    source: str | Path, *, metric: str | None = None, baseline: Mapping[str, Any] | None = None
) -> list[RunsTable]:
    """The runs tables of a study folder, a folder of studies, a CSV, or `STORAGE_URL#study`.

    Raises:
        TableError: If it is none of these.
    """
    text = str(source)
    if "://" in text:
        from analysis.optuna_table import read_optuna

        return [read_optuna(text, metric=metric)]
    path = Path(source)
    if (path / "study.json").is_file():
        return [read_study(path)]
    if path.is_dir():
        studies = sorted(child.parent for child in path.glob("*/study.json"))
        if not studies:
            raise TableError(
                f"{path} is no study and holds none: there is no study.json in it or one below."
            )
        return [read_study(folder) for folder in studies]
    if not path.exists() and (Path("runs") / text / "study.json").is_file():
        return [read_study(Path("runs") / text)]
    return [read_csv(path, metric=metric, baseline=baseline)]


def read_table(
    source: str | Path, *, metric: str | None = None, baseline: Mapping[str, Any] | None = None
) -> RunsTable:
    """The one runs table of a source.

    Raises:
        TableError: If it is a folder of several studies, or no table at all.
    """
    tables = read_tables(source, metric=metric, baseline=baseline)
    if len(tables) > 1:
        names = ", ".join(table.study for table in tables)
        raise TableError(f"{source} holds several studies ({names}); name one of them.")
    return tables[0]


def read_epochs(table: RunsTable) -> pd.DataFrame:
    """One row per run and finished epoch: `run, arm, label, seed` and the columns of epochs.jsonl.

    Empty where the source is not a study folder. A run that was resumed has its epochs in several
    attempts; up to the committed one, the later attempt's record of an epoch counts.
    """
    records: list[dict[str, Any]] = []
    for row in table.frame.itertuples() if table.folder else ():
        attempt = getattr(row, "attempt", None)
        if table.folder is None or attempt is None or pd.isna(attempt):
            continue
        head = {"run": row.run, "arm": row.arm, "label": row.label, "seed": row.seed}
        epochs: dict[int, dict[str, Any]] = {}
        for number in range(1, int(attempt) + 1):
            path = table.folder / "runs" / str(row.run) / str(number) / "epochs.jsonl"
            if path.is_file():
                epochs |= {line["epoch"]: line for line in _json_lines(path)}
        records += [{**head, **epochs[epoch]} for epoch in sorted(epochs)]
    return pd.DataFrame.from_records(records)


def typed(frame: pd.DataFrame, *, metric: str) -> pd.DataFrame:
    """The table with numbers as numbers.

    Raises:
        TableError: If a numeric column holds text; says the column and the row.
    """
    frame = frame.copy()
    numeric = ("seed", "c2_eff", "params", "attention_params", "macs", "epochs_run", "epochs_planned",
               "train_loss", "val_loss", "val_accuracy", "seconds", "attempt", metric)  # fmt: skip
    for name in dict.fromkeys((*numeric, REDUCTION)):
        if name in frame:
            frame[name] = check_numbers(frame[name])
    frame["state"] = frame["state"].fillna("COMPLETE").replace({"FAIL": "FAILED"})
    for name in ("hidden", "channels"):
        lists = [_as_list(value, row=row, column=name) for row, value in frame[name].items()]
        frame[name] = pd.Series(lists, index=frame.index, dtype=object)
    return frame


def _study_row(line: dict[str, Any], folder: Path, *, known: str | None) -> dict[str, Any]:
    row = {k: line.get(k) for k in ("run", "arm", "label", "seed", "stage", "epochs_planned")}
    row |= line.get("factors") or {}
    row |= line.get("cost") or {}
    arm = (line.get("settings") or {}).get("arm") or {}
    row["data"] = (arm.get("data") or {}).get("name", known)
    try:
        outcome = _json_object(folder / "result.json")
    except FileNotFoundError:
        row["state"] = "RUNNING" if folder.is_dir() else "WAITING"
        return row
    row |= {k: outcome.get(k) for k in RESULT_COLUMNS}
    row["error"] = _error_text(outcome.get("error"))
    return row


def _error_text(error: Mapping[str, Any] | None) -> str | None:
    return f"{error.get('type')}: {error.get('message')}" if error else None


def _ordered(factors: list[str], records: list[dict[str, Any]]) -> list[str]:
    extra = dict.fromkeys(key for record in records for key in record)
    head = COLUMNS[: COLUMNS.index("hidden")]
    return list(dict.fromkeys([*head, *factors, *COLUMNS, *extra]))


def _factors_of(frame: pd.DataFrame, *, metric: str) -> list[str]:
    """Columns the contract does not name, that vary, and whose values repeat (an id does not)."""
    rest = [c for c in frame.columns if c not in COLUMNS and c not in (metric, "reduction")]
    found = []
    for name in rest:
        values = frame[name].dropna()
        levels = values.nunique()
        repeats = levels <= max(len(values) // 2, 1) or name == REDUCTION
        if repeats and (levels > 1 or (levels == 1 and len(values) < len(frame))):
            found.append(str(name))
    return found


def _named_baseline(
    frame: pd.DataFrame, factors: list[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in given.items():
        match = [f for f in factors if name in (f, f.rpartition(".")[2])]
        if not match:
            raise TableError(f"`{name}` is no factor of the table; its factors are {factors}.")
        column = frame[match[0]].dropna()
        same = [level for level in column.unique() if _same(level, value)]
        if not same:
            raise TableError(
                f"`{name}` never is {value!r} in the table; its levels are {sorted(map(str, column.unique()))}."
            )
        named[match[0]] = same[0]
    return named


def _same(level: object, value: object) -> bool:
    try:
        return float(str(level)) == float(str(value))
    except ValueError:
        return str(level) == str(value)


def _as_list(value: Any, *, row: Any, column: str) -> list[int] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise TableError(
                f"`{column}` must be a list like [64, 128], but row {row} has {value!r}."
            ) from None
    if isinstance(value, Iterable):
        return [int(item) for item in value]
    return None if value is None or pd.isna(value) else [int(value)]


def _json_file(path: Path, *, what: str) -> dict[str, Any]:
    try:
        return _json_object(path)
    except FileNotFoundError:
        raise TableError(f"{path.parent} is no {what}: it has no {path.name}.") from None


def _json_object(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not readable JSON: {error}.") from None
    if not isinstance(loaded, dict):
        raise TableError(f"{path} must hold an object, but holds a {type(loaded).__name__}.")
    return loaded


def _json_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file; a last line that was cut off while it was written is left out."""
    if not path.is_file():
        raise TableError(f"{path.parent} is no study: it has no {path.name}.")
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    whole = lines[:-1] if not text.endswith("\n") and not _is_json(lines[-1]) else lines
    records = []
    for number, line in enumerate(whole, start=1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise TableError(f"{path}, line {number}: {error}.") from None
    return records


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
