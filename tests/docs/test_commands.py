import importlib.util
import re
import shlex
import sys
from functools import cache
from types import ModuleType

import pytest
from cyclopts import CycloptsError
from imports import ROOT

from ablations.cli.main import COMMANDS, app


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


DOCS = script("commands")
VALUES = {
    "PRICE": "1e-6", "MARGIN": "0.01", "M": "0.01", "N": "20", "K": "2", "VIEW": "paired", "NAME": "seeds",
    "OTHER": "second", "screen": "screen",
}  # fmt: skip
"""What stands for a synopsis's own words."""


def fenced() -> list[tuple[str, str]]:
    return [
        (f"{page.name}:{number}", line)
        for page in DOCS.pages()
        for block in DOCS.blocks(page)
        if not block.language
        for number, line in block.lines()
        if line.startswith("ablate")
    ]


def in_text() -> list[tuple[str, str]]:
    """Commands within sentences, but those that are only the beginning of one."""
    found = []
    for page in DOCS.pages():
        text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
        spans = re.findall(r"(?s)`(ablate [^`]+)`", text)
        found += [(page.name, " ".join(span.split())) for span in spans]
    return [(page, line) for page, line in found if "..." not in line and ", " not in line]


built = cache(app)
"""The command line in which one command is called: all have some hundred options to read."""


@cache
def fault(line: str) -> str | None:
    """Why the command line would not take it."""
    one = re.sub(r"\|\w+", "", line.replace("[", "").replace("]", ""))
    words = [VALUES.get(word, word) for word in shlex.split(one)[1:]]
    if not words:
        return None
    if words[0] not in COMMANDS:
        return f"no command {words[0]!r}"
    try:
        built(words[0]).parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        # A sentence may name a command, and an option of it, without all that it needs.
        return None if "requires an argument" in str(error) else str(error)
    return None


def test_every_command_that_the_pages_show_is_one() -> None:
    lines = fenced()
    assert len(lines) > 80
    assert [(where, line, why) for where, line in lines if (why := fault(line))] == []


def test_every_command_within_a_sentence_is_one() -> None:
    lines = in_text()
    assert len(lines) > 60
    assert [(where, line, why) for where, line in lines if (why := fault(line))] == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ablate rum gate", "no command 'rum'"),
        ("ablate run gate --sedes 3", "Did you mean"),
        ("ablate effects first --margin wide", "Invalid value"),
        ("ablate effects first [--margin MARGIN]", None),
    ],
)
def test_a_command_that_is_none_is_found(line: str, why: str | None) -> None:
    found = fault(line)
    assert found == why if why is None else why in (found or "")


def test_every_reason_for_not_running_a_command_is_used() -> None:
    texts = [line for _, line in fenced()]
    texts += [
        block.text
        for page in DOCS.pages()
        for block in DOCS.blocks(page)
        if block.language == "python"
    ]
    assert [part for part in DOCS.NOT_RUN if not any(part in text for text in texts)] == []


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("Any program's table, such as this `mine.csv`:", "mine.csv"),
        ("A baseline and one other arm. With this `two.yaml`", "two.yaml"),
        ("What `two.yaml` says is shown on another page.", None),
    ],
)
def test_a_file_that_a_page_shows_is_known_by_the_line_above_it(before: str, name: str) -> None:
    assert DOCS.Block(DOCS.ROOT, 1, "yaml", "seeds: 3\n", before).shown_as == name
