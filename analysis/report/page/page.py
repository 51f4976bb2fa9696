"""The report as one HTML file: everything it needs is in it, and nothing in it leads elsewhere."""

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from analysis.report.page.numbers import typeset
from analysis.report.page.tables import Table
from plain_files.words import markdown


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure with its caption."""

    name: str
    """The name that `ablate plot` knows it by."""
    title: str
    caption: str
    svg: str
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
    badges: tuple[Badge, ...] = ()
    verdicts: tuple[str, ...]
    notices: tuple[str, ...] = ()
    """What must be known before any number is used: a running study, lost runs, a broken fit."""
    sections: tuple[Section, ...] = ()
    footer: str = ""

    @property
    def tables(self) -> list[Table]:
        """Every table, in reading order."""
        return [part for s in self.sections for part in s.parts if isinstance(part, Table)]


@dataclass(frozen=True)
class _Cell:
    text: str
    number: bool
    value: str


@dataclass(frozen=True)
class _Row:
    cells: list[_Cell]
    mark: str = ""


@dataclass(frozen=True)
class _ShownTable:
    name: str
    title: str
    caption: str
    folded: bool
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)


def to_html(report: Report) -> str:
    """The whole page."""
    here = files("analysis.report.page")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(here.joinpath("page.html.j2").read_text("utf-8"))
    safe = {
        name: Markup(here.joinpath(f"page.{name}").read_text("utf-8")) for name in ("css", "js")
    }
    return template.render(report=_shown(report), css=safe["css"], script=safe["js"])


def to_markdown(report: Report) -> str:
    """The same in Markdown, with the figures as files beside it."""
    from analysis.report.page import tables

    said = [f"# {report.study}", report.question, *report.verdicts, *report.notices]
    lines = [markdown(line) for line in said]
    for section in report.sections:
        kind = f" ({section.kind})" if section.kind else ""
        lines += [
            markdown(line) for line in (f"## {section.title}{kind}", *map(typeset, section.text))
        ]
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
            "parts": [_shown_table(p) if isinstance(p, Table) else p for p in section.parts],
        }
        for section in report.sections
    ]
    return {
        "study": report.study,
        "question": report.question,
        "badges": report.badges,
        "verdicts": report.verdicts,
        "notices": report.notices,
        "sections": sections,
        "footer": report.footer,
    }


def _shown_table(table: Table) -> _ShownTable:
    texts = table.texts()
    rows = []
    for i, (_, row) in enumerate(table.frame.iterrows()):
        cells = [
            _Cell(text, column.is_number, _sort_key(row[column.name]) if column.is_number else "")
            for text, column in zip(texts[i], table.columns, strict=True)
        ]
        rows.append(_Row(cells, table.mark[i] if table.mark else ""))
    columns = [{"title": c.title, "number": c.is_number} for c in table.columns]
    return _ShownTable(table.name, table.title, table.caption, table.folded, columns, rows)


def _sort_key(value: object) -> str:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    if number != number:
        return ""
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(number, repr(number))
