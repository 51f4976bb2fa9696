import csv
import io

import numpy as np
import pandas as pd
import pytest

from analysis.plain import duration
from analysis.report.page.numbers import interval, number, plural
from analysis.report.page.tables import Column, Table, to_csv, to_latex, to_markdown, write_tables
from plain_files.numbers import p_value

FRAME = pd.DataFrame(
    {"arm": ["a|b", "50 % & more_x"], "mean": [0.12345678901234567, np.nan],
     "low": [0.1, 4.0], "high": [0.2, np.inf], "n": [5, 1200], "p": [1e-9, 0.04]}
)  # fmt: skip
TABLE = Table(
    name="arms",
    title="Arms",
    caption="Means.",
    frame=FRAME,
    columns=(
        Column(title="Arm", name="arm"),
        Column(title="Mean", name="mean", form="number"),
        Column(title="Interval", name="low", high="high", form="number"),
        Column(title="n", name="n", form="count"),
        Column(title="p", name="p", form="p"),
    ),
)


def test_cells_are_rounded_for_the_reader():
    assert TABLE.texts() == [
        ["a|b", "0.123", "[0.100, 0.200]", "5", "< 0.001"],
        ["50 % & more_x", "", "[4.00, ∞)", "1,200", "0.04"],
    ]


def test_the_csv_gives_back_every_digit():
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert float(rows[0]["mean"]) == FRAME["mean"][0]
    assert rows[1]["mean"] == ""
    assert float(rows[1]["high"]) == np.inf
    assert list(rows[0]) == list(FRAME.columns)


def test_markdown_keeps_a_bar_inside_its_cell():
    lines = to_markdown(TABLE).splitlines()
    assert lines[2] == "| Arm | Mean | Interval | n | p |"
    assert lines[3] == "| --- | ---: | ---: | ---: | ---: |"
    assert lines[4].startswith("| a\\|b | 0.123 |")


def test_latex_escapes_what_latex_reads():
    text = to_latex(TABLE)
    assert r"50 \% \& more\_x &  & [4.00, \ensuremath{\infty}) & 1,200 & 0.04 \\" in text
    assert r"\begin{tabular}{lrrrr}" in text
    assert text.isascii()


def test_all_tables_are_written_in_three_forms_and_once_together(tmp_path):
    write_tables([TABLE], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "all.tex",
        "arms.csv",
        "arms.md",
        "arms.tex",
    ]
    assert (tmp_path / "all.tex").read_text().endswith(to_latex(TABLE))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0123456, 3, "0.0123"),
        (-0.5, 3, "−0.500"),
        (2.0, 3, "2.00"),
        (12345.0, 3, "12,345"),
        (272474, 3, "272,474"),
        (4.2e-7, 2, "4.2e−7"),
        (0.0, 3, "0"),
        (float("inf"), 3, "∞"),
        (float("nan"), 3, ""),
        (None, 3, ""),
        (True, 3, "yes"),
    ],
)
def test_numbers_keep_their_significant_digits(value, digits, text):
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(1.0, 2.0, "[1.00, 2.00]"), (-np.inf, 2.0, "(−∞, 2.00]"), (np.nan, 2.0, "")],
)
def test_an_open_end_of_an_interval_is_shown_open(low, high, text):
    assert interval(low, high) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "< 0.001"), (0.0456, "0.046"), (1.0, "1"), (None, "")]
)
def test_no_p_value_is_zero(p, text):
    assert p_value(p) == text


@pytest.mark.parametrize(("s", "text"), [(3.14, "3.1 s"), (600, "10.0 min"), (36000, "10.0 h")])
def test_durations_have_a_fitting_unit(s, text):
    assert duration(s) == text


def test_nouns_agree_with_their_number():
    assert [plural(1, "run"), plural(1200, "run")] == ["1 run", "1,200 runs"]


def test_an_interval_of_counts_has_whole_ends():
    column = Column(title="Between", name="low", high="high", form="count")
    assert column.text(pd.Series({"low": 5.0, "high": 765.0})) == "[5, 765]"
    assert column.text(pd.Series({"low": 19.0, "high": np.inf})) == "[19, ∞)"
