"""What the points of a figure stand for: told to whoever points at one, and found again by arm, seed or run.

A figure's artist carries its marks until an SVG is written; there each becomes the attributes and the `<title>` of
its own element, which every browser shows without a script.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape

from matplotlib.artist import Artist

BEGINNING = "marks:"
"""Of the id of an artist that carries marks."""
_GROUP = re.compile(rf'<g id="{BEGINNING}([\w=-]*)">')
_EDGE = re.compile(r"<g\b[^>]*?(/?)>|</g>")
_DEFINITIONS = re.compile(r"<defs>.*?</defs>", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One point, bar or line."""

    tip: str
    """What it is, in a line: `reduction=4, seed 0: 0.0686`."""
    arm: str = ""
    """The label of its arm; empty where it is no one arm's."""
    seed: str = ""
    run: str = ""


def mark(artist: Artist, marks: Sequence[Mark]) -> None:
    """Say what the elements of an artist are, in the order in which it draws them.

    Args:
        artist: A line of markers, a collection or a patch; none of its points may be NaN, which draw nothing.
        marks: One per marker, path or patch.
    """
    told = json.dumps([_short(one) for one in marks])
    # Matplotlib quotes an id by what is in it; these characters need no quoting.
    artist.set_gid(BEGINNING + urlsafe_b64encode(told.encode()).decode())


def tell_marks(svg: str) -> str:
    """The text of an SVG with every mark at its own element, and no id that carries marks."""
    parts, at = [], 0
    for number, group in enumerate(_GROUP.finditer(svg)):
        end = _end_of_group(svg, group.end())
        marks = [Mark(**kept) for kept in json.loads(urlsafe_b64decode(group[1]))]
        parts += [svg[at : group.start()], f'<g id="marks-{number}">']
        parts.append(_told(svg[group.end() : end], marks))
        at = end
    return "".join([*parts, svg[at:]])


def _short(one: Mark) -> dict[str, str]:
    return {name: value for name, value in asdict(one).items() if value}


def _end_of_group(svg: str, start: int) -> int:
    depth = 1
    for edge in _EDGE.finditer(svg, start):
        depth += -1 if edge[0] == "</g>" else 0 if edge[1] else 1
        if depth == 0:
            return edge.start()
    raise AssertionError("an SVG closes what it opens")


def _told(inside: str, marks: list[Mark]) -> str:
    """The inside of a group: its markers where it has some, else its paths, each with its mark."""
    # Definitions are drawn nowhere by themselves.
    kept = _DEFINITIONS.findall(inside)
    bare = _DEFINITIONS.sub("\0", inside)
    tag = "use" if "<use" in bare else "path"
    element = re.compile(rf"<{tag}\b([^>]*?)/>")
    # What lies beyond the figure's edge is not drawn: then nobody knows which of the marks is whose.
    if len(element.findall(bare)) != len(marks):
        return inside
    waiting = iter(marks)
    told = element.sub(lambda found: _element(tag, found[1], next(waiting)), bare)
    definitions = iter(kept)
    return re.sub("\0", lambda _: next(definitions), told)


def _element(tag: str, attributes: str, one: Mark) -> str:
    data = "".join(
        f' data-{name}="{escape(value)}"' for name, value in _short(one).items() if name != "tip"
    )
    return f'<{tag}{attributes} class="mark"{data}><title>{escape(one.tip)}</title></{tag}>'
