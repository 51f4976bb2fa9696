"""What the site adds to the pages as they stand in the repository: called by mkdocs while it builds.

Pages are written as GitHub reads them. Here lists, tables and code get the blank lines that Python-Markdown wants, a
term of the glossary is linked where a page first uses it, and the reference lists the public names.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^ *(```|~~~)")
START = re.compile(r"^ {0,3}([-*+] |\d+\. |\||```)")
SKIPPED = re.compile(r"(`[^`]*`|!?\[[^\]]*\]\([^)]*\)|<[^>]*>|\*\*[^*]*\*\*)")
"""Within a line: code, links, tags and what is set off already."""

ORDINARY = {
    "run", "order", "unit", "design", "study", "cost", "word", "stack", "level", "gate",
    "folded", "illegal", "background", "effect", "planned", "front",
}  # fmt: skip
"""Terms that are ordinary words too, or stand in every sentence: a link at the first one would tell nothing."""


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The page's text as mkdocs is to read it."""
    name = page.file.src_uri
    if name == "api.md":
        return reference(markdown)
    spaced = within_the_site(with_blank_lines(markdown))
    return anchored(spaced) if name == "glossary.md" else linked(spaced, terms())


def with_blank_lines(markdown: str) -> str:
    """A blank line before each list, table and block of code that follows a line of text."""
    lines: list[str] = []
    fenced = False
    for line in markdown.split("\n"):
        start = START.match(line)
        if start and not fenced and lines and lines[-1].strip():
            before = START.match(lines[-1])
            # A row follows a row, an item an item or the text that goes on in it.
            continues = before and before[1][0] == start[1][0]
            in_item = lines[-1].startswith("  ") and start[1][0] not in "|`"
            if not (continues or in_item):
                lines.append("")
        if FENCE.match(line):
            fenced = not fenced
        lines.append(line)
    return "\n".join(lines)


def within_the_site(markdown: str) -> str:
    """Links to files of the repository as text; one to a file that is not there stays, and is found broken."""

    def one(found: re.Match[str]) -> str:
        return found[1] if (ROOT / "docs" / found[2]).exists() else found[0]

    return re.sub(r"\[([^\]]*)\]\((\.\./[^)#]*)\)", one, markdown)


def terms() -> dict[str, str]:
    """Term, in the singular, to its anchor: the first column of the glossary's first table."""
    found = {}
    for row in _rows(ROOT / "docs" / "glossary.md"):
        for term in row.split(", "):
            if term not in ORDINARY and len(term) > 2:
                found[term] = _anchor(row)
    return found


def _rows(page: Path) -> list[str]:
    table = page.read_text(encoding="utf-8").split("\n## ")[0]
    cells = [line.split("|")[1].strip() for line in table.split("\n") if line.startswith("| ")]
    return [cell for cell in cells if cell != "word"]


def _anchor(row: str) -> str:
    return "term-" + re.sub(r"\W+", "-", row.split(", ")[0])


def anchored(markdown: str) -> str:
    """The glossary with a target on each of its terms."""
    for row in _rows(ROOT / "docs" / "glossary.md"):
        markdown = markdown.replace(f"| {row} |", f'| <a id="{_anchor(row)}"></a>{row} |', 1)
    return markdown


def linked(markdown: str, words: dict[str, str]) -> str:
    """The page with a link at the first place where its text uses each term; headings and code are left alone."""
    left = dict(words)
    lines: list[str] = []
    fenced = False
    for line in markdown.split("\n"):
        fenced ^= bool(FENCE.match(line))
        plain = not fenced and line.strip() and not line.startswith(("#", "|", "    ", ":::"))
        lines.append(_link(line, left) if plain else line)
    return "\n".join(lines)


def _link(line: str, left: dict[str, str]) -> str:
    if not left:
        return line
    wanted = re.compile(
        rf"\b({'|'.join(sorted(map(re.escape, left), key=len, reverse=True))})(s?)\b"
    )

    def one(found: re.Match[str]) -> str:
        anchor = left.pop(found[1], None)
        return f"[{found[0]}](glossary.md#{anchor}){{.term}}" if anchor else found[0]

    parts = SKIPPED.split(line)
    return "".join(part if place % 2 else wanted.sub(one, part) for place, part in enumerate(parts))


def reference(markdown: str) -> str:
    """The page of the public names, with each name of the packages' stubs where its package is named."""
    for package in ("ablations", "analysis"):
        stub = (ROOT / package / "__init__.pyi").read_text(encoding="utf-8")
        names = sorted(re.findall(r" as (\w+)", stub), key=str.lower)
        entries = "\n\n".join(f"::: {package}.{name}" for name in names)
        markdown = markdown.replace(f"<!-- {package} -->", entries)
    return markdown
