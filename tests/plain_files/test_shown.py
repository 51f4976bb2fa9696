import pytest

from plain_files.shown import MOST_LINES, MOST_ROWS, in_html, in_line


def test_every_text_is_escaped() -> None:
    bad = "<script>alert(1)</script>"
    html = in_html(bad, [bad], head=(bad,), rows=[(bad,)])
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4


def test_what_is_long_is_cut_and_says_so() -> None:
    html = in_html(
        "t", [f"line {i}" for i in range(50)], head=("n",), rows=((i,) for i in range(99))
    )
    assert html.count("<li>") == MOST_LINES + 1
    assert f"and {50 - MOST_LINES} more" in html
    assert html.count("<td>") == MOST_ROWS
    assert f"the first {MOST_ROWS} rows" in html
    assert len(in_html("t", head=("x",), rows=[("y" * 10_000,)])) < 400


@pytest.mark.parametrize(
    ("value", "text"), [(0.123456, "0.1235"), (float("nan"), ""), (None, ""), (5, "5")]
)
def test_numbers_have_four_digits(value: object, text: str) -> None:
    assert f"<td>{text}</td>" in in_html("t", head=("x",), rows=[(value,)])


def test_a_line_is_one_line_and_leaves_out_what_is_empty() -> None:
    assert in_line("Kind", "a\nb", "", "c") == "<Kind: a b, c>"
    assert len(in_line("Kind", "x" * 9999)) < 500
