"""Small changes of words, texts, bytes and plain values, drawn from a random generator."""

import copy
import json
from random import Random
from typing import Any

WORDS = [
    "", " ", "0", "-1", "1", "3", "1e400", "-inf", "nan", "NaN", "None", "null", "true", "no", "9" * 23, "100000000",
    "0x10", "1_0", "010", "1e-320", "0.5", "=", "a=", "=b", "a=b=c", "--", "-", "-x", "--x", "../../x", "/",
    "/etc/passwd", ".", "..", "a/b", "~", "C:\\x", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\nb", "a\tb", "\x00",
    "\u202e", "💥", "é", "\ud800", "=HYPERLINK(1)", "<script>", "{}", "{0}", "%s", "$(touch x)", "[bold]", "[/]",
    "x" * 300, "x" * 5000, "[1, 2]", "a,b", ";", "sqlite:///x.db#s", "postgresql://u:pw@127.0.0.1:9/d#s", "os:system",
    "builtins:exec", "attention.reduction", "val_loss", "attention.gate=sigmoid", "table.csv", "space.yaml", "s",
    "runs/s", "export.csv", "data.root=data.npz",
]  # fmt: skip
"""What stands where a name, a number or a path is meant."""
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**63, 10**30, -(10**30), 1e308, -1e308, 0.5, 1e-320, float("nan"), float("inf"), [],
    {}, [[]], [None], {"": ""}, {"a": 1}, [1] * 100, *WORDS,
]  # fmt: skip


def changed_words(draw: Random, words: list[str]) -> list[str]:
    """The words with one left out, doubled, swapped, replaced or added."""
    words = list(words)
    at = draw.randrange(len(words) + 1)
    other = draw.randrange(len(words)) if words else 0
    match draw.randrange(6):
        case 0 if words:
            del words[other]
        case 1 if words:
            words.insert(at, words[other])
        case 2 if len(words) > 1:
            where = draw.randrange(len(words))
            words[other], words[where] = words[where], words[other]
        case 3 if words:
            name, equals, _ = words[other].partition("=")
            words[other] = f"{name}={draw.choice(WORDS)}" if equals else draw.choice(WORDS)
        case 4 if words:
            words[other] = changed_text(draw, words[other])
        case _:
            words.insert(at, draw.choice(WORDS))
    return words


def changed_text(draw: Random, text: str) -> str:
    """The text with characters, a number or a line changed."""
    lines = text.splitlines(keepends=True) or [""]
    at = draw.randrange(len(lines))
    match draw.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[draw.randrange(len(lines))])
        case 2:
            lines[at] = draw.choice(WORDS) + "\n"
        case 3:
            line, where = lines[at], draw.randrange(len(lines[at]) + 1)
            lines[at] = line[:where] + draw.choice(WORDS) + line[where + draw.randrange(4) :]
        case 4:
            line = lines[at]
            old = draw.choice([",", ":", '"', " ", "0", "1", ".", "-", "\n", "a"])
            lines[at] = line.replace(old, draw.choice(WORDS), draw.randrange(1, 3))
        case _:
            return text[: draw.randrange(len(text) + 1)]
    return "".join(lines)


def changed_bytes(draw: Random, content: bytes) -> bytes:
    """The bytes with some flipped, cut, doubled or put in."""
    some = bytearray(content)
    at = draw.randrange(len(some) + 1)
    match draw.randrange(5):
        case 0 if some:
            for _ in range(draw.choice([1, 1, 4, 32])):
                some[draw.randrange(len(some))] = draw.randrange(256)
        case 1:
            del some[at:]
        case 2:
            del some[at : at + draw.choice([1, 2, 16, 512])]
        case 3:
            some[at:at] = some[at : at + draw.choice([1, 16, 512])]
        case _:
            some[at:at] = draw.choice([b"\xff\xfe", b"\x00", b"\xef\xbb\xbf", b"\r", b"\x80" * 40])
    return bytes(some)


def changed_value(draw: Random, value: Any) -> Any:
    """The plain value with one place in it replaced, left out, renamed or wrapped."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places or draw.random() < 0.02:
        return draw.choice(VALUES)
    holder, key = draw.choice(places)
    match draw.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw.choice(WORDS)] = holder.pop(key)
        case 2:
            holder[key] = [holder[key]]
        case 3 if isinstance(holder[key], int | float):
            holder[key] = draw.choice([-1, 0, 1000, 10**12]) * holder[key]
        case 4 if not isinstance(holder[key], dict | list):
            holder[key] = str(holder[key])
        case _:
            holder[key] = draw.choice(VALUES)
    return value


def changed_json(draw: Random, text: str) -> str:
    """A document, or a line of several, changed as a value or as a text."""
    if draw.random() < 0.02:
        return "[" * 5000 + "]" * 5000
    if draw.random() < 0.3:
        return changed_text(draw, text)
    lines = text.splitlines()
    at = draw.randrange(len(lines)) if lines else 0
    try:
        return json.dumps(changed_value(draw, json.loads(text)))
    except ValueError:
        pass  # several documents, a line each
    try:
        lines[at] = json.dumps(changed_value(draw, json.loads(lines[at])))
    except (ValueError, IndexError):
        return changed_text(draw, text)
    return "\n".join(lines) + "\n"


def _places(value: Any) -> Any:
    """(holder, key) of everything inside."""
    if not isinstance(value, dict | list):
        return
    for key, inside in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        yield from _places(inside)
