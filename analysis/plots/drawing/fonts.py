"""Fonts for names in any script: what a figure is written with, and which characters none of it has."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager

OURS = "DejaVu Sans"
FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "PingFang SC",
    "Hiragino Sans", "Apple SD Gothic Neo", "Noto Sans Devanagari", "Noto Sans Thai", "Arial Unicode MS",
)  # fmt: skip
"""Asked for what `OURS` does not have, where they are installed."""


@cache
def families() -> tuple[str, ...]:
    """The fonts of a figure, in the order in which they are asked for a character."""
    installed = set(font_manager.get_font_names())
    return (OURS, *(name for name in FALLBACKS if name in installed))


def without_font(text: str) -> str:
    """The characters of the text that no font has, each once: a PNG or PDF shows boxes for them."""
    if text.isascii():
        return ""
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in families()]
    there = dict.fromkeys(text)
    return "".join(c for c in there if not any(font.get_char_index(ord(c)) for font in fonts))


@contextmanager
def boxes_unsaid() -> Iterator[None]:
    """Matplotlib says of every such character, at every drawing, what a report says once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)
        yield
