import math
import re
from pathlib import Path

import pytest

import ablations
import analysis
from plain_files.numbers import as_given, in_table, interval, loss, number, p_words, signed


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (number(0.0123456), "0.0123"),
        (number(9.996), "10.0"),
        (number(-4.59e-5), "-4.59e-5"),
        (number(1234.5), "1,230"),
        (number(12345), "12,345"),
        (number(-math.inf), "-∞"),
        (number(math.nan), ""),
        (loss(0.1), "0.1000"),
        (signed(0.1), "+0.100"),
        (signed(-0.1), "-0.100"),
        (interval(-0.5, math.inf), "[-0.500, ∞)"),
        (interval(math.nan, 1.0), ""),
        (p_words(0.0123), "p = 0.012"),
        (p_words(1e-9), "p < 0.001"),
        (p_words(math.nan), ""),
        (as_given(0.02), "0.02"),
        (as_given(4e-6), "4e-6"),
        (as_given(16.0), "16"),
        (as_given(1e-05), "1e-5"),
        (as_given(1234567.0), "1234567"),
        (as_given(0.12345678), "0.123457"),
        (as_given(0.12345678, 15), "0.12345678"),
        (as_given("sigmoid"), "sigmoid"),
        (as_given(None), "None"),
        (as_given(True), "True"),
        (in_table(1.23e-05), "1.23e-5"),
        (in_table(0.1), "0.1"),
        (in_table(math.nan), ""),
    ],
)
def test_each_kind_of_number_has_one_way_to_be_written(written, text):
    assert written == text


def test_no_other_file_writes_numbers_its_own_way():
    ours = Path(ablations.__file__).parent
    folders = [Path(analysis.__file__).parent, ours / "cli", ours / "designs"]
    words = re.compile(r":[+,]?(\.[234])?g\}")
    found = [
        line.strip()
        for folder in folders
        for path in folder.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if words.search(line)
    ]
    # Keys of two stored tables.
    assert {line.partition(":")[0] for line in found} == {'"leverage"'}
