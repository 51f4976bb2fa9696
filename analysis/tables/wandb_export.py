"""Runs that live in W&B, as rows of the runs table: from offline files, a CSV export, or the server.

An export is recognised in either of its two forms: the runs table that W&B's page saves (`Name`,
`State`, one column per configuration and summary value), and the three columns `name`, `config`,
`summary` that W&B's documentation writes from its API.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.tables.csv_file import read_file
from analysis.tables.formats.wandb_file import OfflineRun, offline_files, read_offline_file
from analysis.tables.wandb_rows import LoggedRun, is_missing, table_of

# What the page's export says about a run besides its values.
PAGE = frozenset(
    (
        "ID", "Name", "State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "Group", "Job Type",
        "Hostname", "Description", "Commit", "GPU Count", "GPU Type", "Github", "Start Time", "End Time",
    )
)  # fmt: skip


def is_export(columns: Iterable[str]) -> bool:
    """Whether a CSV with these columns is an export of W&B."""
    names = set(columns)
    return {"Name", "State"} <= names or {"name", "config", "summary"} <= names


def as_runs(
    frame: pd.DataFrame, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that an export holds; one row per run, its last attempt.

    The baseline's levels are in `attrs["baseline"]`, where the runs say what the baseline is.

    Args:
        frame: An export as `csv_file.read_file` reads it; pandas takes a level called None for a missing one.
        study: Take the runs of the study with this name (W&B's group) or this `study_id` only.
        factors: The configuration values that vary, for runs that another program made; those of
            this project say it themselves.

    Raises:
        TableError: If it is no export, or a run does not say its seed or its factors, or no run has a factor.
    """
    found: Iterator[LoggedRun]
    if {"name", "config", "summary"} <= set(frame.columns):
        found = map(_from_api, _records(frame))
    elif {"Name", "State"} <= set(frame.columns):
        plain = {name: _plain(name) for name in map(str, frame.columns) if name not in PAGE}
        found = (_from_page(row, plain) for row in _records(frame))
    else:
        raise TableError(
            "a W&B export has the columns `Name` and `State`, or `name`, `config` and `summary`, "
            f"but this table has {', '.join(map(str, frame.columns))}."
        )
    return table_of(found, study=study, factors=factors)


def read_export(
    path: Path, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that a CSV export holds; see `as_runs`."""
    return as_runs(read_file(path), study=study, factors=factors)


def read_offline(
    folder: Path, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that the offline files below a folder hold; see `as_runs`.

    Raises:
        TableError: If there is no offline file.
    """
    files = offline_files(folder)
    if not files:
        raise TableError(f"{folder} holds no offline file of W&B (`run-*.wandb`).")
    return table_of(
        (_from_file(read_offline_file(path)) for path in files), study=study, factors=factors
    )


def read_server(
    project: str, *, study: str | None = None, factors: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows of the runs table that a project on W&B's server holds; see `as_runs`.

    Args:
        project: `entity/project`.
        study: The study's name, W&B's group.
        factors: As in `as_runs`.
    """
    import wandb

    filters = {"group": study} if study else None
    found = [
        LoggedRun(
            id=run.id,
            name=run.name,
            group=run.group,
            state=run.state,
            config=_flat(run.config),
            summary=dict(run.summary_metrics),
        )
        # Lazily, each run's configuration would be one more request.
        for run in wandb.Api(timeout=30).runs(project, filters=filters, lazy=False)
    ]
    return table_of(found, study=study, factors=factors)


def _records(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows, one at a time: a page's export has hundreds of columns, of which a table keeps a few."""
    names = [*map(str, frame.columns)]
    for values in frame.itertuples(index=False, name=None):
        yield dict(zip(names, values, strict=True))


def _from_file(run: OfflineRun) -> LoggedRun:
    return LoggedRun(
        id=run.id,
        name=run.name,
        group=run.group,
        job_type=run.job_type,
        state={None: "running", 0: "finished"}.get(run.exit_code, "failed"),
        config=_flat(run.config),
        summary=run.summary,
    )


def _from_page(row: Mapping[str, Any], plain: Mapping[str, str]) -> LoggedRun:
    values = {name: row[k] for k, name in plain.items() if not is_missing(row[k])}
    return LoggedRun(
        id=_given(row, "ID"),
        name=_given(row, "Name"),
        group=_given(row, "Group"),
        job_type=_given(row, "Job Type"),
        state=row["State"],
        config=values,
        summary=values,
    )


def _given(row: Mapping[str, Any], column: str) -> Any:
    """What a column of the export says of the run; None where it is empty or not there."""
    value = row.get(column)
    return None if is_missing(value) else value


def _plain(column: str) -> str:
    """A column as the run named it: some of W&B's views say `config.lr`, `attention.value.reduction`."""
    head = re.sub(r"^(config|summary)[.:]", "", column)
    return re.sub(r"^([^.]+)\.value(?=\.|$)", r"\1", head)


def _from_api(row: Mapping[str, Any]) -> LoggedRun:
    config, summary = _dict(row["config"], row["name"]), _dict(row["summary"], row["name"])
    # As the server keeps it, each value is wrapped; its API unwraps it.
    wrapped = config and all(isinstance(v, Mapping) and "value" in v for v in config.values())
    config = {k: v["value"] for k, v in config.items()} if wrapped else config
    return LoggedRun(
        id=_given(row, "id"),
        name=row["name"],
        group=_given(row, "group"),
        state=_given(row, "state"),
        config=_flat(config),
        summary=summary,
    )


def _dict(value: object, name: object) -> dict[str, Any]:
    """A dict, or the text of one as Python or JSON writes it; nothing in it is run."""
    found = value
    if isinstance(value, str):
        try:
            # JSON's NaN and Infinity are missing values, too.
            found = json.loads(value, parse_constant=lambda _: None)
        except json.JSONDecodeError:
            found = _literal(value)
    if not isinstance(found, dict):
        raise TableError(
            f"run {name!r}: `config` and `summary` must be dicts, but one is {value!r}."
        )
    return found


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(_NoNumbers().visit(ast.parse(text, mode="eval")))
    except (ValueError, SyntaxError):
        return None


class _NoNumbers(ast.NodeTransformer):
    """Makes `nan`, `inf` and `-inf`, which Python writes into a dict's text, a missing value.

    And `np.float64(0.5)`, as numpy writes its numbers, the number in it.
    """

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(None) if node.id in ("nan", "inf") else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        return self.visit_Name(node.operand) if isinstance(node.operand, ast.Name) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        numpys = ast.unparse(node.func).startswith(("np.", "numpy."))
        if not numpys or len(node.args) != 1 or node.keywords:
            return node
        return self.visit(node.args[0])  # type: ignore[no-any-return]


def _flat(tree: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{head}{key}.")
        else:
            flat[f"{head}{key}"] = value
    return flat
