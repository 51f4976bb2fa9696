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
        (in_table(0.1), "0.1"),
        (in_table(math.nan), ""),
    ],
)
def test_each_kind_of_number_has_one_way_to_be_written(written, text):
    assert written == text


def test_no_other_file_of_the_analysis_rounds_to_significant_digits():
    here = Path(analysis.__file__).parent
    words = re.compile(r":[+,]?\.[234]g\}")
    found = [path.name for path in here.rglob("*.py") if words.search(path.read_text("utf-8"))]
    cli = Path(ablations.__file__).parent / "cli"
    found += [path.name for path in cli.rglob("*.py") if words.search(path.read_text("utf-8"))]
    assert found == []
