"""Text that may hold anything, made harmless for where it is shown: a terminal, a spreadsheet, Markdown."""

import re
import unicodedata

SECRETS = (
    # Up to the last @ of the word: a password may hold one.
    (re.compile(r"(://[^/\s:@]*:)\S*@"), r"\1***@"),
    (re.compile(r"([?&](?:password|passwd|pwd|sslpassword)=)[^&\s#]*", re.IGNORECASE), r"\1***"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
TAG = re.compile(r"<(?=[A-Za-z/!?])")
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows, so that a text reads as another one."""


def visible(text: str) -> str:
    r"""The text with its control characters written out, `\x1b`: a terminal would obey them; lines stay lines."""
    return text if text.isprintable() else "".join(map(_visible, text))


def one_line(text: str) -> str:
    """The text on one line, and visible."""
    return visible(" ".join(text.split("\n")))


def is_name(text: str) -> bool:
    """Whether a text can name an arm or a study: not empty, one line, nothing that a terminal obeys."""
    return bool(text.strip()) and one_line(text) == text


def without_secrets(text: str) -> str:
    """The text without the passwords of the addresses in it."""
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text


def cell(text: str) -> str:
    """The text as a cell of a CSV file that a spreadsheet shows and does not compute."""
    is_formula = text.startswith(FORMULA) and NUMBER.fullmatch(text) is None
    return f"'{text}" if is_formula else text


def markdown(text: str) -> str:
    """The text in Markdown without tags and links of its own."""
    return TAG.sub("&lt;", text).replace("](", "]\\(")


def _visible(character: str) -> str:
    if character in "\n\t" or not (
        unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in TURNS
    ):
        return character
    return character.encode("unicode_escape").decode()
