"""Write a study's report: one HTML file, its figures, its tables, and the numbers behind them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import TableError
from analysis.plots.drawing.style import Format, save
from analysis.report.evidence.evidence import Evidence, gather
from analysis.report.figures import figures
from analysis.report.page import tables
from analysis.report.page.drawing import inline_svg
from analysis.report.page.numbers import as_given, plural
from analysis.report.page.page import Badge, Drawing, Report, to_html, to_markdown
from analysis.report.sections import answer, provenance, words
from analysis.report.sections.sections import sections
from analysis.report.stored import numbers_of
from plain_files.whole_files import write_text

FORMATS: tuple[Format, ...] = ("svg", "png")


def write_report(
    folder: str | Path,
    *,
    price: float | None = None,
    margin: float | None = None,
    out: str | Path | None = None,
    formats: Sequence[Format] = FORMATS,
) -> Path:
    """Write `folder/report/` and return the path of its `index.html`.

    Works on a study that is still running, and says so in it.

    Args:
        folder: The study folder.
        price: Loss that one weight is worth, in the metric's unit; a sweep of prices without one.
        margin: Half-width of the zone called negligible; without one nothing is called so.
        out: Another folder for it, where the study may only be read.
        formats: Of the figure files; the page has its own.

    Raises:
        TableError: If the folder is no study, or an argument is not positive.
    """
    return write(gather(folder, price=price, margin=margin), out=out, formats=formats)


def write(
    evidence: Evidence, *, out: str | Path | None = None, formats: Sequence[Format] = FORMATS
) -> Path:
    """Write the report of evidence that was gathered before, into `report/` of its study or another folder.

    Raises:
        TableError: If the report's own folder is a link, which could lead out of the study.
    """
    if out is None and (evidence.folder / "report").is_symlink():
        raise TableError(
            f"{evidence.folder / 'report'} is a link, through which nothing is written. Name the folder that you mean: "
            "`--out FOLDER`."
        )
    out = evidence.folder / "report" if out is None else Path(out)
    out.mkdir(parents=True, exist_ok=True)
    report = assemble(evidence, out=out, formats=formats)
    tables.write_tables(report.tables, out / "tables")
    write_text(out / "tables" / "runs_table.csv", tables.csv_of(evidence.table.frame))
    write_text(out / "numbers.json", json.dumps(numbers_of(evidence), indent=1, ensure_ascii=False))
    write_text(out / "report.md", to_markdown(report))
    write_text(out / "index.html", to_html(report))
    write_text(out / "manifest.json", json.dumps(_manifest(out, evidence), indent=1))
    return out / "index.html"


def assemble(evidence: Evidence, *, out: Path, formats: Sequence[Format] = FORMATS) -> Report:
    """The report with its figures drawn and saved under `out/figures`."""
    table = evidence.table
    drawings = {
        name: _drawing(name, evidence, folder=out / "figures", formats=formats)
        for name, picture in figures.PICTURES.items()
        if not picture.missing(evidence)
    }
    return Report(
        study=table.study,
        question=table.question,
        answer=answer.answer(evidence),
        cost=answer.cost(evidence),
        lead=answer.lead(evidence, drawings),
        table=answer.verdict_table(evidence),
        arms=_arms(evidence),
        seeds=tuple(as_given(seed) for seed in sorted(table.frame["seed"].dropna().unique())),
        records=_records(evidence, out),
        badges=tuple(_badges(evidence)),
        verdicts=tuple(words.verdict_lines(evidence)),
        notices=(*words.notices(evidence), *provenance.conflicts(evidence.folder, table)),
        sections=sections(evidence, drawings),
        footer=(
            "Figures as SVG and PNG in figures/, tables as CSV, Markdown and LaTeX in tables/, all numbers "
            "in numbers.json. Hypotheses are judged by the tests named beside them; a p value says nothing "
            "of how large an effect is."
        ),
    )


def _drawing(name: str, evidence: Evidence, *, folder: Path, formats: Sequence[Format]) -> Drawing:
    picture = figures.picture(name)
    wanted: list[Format] = list(dict.fromkeys(["svg", *formats]))
    views = {}
    for view in (None, *picture.views(evidence)):
        file = f"{name}-{view}" if view else name
        paths = save(figures.draw(name, evidence, view=view), folder, file, wanted)
        svg = inline_svg(paths[0].read_text(encoding="utf-8"), name=file)
        views[view or picture.view(evidence)] = svg
    return Drawing(
        name=name,
        title=picture.title,
        caption=picture.caption(evidence),
        views=views,
        wide=picture.wide(evidence),
    )


def _arms(evidence: Evidence) -> dict[str, dict[str, str]]:
    """Label of each arm -> its levels and stages, as the page's filter shows them."""
    frame = evidence.table.frame
    factors = [name for name in evidence.table.factors if name in frame]
    stages = frame.groupby("label", sort=False)["stage"].agg(
        lambda of: ", ".join(dict.fromkeys(of))
    )
    first = frame.drop_duplicates("label").set_index("label")
    return {
        str(label): {
            **{_last(name): as_given(row[name]) for name in factors if pd.notna(row[name])},
            "stage": str(stages[str(label)]),
        }
        for label, row in first.iterrows()
    }


def _records(evidence: Evidence, out: Path) -> tuple[str, ...]:
    """The runs whose records the page can lead to; none where it lies elsewhere than in its study."""
    if out.resolve().parent != evidence.folder.resolve():
        return ()
    frame = evidence.table.frame
    return tuple(frame.loc[frame["state"].isin(["COMPLETE", "PRUNED", "FAILED"]), "run"])


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _badges(evidence: Evidence) -> list[Badge]:
    """What must not be overlooked, and the design; the counts stand in the line of cost."""
    frame = evidence.table.frame
    done = len(frame) - evidence.unfinished
    badges = []
    if evidence.unfinished:
        badges.append(Badge(text=f"not finished: {done:,} of {len(frame):,} runs", tone="warn"))
    badges += [Badge(text=f"{plural(n, 'run')} {state}", tone="warn")
               for state, n in (("failed", int((frame["state"] == "FAILED").sum())),) if n]  # fmt: skip
    design = evidence.table.info.get("design")
    return [*badges, Badge(text=f"design {design}")] if design else badges


def _manifest(out: Path, evidence: Evidence) -> dict[str, Any]:
    files = sorted(
        path for path in out.rglob("*") if path.is_file() and path.name != "manifest.json"
    )
    return {
        "version": 1,
        "price": evidence.price,
        "margin": evidence.margin,
        "files": {
            str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        },
    }
