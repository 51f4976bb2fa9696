"""Tables of commands: no row spoils another, and a cell is told as it is."""

import io

import pandas as pd
import pytest
from rich.console import Console
from rich.text import Text

from ablations.cli.words import list_text
from ablations.cli.words.aligned import PADDED, aligned
from ablations.cli.words.console import Rows, make_console
from ablations.cli.words.result_text import print_table

LONG = "n" * 200


def written(table: Rows, *, columns: int | None = None) -> list[str]:
    """The lines of a file, or of a terminal of so many columns."""
    file = io.StringIO()
    console = make_console()
    if columns:
        console = Console(force_terminal=True, width=columns, soft_wrap=True, color_system=None)
    console.file = file
    console.print(table)
    return file.getvalue().splitlines()


def table() -> Rows:
    made = Rows(("study", "state"), ("runs",), ("question",))
    made.add_row("[red]a[/] \\[b]", "ended", "12", "Does \x1b[2J it matter?")
    made.add_row(LONG, Text("stopped", style="red"), "3", "two\nlines")
    made.add_row("中文", "", "", "")
    return made


def test_a_long_cell_moves_its_own_row_and_no_other() -> None:
    assert written(table()) == [
        "study           state    runs  question",
        "[red]a[/] \\[b]  ended      12  Does \\x1b[2J it matter?",
        f"{LONG}  stopped     3  two lines",
        "中文",
    ]


@pytest.mark.parametrize("columns", [60, 100])
def test_a_terminal_folds_it_and_cuts_nothing(columns: int) -> None:
    lines = written(table(), columns=columns)
    assert max(map(len, lines)) <= columns
    assert sum(line.count("n") for line in lines) >= 200
    assert any("[red]a[/] \\[b]" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_cells_are_padded_up_to_a_length_and_as_they_fill_columns() -> None:
    rows = [["a" * PADDED, "1"], ["b" * (PADDED + 1), "22"], ["", "3"]]
    assert aligned(rows, right=[1], gap=" ") == [
        f"{'a' * PADDED}  1", f"{'b' * (PADDED + 1)} 22", f"{' ' * PADDED}  3"
    ]  # fmt: skip
    assert aligned([["中", "x"], ["a", "y"]], right=()) == ["中  x", "a   y"]


def test_a_table_of_numbers_is_as_pandas_writes_it_but_for_long_names(capsys) -> None:
    frame = pd.DataFrame({"label": ["a", "gate=tanh"], "estimate": [0.5, -0.25], "n": [3, 10]})
    print_table(frame)
    assert capsys.readouterr().out == (
        "    label estimate  n\n        a      0.5  3\ngate=tanh    -0.25 10\n"
    )
    frame.loc[0, "label"] = LONG
    print_table(frame)
    assert capsys.readouterr().out.splitlines()[2] == "gate=tanh    -0.25 10"


def test_the_list_says_how_many_runs_failed_and_each_name_as_it_is(tmp_path, capsys) -> None:
    now = type("Now", (), {"failed": 3, "ended": 4, "planned": 4, "supervisor": None})()
    info = {"space": {"question": "Which [x]?"}}
    list_text.print_studies([("a[b]", now, info), ("b", None, {})], root=tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "study  state         runs  failed  question",
        "a[b]   ended         4/4   3       Which [x]?",
        "b      not readable",
    ]
