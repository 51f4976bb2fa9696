import pytest

from plain_files.words import cell, is_name, markdown, one_line, visible, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("reduction=4, Δ = 1", "reduction=4, Δ = 1"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x9b2J", r"\x9b2J"),
        ("a\u202eb", r"a\u202eb"),
        ("over\rwritten", r"over\rwritten"),
        ("naïve 数", "naïve 数"),
    ],
)
def test_a_terminal_is_told_nothing_by_a_name(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_label_is_one_line() -> None:
    assert one_line("a\nb\x1b") == r"a b\x1b"
    assert [is_name(text) for text in ("a", "a b", "", "  ", "a\nb", "a\x1b")] == [
        True,
        True,
        *[False] * 4,
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@sum", "'@sum"),
        ("+cmd|x", "'+cmd|x"),
        ("-1e-3", "-1e-3"),
        ("-x", "'-x"),
        ("a=b", "a=b"),
        ("\t=1", "'\t=1"),
    ],
)
def test_a_spreadsheet_computes_no_text(text: str, written: str) -> None:
    assert cell(text) == written


def test_markdown_has_no_tags_and_links_of_a_name() -> None:
    assert markdown("<script>x</script> p < 0.05") == "&lt;script>x&lt;/script> p < 0.05"
    assert markdown("[a](javascript:b)") == "[a]\\(javascript:b)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:SECRET@host:1/db#s cannot", "postgresql://me:***@host:1/db#s cannot"),
        ("mysql://me:SE@CRET@host/db", "mysql://me:***@host/db"),
        ("x://host/db?password=SECRET&a=1", "x://host/db?password=***&a=1"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("sqlite:///a.db#b", "sqlite:///a.db#b"),
    ],
)
def test_a_password_is_not_repeated(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
