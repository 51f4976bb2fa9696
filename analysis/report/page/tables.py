"""A table of the report, and the same as CSV, Markdown and LaTeX."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.report.page.numbers import interval, loss, number, signed
from plain_files.numbers import LOSS, as_given, in_table, p_value
from plain_files.whole_files import write_text
from plain_files.words import cell, markdown

FORMS: dict[str, Callable[[object], str]] = {
    "text": lambda value: "" if _empty(value) else str(value),
    "count": lambda value: _count(value),
    "level": lambda value: "" if _empty(value) else as_given(float(value)),  # type: ignore[arg-type]
    "width": lambda value: "" if _empty(value) else in_table(float(value)),  # type: ignore[arg-type]
    "number": number,
    "signed": lambda value: signed(value),
    "loss": loss,
    "percent": lambda value: _percent(value),
    "p": p_value,
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column as it is shown; the CSV holds the frame's own columns, unrounded."""

    title: str
    name: str
    """The frame's column; for an interval, its lower end."""
    form: str = "text"
    """A key of `FORMS`."""
    high: str = ""
    """The frame's column with an interval's upper end."""

    @property
    def is_number(self) -> bool:
        """Whether the column is sorted by value and set flush right."""
        return self.form != "text"

    def text(self, row: "pd.Series[Any]") -> str:
        """The cell as the reader sees it."""
        if self.high and self.form == "percent":
            band = interval(100 * row[self.name], 100 * row[self.high])
            return f"{band} %" if band else ""
        if self.high and self.form == "count":
            return interval(row[self.name], row[self.high], write=FORMS["count"])
        if self.high:
            digits = LOSS if self.form == "loss" else 3
            return interval(row[self.name], row[self.high], digits)
        return FORMS[self.form](row[self.name])


INTERVAL = Column(title="95 % interval", name="low", high="high", form="number")
"""The column of an estimate's interval, in frames whose columns are `low` and `high`."""
RUN = Column(title="Run", name="run")
ARM = Column(title="Arm", name="label")
SEED = Column(title="Seed", name="seed", form="count")
STATE = Column(title="State", name="state")
ACCURACY = Column(title="Accuracy", name="val_accuracy", form="percent")
"""Columns of the runs table, and of what is made of it by run or by arm."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A frame with its title, what it says, and how its columns are shown."""

    name: str
    title: str
    caption: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    folded: bool = False
    """Whether the page shows it closed: long lists that few readers need."""
    drawn: bool = False
    """Whether a figure shows its rows, so that a closed table is not printed."""
    mark: tuple[str, ...] = ()
    """A class for each row of the page; empty for none."""

    def texts(self) -> list[list[str]]:
        """The cells as the reader sees them."""
        return [[column.text(row) for column in self.columns] for _, row in self.frame.iterrows()]


def listing(
    name: str,
    title: str,
    caption: str,
    rows: Iterable[tuple[str, str]],
    *,
    of: tuple[str, str],
    folded: bool = False,
) -> Table:
    """A table of two columns of text; `of` names them, and with a capital heads them."""
    return Table(
        name=name,
        title=title,
        caption=caption,
        frame=pd.DataFrame(list(rows), columns=list(of)),
        columns=tuple(Column(title=column.capitalize(), name=column) for column in of),
        folded=folded,
    )


def filled(frame: pd.DataFrame, *columns: Column) -> tuple[Column, ...]:
    """Those of the columns that have a value in some row."""
    return tuple(column for column in columns if frame[column.name].notna().any())


def metric_column(name: str) -> Column:
    """The column of a metric."""
    usual = {
        "val_loss": Column(title="Loss", name="val_loss", form="loss"),
        "val_accuracy": ACCURACY,
    }
    return usual.get(name, Column(title=name, name=name, form="number"))


def if_any(make: Callable[[pd.DataFrame], Table], rows: pd.DataFrame) -> list[Table]:
    """The table of the rows, if there are any."""
    return [make(rows)] if len(rows) else []


def write_tables(tables: list[Table], folder: Path) -> None:
    """Write every table as CSV (unrounded), Markdown and LaTeX (as shown), and all LaTeX in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        write_text(folder / f"{table.name}.csv", to_csv(table))
        write_text(folder / f"{table.name}.md", to_markdown(table))
        write_text(folder / f"{table.name}.tex", to_latex(table))
    everything = "\n".join(to_latex(table) for table in tables)
    write_text(folder / "all.tex", f"% Needs \\usepackage{{booktabs}}.\n{everything}")


def to_csv(table: Table) -> str:
    """The frame with every digit, so that reading it back gives the same numbers."""
    return csv_of(table.frame)


def csv_of(frame: pd.DataFrame) -> str:
    """The frame as CSV; a text that a spreadsheet would compute stands behind an apostrophe."""
    safe = frame.map(lambda value: cell(value) if isinstance(value, str) else value)
    return safe.rename(columns=lambda name: cell(str(name))).to_csv(
        index=False, lineterminator="\n"
    )


def to_markdown(table: Table) -> str:
    """A pipe table, as shown on the page."""
    lines = [
        [column.title for column in table.columns],
        ["---:" if column.is_number else "---" for column in table.columns],
        *table.texts(),
    ]
    body = "\n".join("| " + " | ".join(_pipe(cell) for cell in line) + " |" for line in lines)
    return f"**{markdown(table.title)}.** {markdown(table.caption)}\n\n{body}\n"


def to_latex(table: Table) -> str:
    """A `table` float with booktabs rules, as shown on the page."""
    kinds = "".join("r" if column.is_number else "l" for column in table.columns)
    head = " & ".join(_tex(column.title) for column in table.columns)
    rows = "\n".join(" & ".join(_tex(cell) for cell in line) + r" \\" for line in table.texts())
    return (
        f"\\begin{{table}}\n\\caption{{{_tex(table.title)}. {_tex(table.caption)}}}\n"
        f"\\label{{tab:{table.name}}}\n\\begin{{tabular}}{{{kinds}}}\n\\toprule\n{head} \\\\\n\\midrule\n"
        f"{rows}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": r"\ensuremath{<}", ">": r"\ensuremath{>}", "−": r"\ensuremath{-}", "∞": r"\ensuremath{\infty}",
        "κ": r"\ensuremath{\kappa}", "λ": r"\ensuremath{\lambda}", "σ": r"\ensuremath{\sigma}",
        "×": r"\ensuremath{\times}", "≥": r"\ensuremath{\geq}", "≤": r"\ensuremath{\leq}",
        "±": r"\ensuremath{\pm}", "²": r"\ensuremath{^2}", "³": r"\ensuremath{^3}", "·": r"\ensuremath{\cdot}",
        "→": r"\ensuremath{\to}", "Δ": r"\ensuremath{\Delta}", "η": r"\ensuremath{\eta}",
    }
)  # fmt: skip


def _count(value: object) -> str:
    if _empty(value):
        return ""
    x = float(value)  # type: ignore[arg-type]
    return f"{x:,.0f}".replace("-", "−") if math.isfinite(x) else number(x)


def _percent(value: object) -> str:
    if _empty(value):
        return ""
    return f"{100 * float(value):.2f} %".replace("-", "−")  # type: ignore[arg-type]


def _tex(text: str) -> str:
    return text.translate(_TEX)


def _pipe(text: str) -> str:
    return markdown(text).replace("|", "\\|").replace("\n", " ")


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA
