"""Commands that show a study: report and plot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ablations.cli.options.arguments import ROOT, Flag, Root, as_named, find_study
from ablations.cli.options.reading_options import READ_FOR_PEOPLE, ForPeople
from ablations.cli.options.tables import warn
from ablations.errors import SettingError, StudyError, one_of
from plain_files.study_folders import studies_in

if TYPE_CHECKING:
    from analysis.plots.drawing.style import Format
    from analysis.tables.runs_table import RunsTable

ATTACHED = {
    "attached": "Its figures and verdict are attached to the study: `ablate dashboard` shows them.",
    "running": (
        "The study is running, and its supervisor is the one that writes: `ablate dashboard`, or this "
        "command again, attaches the report when it has ended."
    ),
}
Out = Annotated[
    Path | None,
    Parameter(help="Another folder to write to, where the study may only be read."),
]
Price = Annotated[float | None, Parameter(name="--price-per-param", alias="-p")]


def report(
    study: str | None = None,
    /,
    *,
    every: Annotated[bool, Parameter(name="--all", negative=())] = False,
    beside: str | None = None,
    price: Price = None,
    margin: float | None = None,
    verify: Flag = False,
    open_page: Annotated[bool, Parameter(name="--open", alias="-o", negative=())] = False,
    out: Out = None,
    root: Root = ROOT,
) -> None:
    """Write a study's report (one HTML file, figures, tables) and print its verdicts.

    Figures and verdict are also attached to the study in Optuna's journal, where the dashboard shows
    them, unless the study is running.

    Args:
        study: Name or folder of the study.
        every: Instead of one, every study here, with an index page over them.
        beside: Another study: write the two side by side, and what differs between them.
        price: What one weight is worth, in the metric's unit; without it, every price is shown.
        margin: Differences below it are negligible; without it nothing is called so.
        verify: Compare the written report with what the records say now.
        open_page: Show the page in the browser afterwards.
    """
    if every:
        if study is not None or beside is not None or verify or out is not None:
            raise SettingError(
                "`--all` is of every study here: leave out the name, --beside, --verify and --out."
            )
        page = _every(root, price=price, margin=margin)
        if open_page:
            _open(page)
        return
    if study is None:
        raise SettingError("name a study (`ablate list` says which there are), or give --all.")
    folder = find_study(root, study)
    if verify:
        _refuse_beside_verify({"--price-per-param": price, "--margin": margin, "--open": open_page})
        _verify(folder, out)
        return
    if beside is not None:
        page = _pair(folder, find_study(root, beside), price=price, margin=margin, out=out)
        if open_page:
            _open(page)
        return
    if out is not None and out.exists() and not out.is_dir():
        raise SettingError(f"`--out` names a folder to write to, but {str(out)!r} is a file.")
    from analysis.report.build import write
    from analysis.report.evidence.evidence import gather
    from analysis.report.sections.words import notices, verdict_lines

    evidence = gather(folder, price=price, margin=margin)
    # Before anything is written: a full disk takes the page, not the answer.
    for line in (*verdict_lines(evidence), *notices(evidence)):
        print(line)
    try:
        page = write(evidence, out=out)
    except OSError as error:
        where = folder / "report" if out is None else out
        otherwise = "" if out is not None else " `--out FOLDER` writes it elsewhere."
        raise StudyError(f"the report was not written to {where}: {error}.{otherwise}") from None
    print(f"Report: {page}")
    if out is None:
        _attach(folder)
    if open_page:
        _open(page)


def plot(
    study: str,
    name: str,
    /,
    *,
    format_: Annotated[str, Parameter(name="--format")] = "svg,png",
    style: Literal["paper", "screen"] = "screen",
    view: str | None = None,
    price: Price = None,
    margin: float | None = None,
    arm: str | None = None,
    block: str | None = None,
    out: Out = None,
    reading: ForPeople = READ_FOR_PEOPLE,
) -> None:
    """Draw one figure of a study into its report/plots, or of a CSV into plots/ beside it, and print the files.

    Args:
        study: Name or folder of the study, or a CSV with seed, val_loss and factors.
        name: The figure: ratio, prices, pareto, effects ...; a wrong name lists them all.
        format_: svg, pdf, png; several with commas between.
        style: paper is 85 or 175 mm wide with 7.5 pt, screen is larger.
        view: Another view of it: paired (of seeds), log, linear or front (of pareto).
        price: What one weight is worth, in the metric's unit.
        margin: Differences below it are negligible.
        arm: With the figures gates, channels and drops: the arm's label, of gates also all; the baseline by default.
        block: With the figure channels: the block whose channels are drawn; the last by default.
    """
    from analysis.plots.drawing.style import save
    from analysis.report.evidence.evidence import gather
    from analysis.report.figures.figures import draw, picture

    picture(name)  # a wrong name is told before the study is read
    for option, given, of in (
        ("--arm", arm, ("gates", "channels", "drops")),
        ("--block", block, ("channels",)),
    ):
        if given is not None and name not in of:
            figures = (
                " and ".join(map(repr, of)) if len(of) < 3 else "'gates', 'channels' and 'drops'"
            )
            noun = "figure" if len(of) == 1 else "figures"
            raise SettingError(
                f"`{option}` belongs to the {noun} {figures}, but {name!r} is drawn: leave it out."
            )
    formats = _formats(format_)
    evidence = gather(
        _runs_of(study, reading),
        price=price,
        margin=margin,
        every_importance=name == "importance",
        gates_of=arm,
        gates_in=block,
    )
    figure = draw(name, evidence, style=style, view=view)
    told = (name, view, reading.metric and reading.metric.replace("/", "-"))
    file = "-".join(filter(None, told))
    beside = Path(study).parent if evidence.table.folder is None else evidence.folder / "report"
    where = beside / "plots" if out is None else out
    if evidence.table.folder is not None:
        warn(evidence.table.remarks)
    try:
        paths = save(figure, where, file, formats)
    except OSError as error:
        raise StudyError(
            f"the figure was not written to {where}: {error}. `--out FOLDER` names another folder."
        ) from None
    for path in paths:
        print(path)


def _runs_of(name: str, reading: ForPeople) -> "Path | RunsTable":
    """The folder of the study of that name, or the table in the file of that name."""
    from ablations.cli.words.result_text import print_reading

    if Path(name).is_file():
        table = reading.table(name)
        print_reading(table)
        return table
    folder = find_study(reading.root, name)
    foreign = [option for option in reading.of_tables() if option != "metric"]
    if foreign:
        raise SettingError(
            f"`--{foreign[0]}` says how a table without a study is read, but {name!r} is a study. Leave it out."
        )
    return folder if reading.metric is None else reading.table(name)


def _every(root: Path, *, price: float | None, margin: float | None) -> Path:
    """Write the report of every study in a folder, and an index over them."""
    from analysis.errors import TableError
    from analysis.report.build import write
    from analysis.report.evidence.evidence import Evidence, gather
    from analysis.report.several import write_index

    folders = studies_in(root)
    if not folders:
        raise StudyError(f"there is no study in {root}/; start one with `ablate run SPACE`.")
    found: list[tuple[Path, Evidence | TableError]] = []
    for folder in folders:
        try:
            evidence = gather(folder, price=price, margin=margin)
            print(f"{folder.name}: {write(evidence)}")
            found.append((folder, evidence))
        except (TableError, OSError) as why:
            print(f"{folder.name}: no report: {why}")
            found.append((folder, TableError(str(why))))
    page = write_index(root, found)
    print(f"Index: {page}")
    return page


def _pair(
    folder: Path, other: Path, *, price: float | None, margin: float | None, out: Path | None
) -> Path:
    """Write two studies side by side."""
    from analysis.report.evidence.evidence import gather
    from analysis.report.several import write_pair

    if folder.resolve() == other.resolve():
        raise SettingError(
            f"`--beside` needs another study, but got {folder.name!r} itself; `ablate list` says which there are."
        )
    a, b = (gather(one, price=price, margin=margin) for one in (folder, other))
    page = write_pair(a, b, out=folder / "report" if out is None else out, margin=margin)
    print(f"Side by side: {page}")
    return page


def _formats(text: str) -> "list[Format]":
    formats: list[Format] = []
    for part in text.split(","):
        match part.strip():
            case "svg" | "pdf" | "png" as known:
                formats.append(known)
            case other:
                raise SettingError(one_of("format", other, ("svg", "pdf", "png")))
    return formats


def _refuse_beside_verify(given: dict[str, object]) -> None:
    for option, value in given.items():
        if value:
            raise SettingError(
                f"`{option}` has no effect beside --verify, which takes the written report's own: leave it out."
            )


def _verify(folder: Path, out: Path | None) -> None:
    from analysis.report.verify import verify_report

    found = verify_report(folder, out=out)
    if found.holds:
        print(f"The report is what the records say: {found.compared:,} values compared.")
        return
    for line in found.differences[:20]:
        print(line)
    more = len(found.differences) - 20
    rest = f" ({more:,} more not shown)" if more > 0 else ""
    raise StudyError(
        f"the report differs from the records in {len(found.differences):,} of {found.compared:,} "
        f"values{rest}. If the study went on since, write the report again."
    )


def _attach(folder: Path) -> None:
    """Attach what was written to the study in Optuna's journal, and say what is left to do elsewhere."""
    import sys
    from importlib.util import find_spec

    from ablations.tracking.wandb.sync import is_sent
    from analysis.tables.formats.wandb_file import offline_files

    if find_spec("optuna_dashboard") is not None:
        from ablations.tracking.optuna.attach import attach_report

        try:
            outcome = attach_report(folder)
        except (StudyError, OSError) as error:
            print(
                f"warning: the report is not attached for the dashboard: {error}", file=sys.stderr
            )
        else:
            if outcome in ATTACHED:
                print(ATTACHED[outcome])
    # Nothing is sent unasked: a server that does not answer must not hold up a report.
    if any(map(is_sent, offline_files(folder / "wandb"))):
        print(
            f"W&B has the study without this report: `ablate wandb {as_named(folder)} --sync` sends it."
        )


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        print(f"No browser was found; open {page.resolve()} yourself.")
