"""The report as one HTML file: everything it needs is in it, and nothing in it leads elsewhere."""

import json
import re
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from analysis.report.page import tables
from analysis.report.page.numbers import as_given, typeset
from analysis.report.page.tables import Table, to_csv, to_latex
from plain_files.words import markdown

MOST_ROWS = 200
"""The page shows so many rows of a table: a browser lays out thousands in seconds, and nobody reads them there."""
MOST_ON_PAPER = 60
"""Rows of a closed table that are printed whole."""
LIST = 2
"""Columns of a list, such as the baseline's settings: it is printed whole, its parts side by side."""
FEW_ON_PAPER = 12
"""Of more, so many are: they show what the file beside the page has."""
KEPT = "!$()*+,-./:;=?@[]_|~{}"
"""Signs that stand for themselves in a data address."""
OF_RUN = re.compile(r' data-run="([^"]*)"')
"""Of a mark (`analysis.plots.drawing.marks`)."""
RECORD = "../runs/{run}/result.json"
"""Where a run's record is, seen from a report that lies in its study."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure with its caption."""

    name: str
    """The name that `ablate plot` knows it by."""
    title: str
    caption: str
    views: dict[str, str]
    """View -> its `<svg>`; the first is shown, a click shows another."""
    wide: bool = False


Drawings = dict[str, Drawing]
"""Name -> figure, for those that could be drawn."""


def drawn(drawings: Drawings, name: str) -> list[Drawing]:
    """The figure of that name, if it could be drawn."""
    return [drawings[name]] if name in drawings else []


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with its text, figures and tables, in the order they are read."""

    anchor: str
    title: str
    kind: str = ""
    """`planned`, `exploratory`, or empty where it is neither."""
    text: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    """The same as the parts show, in sentences, for those who quote; the page has them folded."""
    parts: tuple[Drawing | Table, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A word about the study under its name."""

    text: str
    tone: str = ""
    """`warn` where a reader must not overlook it."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that is said about a study, before it becomes HTML, Markdown or LaTeX."""

    study: str
    question: str = ""
    answer: str = ""
    """One sentence that answers the question."""
    cost: str = ""
    """What was run for it."""
    lead: Drawing | None = None
    """The figure that shows the answer."""
    table: Table | None = None
    """The verdicts, a row each."""
    arms: dict[str, dict[str, str]] = field(default_factory=dict)
    """Label of each arm -> level of each factor: what the page's figures and tables are filtered by."""
    seeds: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    """Runs whose record lies at `RECORD`, seen from the page."""
    badges: tuple[Badge, ...] = ()
    verdicts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    """What must be known before any number is used: a running study, lost runs, a broken fit."""
    sections: tuple[Section, ...] = ()
    footer: str = ""

    @property
    def tables(self) -> list[Table]:
        """Every table, in reading order."""
        first = [self.table] if self.table is not None else []
        return first + [part for s in self.sections for part in s.parts if isinstance(part, Table)]


@dataclass(frozen=True)
class _Cell:
    text: str
    number: bool
    value: str


@dataclass(frozen=True)
class _Row:
    cells: list[_Cell]
    mark: str = ""
    arm: str = ""
    """Label of the arm that it is of."""
    seed: str = ""
    run: str = ""
    record: str = ""
    """Where its run's record is; empty where it has none beside the page."""


@dataclass(frozen=True)
class _ShownTable:
    name: str
    title: str
    caption: str
    folded: bool
    of: int
    """Rows in all; the page has the first `MOST_ROWS` of them."""
    on_paper: int
    """So many rows at most are printed."""
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)
    csv: str = ""
    latex: str = ""
    """The table in these forms, as addresses that hold it; empty where the page has a part of it."""


def to_html(report: Report) -> str:
    """The whole page."""
    here = files("analysis.report.page")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = _code
    template = environment.from_string(here.joinpath("page.html.j2").read_text("utf-8"))
    safe = {
        name: Markup(here.joinpath(f"page.{name}").read_text("utf-8")) for name in ("css", "js")
    }
    return template.render(report=_shown(report), css=safe["css"], script=safe["js"])


