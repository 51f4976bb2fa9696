import json
import re

import pandas as pd
import pytest

from analysis.report.page.page import (
    FEW_ON_PAPER,
    MOST_ON_PAPER,
    MOST_ROWS,
    Drawing,
    Report,
    Section,
    to_html,
    to_markdown,
)
from analysis.report.page.tables import Column, Table, write_tables


def report(rows: int, columns: int = 3, **how: bool) -> Report:
    table = Table(
        name="arms",
        title="Arms",
        caption="Means.",
        frame=pd.DataFrame({"label": [f"arm{i}" for i in range(rows)], "n": 5}),
        columns=(Column(title="Arm", name="label"),)
        + (Column(title="n", name="n"),) * (columns - 1),
        **{"folded": True, **how},
    )
    return Report(study="s", sections=(Section(anchor="arms", title="Arms", parts=(table,)),))


@pytest.mark.parametrize(("more", "shown"), [(0, MOST_ROWS), (1001, MOST_ROWS)])
def test_the_page_has_the_first_rows_of_a_long_table_and_says_where_the_rest_is(more, shown):
    page = to_html(report(MOST_ROWS + more))
    assert page.count("<td>arm") == shown
    assert (f"<td>arm{MOST_ROWS - 1}<" in page, f"<td>arm{MOST_ROWS}<" in page) == (True, False)
    assert f"Arms ({MOST_ROWS + more:,} rows)" in page
    assert ("the other 1,001 stand in the file beside this page: <" in page) == bool(more)
    assert ("data:text/csv" in page) == (
        not more
    )  # a download of a part would be taken for the whole


@pytest.mark.parametrize(
    ("rows", "how", "printed", "said"),
    [
        (MOST_ON_PAPER, {}, MOST_ON_PAPER, ""),
        (MOST_ON_PAPER + 1, {}, FEW_ON_PAPER, "Printed: the first 12 rows; all 61 stand in"),
        (MOST_ON_PAPER + 1, {"columns": 2}, MOST_ON_PAPER + 1, ""),
        (9, {"drawn": True}, 0, "Not printed; its rows stand in"),
        (MOST_ON_PAPER + 1, {"folded": False}, MOST_ON_PAPER + 1, ""),
        (9, {"folded": False, "drawn": True}, 9, ""),
    ],
)
def test_a_closed_table_that_is_long_or_drawn_is_not_printed_whole(rows, how, printed, said):
    page = to_html(report(rows, **how))
    assert page.count("<td>arm") == rows
    assert page.count("<td>arm") - page.count(' off-paper"') == printed
    assert ('class="unprinted"' in page) == (printed == 0)
    found = re.findall(r'<span class="paper">(.*?)</span>', page)
    assert found == ([said] if said else [])


def test_files_and_markdown_have_all_rows_of_a_long_table(tmp_path):
    long = report(MOST_ROWS + 1)
    write_tables(long.tables, tmp_path)
    last = f"arm{MOST_ROWS}"
    for text in (
        to_markdown(long),
        *((tmp_path / f"arms.{form}").read_text() for form in ("csv", "md", "tex")),
    ):
        assert last in text


def test_the_page_knows_the_records_of_the_runs_that_it_shows_and_of_no_others():
    many = [f"r{i}" for i in range(MOST_ROWS + 1000)]
    rows = Table(
        name="runs",
        title="Runs",
        caption="",
        frame=pd.DataFrame({"run": many}),
        columns=(Column(title="Run", name="run"),),
    )
    point = '<svg><use class="mark" data-run="r1000"><title>one</title></use></svg>'
    drawing = Drawing(name="seeds", title="Seeds", caption="", views={"raw": point})
    section = Section(anchor="runs", title="Runs", parts=(rows, drawing))
    page = to_html(Report(study="s", records=tuple(many), sections=(section,)))
    (found,) = re.findall(r'id="records-by-run"[^>]*>(.*?)</script>', page)
    assert json.loads(found) == [*many[:MOST_ROWS], "r1000"]
