"""Pages over several studies: an index of a folder of them, and two side by side."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import jinja2
import pandas as pd
from markupsafe import Markup

from analysis.effects.compare import compare
from analysis.errors import TableError
from analysis.plots.drawing.style import save
from analysis.report.evidence.evidence import Evidence
from analysis.report.figures import figures
from analysis.report.page.drawing import inline_svg
from analysis.report.page.numbers import typeset
from analysis.report.page.tables import Column, Table
from analysis.report.sections import answer, words
from plain_files.whole_files import write_text

SHOWN_TOGETHER = ("effects", "ratio", "pareto", "seeds")
"""Figures of two studies side by side, where both have them."""


@dataclass(frozen=True, kw_only=True)
class _Figure:
    title: str
    svg: str


@dataclass(frozen=True, kw_only=True)
class _Study:
    """A study as the pages show it."""

    name: str
    link: str
    question: str
    answer: str
    cost: str
    notices: tuple[str, ...] = ()
    figures: tuple[_Figure, ...] = ()


def write_index(root: Path, studies: Iterable[tuple[Path, Evidence | TableError]]) -> Path:
    """Write `root/index.html`: every study's question, answer, cost and figure, with a link to its report.

    Args:
        root: The folder of studies.
        studies: Each folder, with its evidence or why it could not be read.
    """
    shown = [_one(root, folder, found) for folder, found in studies]
    path = root / "index.html"
    write_text(path, _page(f"Studies in {root.name}", shown))
    return path


def write_pair(a: Evidence, b: Evidence, *, out: Path, margin: float | None = None) -> Path:
    """Write two studies side by side into a folder, and return the page's path.

    Args:
        a: One study.
        b: Another.
        out: Where.
        margin: The largest difference of effects that does not matter.
    """
    out.mkdir(parents=True, exist_ok=True)
    table: Table | None = None
    said: tuple[str, ...] = ()
    try:
        found = compare(a.table, b.table, margin=margin)
    except TableError as why:
        said = (f"The two have no effect in common to compare: {why}",)
    else:
        # The sentences on single effects say what the table's rows do.
        said = tuple(map(typeset, found.sentences()[len(found.frame) :]))
        table = _both(found.frame, a.table.study, b.table.study)
    names = [
        name for name in SHOWN_TOGETHER if not any(figures.picture(name).missing(e) for e in (a, b))
    ]
    shown = [
        _Study(
            name=e.table.study,
            link=_link(e.folder, out),
            question=e.table.question,
            answer=answer.answer(e),
            cost=answer.cost(e),
            notices=tuple(words.notices(e)),
            figures=tuple(_figure(name, e, at=side) for name in names),
        )
        for side, e in (("a", a), ("b", b))
    ]
    title = f"{a.table.study} and {b.table.study}"
    path = out / f"beside-{b.folder.name}.html"
    write_text(path, _page(title, shown, lead=said, table=table, pair=True))
    return path


def _one(root: Path, folder: Path, found: Evidence | TableError) -> _Study:
    link = _link(folder, root)
    if isinstance(found, TableError):
        return _Study(
            name=folder.name, link=link, question="", answer=f"Not read: {found}", cost=""
        )
    leading = [
        name
        for name in answer.LEADING[answer.asked(found)]
        if not figures.picture(name).missing(found)
    ]
    return _Study(
        name=found.table.study,
        link=link,
        question=found.table.question,
        answer=answer.answer(found),
        cost=answer.cost(found),
        notices=tuple(words.notices(found)),
        figures=tuple(_figure(name, found, at=folder.name) for name in leading[:1]),
    )


def _figure(name: str, evidence: Evidence, *, at: str) -> _Figure:
    """A figure of a study, for a page that shows several studies: `at` tells them apart."""
    drawn = figures.draw(name, evidence)
    with TemporaryDirectory() as folder:
        (path,) = save(drawn, Path(folder), name, ["svg"])
        text = path.read_text(encoding="utf-8")
    # Ids must differ between the studies of one page, whatever these are called.
    svg = inline_svg(text, name=f"{name}-{at.encode().hex()}")
    return _Figure(title=figures.picture(name).title, svg=svg)


def _link(folder: Path, beside: Path) -> str:
    """To the report of a study, from a page in another folder."""
    target = (folder / "report" / "index.html").resolve()
    return quote(Path(os.path.relpath(target, beside.resolve())).as_posix())


def _both(frame: pd.DataFrame, a: str, b: str) -> Table:
    """The comparison's own frame, a row each effect."""
    return Table(
        name="both",
        title=f"The same effects in {a} and in {b}",
        caption="Each against its own study's baseline; marginal intervals, Holm's p over the effects of this table.",
        frame=frame,
        columns=(
            Column(title="Effect", name="label"),
            Column(title=f"In {a}", name="a", form="signed"),
            Column(title="95 % interval", name="a_low", high="a_high", form="number"),
            Column(title=f"In {b}", name="b", form="signed"),
            Column(title="95 % interval", name="b_low", high="b_high", form="number"),
            Column(title="Difference", name="difference", form="signed"),
            Column(title="95 % interval", name="low", high="high", form="number"),
            Column(title="Holm p", name="p_holm", form="p"),
            Column(title="Verdict", name="verdict"),
        ),
    )


def _page(
    title: str,
    studies: Sequence[_Study],
    *,
    lead: Sequence[str] = (),
    table: Table | None = None,
    pair: bool = False,
) -> str:
    here = files("analysis.report.page")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(here.joinpath("studies.html.j2").read_text("utf-8"))
    css = Markup(here.joinpath("page.css").read_text("utf-8"))
    return template.render(title=title, studies=studies, lead=lead, table=table, pair=pair, css=css)
