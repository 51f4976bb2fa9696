"""How a result shows itself where a cell of a notebook or a line of Python ends with it: a title, sentences, a table.

Never more than a screen: a result holds whole curves, which nobody reads as text.
"""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from plain_files.numbers import in_table
from plain_files.words import one_line

MOST_LINES = 12
"""Sentences that are shown."""
MOST_ROWS = 30
"""Rows of a table that are shown."""
LONGEST = 200
"""Characters of a value."""


def in_html(
    title: str,
    lines: Sequence[str] = (),
    *,
    head: Sequence[str] = (),
    rows: Iterable[Sequence[object]] = (),
) -> str:
    """A title, its sentences and a table, cut where they are long; every text is escaped.

    Args:
        title: What it is, in a few words.
        lines: Sentences.
        head: Of the columns.
        rows: Values, a number with four digits.
    """
    parts = [f"<b>{escape(title)}</b>"]
    shown = [f"<li>{escape(line)}</li>" for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"<li>and {len(lines) - MOST_LINES} more</li>")
    parts += [f"<ul>{''.join(shown)}</ul>"] if shown else []
    if head:
        kept = list(islice(rows, MOST_ROWS + 1))
        more = len(kept) > MOST_ROWS
        body = "".join(_row("td", row) for row in kept[:MOST_ROWS])
        parts.append(f"<table><thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>")
        parts += [f"<p>the first {MOST_ROWS} rows</p>"] if more else []
    return "".join(parts)


def in_line(kind: str, *said: str) -> str:
    """The same on one line: `<ReductionFit: the loss rises with r, 20 runs>`."""
    return f"<{kind}: {one_line(', '.join(word for word in said if word))[: 2 * LONGEST]}>"


def _row(tag: str, values: Sequence[object]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(_text(value))}</{tag}>" for value in values) + "</tr>"


def _text(value: object) -> str:
    if isinstance(value, float):
        return in_table(value)
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