def _code(text: str) -> Markup:
    """The text with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return Markup(escape(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else escape(part)
        for i, part in enumerate(parts)
    )


def to_markdown(report: Report) -> str:
    """The same in Markdown, with the figures as files beside it."""
    said = [f"# {report.study}", report.question, report.answer, report.cost]
    lines = [markdown(line) for line in said]
    lines += [tables.to_markdown(report.table).rstrip()] if report.table is not None else []
    lines += [markdown(line) for line in (*report.verdicts, *report.notices)]
    for section in report.sections:
        kind = f" ({section.kind})" if section.kind else ""
        text = map(typeset, (*section.text, *section.said))
        lines += [markdown(line) for line in (f"## {section.title}{kind}", *text)]
        for part in section.parts:
            if isinstance(part, Table):
                lines.append(tables.to_markdown(part).rstrip())
            else:
                lines.append(f"![{part.title}](figures/{part.name}.svg)")
                lines.append(markdown(f"**{part.title}.** {part.caption}"))
    lines.append(report.footer)
    return "\n\n".join(line for line in lines if line) + "\n"


def _shown(report: Report) -> dict[str, Any]:
    sections = [
        {
            "anchor": section.anchor,
            "title": section.title,
            "kind": section.kind,
            "text": [typeset(line) for line in section.text],
            "said": [typeset(line) for line in section.said],
            "parts": [
                _shown_table(p, report) if isinstance(p, Table) else p
                for p in section.parts
                if p is not report.lead
            ],
        }
        for section in report.sections
    ]
    return {
        "study": report.study,
        "question": report.question,
        "answer": report.answer,
        "cost": report.cost,
        "lead": report.lead,
        "table": None if report.table is None else _shown_table(report.table, report),
        "index": _in_script(report.arms),
        "records": _in_script(_recorded_here(report)),
        "record_at": RECORD,
        "picks": _picks(report),
        "badges": report.badges,
        "verdicts": report.verdicts,
        "notices": report.notices,
        "sections": sections,
        "footer": report.footer,
    }


def _in_script(value: object) -> str:
    """The value as JSON, which no `<` can end."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _recorded_here(report: Report) -> list[str]:
    """Runs with a record that the page shows: of a hundred thousand it has a few points and rows."""
    drawings = [part for s in report.sections for part in s.parts if isinstance(part, Drawing)]
    drawings += [report.lead] if report.lead is not None else []
    shown = {run for one in drawings for svg in one.views.values() for run in OF_RUN.findall(svg)}
    for table in report.tables:
        if "run" in table.frame:
            shown.update(map(str, table.frame["run"].head(MOST_ROWS)))
    return [run for run in report.records if run in shown]


def _record(run: str) -> str:
    return RECORD.format(run=quote(run, safe=""))


def _picks(report: Report) -> dict[str, list[str]]:
    """What the page can be filtered by -> the values there are, where there are two or more."""
    picks: dict[str, list[str]] = {"arm": list(report.arms), "seed": list(report.seeds)}
    for levels in report.arms.values():
        for factor, level in levels.items():
            there = picks.setdefault(factor, [])
            if level not in there:
                there.append(level)
    return {name: values for name, values in picks.items() if len(values) > 1}


def _shown_table(table: Table, report: Report) -> _ShownTable:
    of = len(table.frame)
    is_cut = of > MOST_ROWS
    table = replace(table, frame=table.frame.head(MOST_ROWS)) if is_cut else table
    texts, arms, recorded = table.texts(), report.arms, set(report.records)
    rows = []
    known = set(table.frame.columns)
    for i, (_, row) in enumerate(table.frame.iterrows()):
        label = str(row["label"]) if "label" in known and row["label"] in arms else ""
        seed = as_given(row["seed"]) if "seed" in known and row["seed"] == row["seed"] else ""
        run = str(row["run"]) if "run" in known else ""
        cells = [
            _Cell(text, column.is_number, _sort_key(row[column.name]) if column.is_number else "")
            for text, column in zip(texts[i], table.columns, strict=True)
        ]
        rows.append(
            _Row(
                cells,
                table.mark[i] if table.mark else "",
                label,
                seed,
                run,
                _record(run) if run in recorded else "",
            )
        )
    columns = [{"title": c.title, "number": c.is_number} for c in table.columns]
    forms = (
        ()
        if is_cut
        else (_address("text/csv", to_csv(table)), _address("application/x-tex", to_latex(table)))
    )
    caption = f"{table.caption} {_cut(of)}".strip() if is_cut else table.caption
    return _ShownTable(
        table.name,
        table.title,
        caption,
        table.folded,
        of,
        _printed(table, of),
        columns,
        rows,
        *forms,
    )


def _printed(table: Table, of: int) -> int:
    if table.folded and table.drawn:
        return 0
    long = table.folded and of > MOST_ON_PAPER and len(table.columns) > LIST
    return FEW_ON_PAPER if long else MOST_ROWS


def _cut(of: int) -> str:
    return f"Here are the first {MOST_ROWS} rows; the other {of - MOST_ROWS:,} stand in the file beside this page:"


def _address(kind: str, text: str) -> str:
    """A data address that holds the text."""
    return f"data:{kind};charset=utf-8,{quote(text, safe=KEPT)}"


def _sort_key(value: object) -> str:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    if number != number:
        return ""
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(number, repr(number))
