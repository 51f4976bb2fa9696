"""An SVG figure made part of a page: its own ids, the page's colours, no outside address."""

import re

from analysis.plots.drawing.style import COLOURS, FAINT, INK, MUTED

_THEMED = (INK, MUTED, FAINT, "#ffffff", *COLOURS)


def inline_svg(text: str, *, name: str) -> str:
    """The `<svg>` element of a figure written by matplotlib, ready to stand inside a page.

    Colours of the house become CSS variables (`--fig-<hex>`), so that the page's light and dark
    looks and its print colours apply. Ids get the figure's name in front: two figures of one page
    must not refer to each other's clip paths.
    """
    start, end = text.index("<svg"), text.rindex("</svg>") + len("</svg>")
    svg = re.sub(r"<metadata>.*?</metadata>", "", text[start:end], flags=re.DOTALL)
    # The stylesheet that matplotlib adds has a `*` selector, which would reach the whole page.
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", svg)
    svg = re.sub(r'\b(id=")|(href="#)|(url\(#)', lambda found: f"{found.group(0)}{name}-", svg)
    for colour in _THEMED:
        svg = re.sub(colour, f"var(--fig-{colour[1:]}, {colour})", svg, flags=re.IGNORECASE)
    return re.sub(r">\s+<", "><", svg.replace("<svg", '<svg stroke-linejoin="round"', 1))
