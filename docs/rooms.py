"""Draws the rooms of the house and the arrows between them from the imports: `python docs/rooms.py`.

An arrow goes from the room that imports to the room that is imported, downwards; one that follows from two others
is left out. The picture is a function of the imports alone, and `tests/test_rooms.py` compares it with them.
"""

import sys
from collections import defaultdict
from math import fsum
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "rooms.svg"

# Room -> what it is for. A folder without a line belongs to the nearest one above it that has one.
ROOMS = {
    "search_spaces": "the presets",
    "ablations": "errors, streams, the plan",
    "ablations.cli": "the commands",
    "ablations.studies": "run, confirm, reproduce",
    "ablations.designs": "space to runs",
    "ablations.subjects": "the protocol",
    "ablations.subjects.attention": "channel attention",
    "ablations.subjects.lightning": "training of modules",
    "ablations.subjects.own_module": "a module of the user's",
    "ablations.subjects.tasks": "beside classification",
    "ablations.subjects.function": "a plain function",
    "ablations.engine.supervision": "the one writer",
    "ablations.engine.standing": "how a study stands",
    "ablations.engine.sources": "what runs next",
    "ablations.engine.executors": "where runs run",
    "ablations.engine.worker": "one attempt at a run",
    "ablations.engine.records": "the study folder",
    "ablations.tracking.wandb": "view in W&B",
    "ablations.tracking.optuna": "view in Optuna",
    "analysis": "errors, plain values",
    "analysis.tables": "the runs table",
    "analysis.contrasts": "differences, errors",
    "analysis.planned": "declared before",
    "analysis.sequential": "settled seed by seed",
    "analysis.effects": "which parts matter",
    "analysis.tested": "holds on a test set",
    "analysis.importance": "who explains how much",
    "analysis.tradeoff": "the ratio worth its cost",
    "analysis.claims": "sentences, verdicts",
    "analysis.planning": "seeds that are needed",
    "analysis.plots": "result to axes",
    "analysis.report": "one file that says it",
    "plain_files": "YAML that people write",
}
COLOURS = {"ablations": "#dbe9f6", "analysis": "#e3f1dc", "search_spaces": "#fbe9cf"}
WIDTH, HEIGHT, GAP, RISE, BEND = 158, 44, 14, 96, 14
"""Of a room, the space beside it, from one row to the next, and of a passing arrow."""

Arrows = dict[str, set[str]]
Node = tuple[str, ...]
"""A room `(name,)`, or the place where an arrow passes a row: `(from, to, row)`."""


def room(folder: str) -> str:
    """The room that a folder belongs to; empty for a folder above all rooms."""
    while folder and folder not in ROOMS:
        folder = folder.rpartition(".")[0]
    return folder


def arrows(folders: Arrows) -> Arrows:
    """Room -> the rooms that it imports, without those that it reaches through another."""
    direct: Arrows = {name: set() for name in ROOMS}
    for folder, others in folders.items():
        if start := room(folder):
            direct[start] |= {room(other) for other in others} - {start, ""}
    reached: Arrows = {}

    def reach(name: str) -> set[str]:
        if name not in reached:
            reached[name] = direct[name].union(*(reach(other) for other in direct[name]))
        return reached[name]

    return {
        name: {one for one in its if not any(one in reach(other) for other in its)}
        for name, its in direct.items()
    }


def svg(found: Arrows) -> str:
    """The picture of rooms and arrows, top down."""
    rows, links = _rows(found)
    place = _places(rows, links)
    wide = max(place[node] + _width(node) for row in rows for node in row)
    top = len(rows) - 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 {wide + 20} {top * RISE + HEIGHT + 20}" '
        'font-family="sans-serif" text-anchor="middle">',
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#667"/></marker>',
        '<rect x="-10" y="-10" width="100%" height="100%" fill="white"/>',
    ]
    for name in sorted(found):
        for other in sorted(found[name]):
            parts.append(_line(_path(name, other, links), place, rows))
    for number, row in enumerate(rows):
        for node in row:
            if len(node) == 1:
                parts.append(_box(node[0], place[node], (top - number) * RISE))
    return "\n".join([*parts, "</svg>\n"])


def _rows(found: Arrows) -> tuple[list[list[Node]], dict[Node, list[Node]]]:
    """The nodes of each row from the ground up, and each node's neighbours below."""
    level: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in level:
            level[name] = max((of(other) + 1 for other in found[name]), default=0)
        return level[name]

    rows: dict[int, list[Node]] = defaultdict(list)
    links: dict[Node, list[Node]] = defaultdict(list)
    for name in sorted(found, key=lambda name: (name.partition(".")[0], name)):
        rows[of(name)].append((name,))
    for name in sorted(found):
        for other in sorted(found[name]):
            above: Node = (name,)
            for row in range(of(name) - 1, of(other), -1):
                passing = (name, other, str(row))
                rows[row].append(passing)
                links[above].append(passing)
                above = passing
            links[above].append((other,))
    return [rows[number] for number in range(len(rows))], links


def _places(rows: list[list[Node]], links: dict[Node, list[Node]]) -> dict[Node, int]:
    """Left edge of each node: rows sorted by their neighbours' middles, then moved towards them."""
    near: dict[Node, list[Node]] = defaultdict(list)
    for above, below in links.items():
        for node in below:
            near[above].append(node)
            near[node].append(above)
    middle = {}
    for row in rows:
        for number, node in enumerate(row):
            middle[node] = float(number * (WIDTH + GAP))
    for turn in range(60):
        for row in rows if turn % 2 else rows[::-1]:
            wanted = {
                node: fsum(middle[other] for other in near[node]) / len(near[node])
                if near[node]
                else middle[node]
                for node in row
            }
            row.sort(key=lambda node: (wanted[node], node))
            _spread(row, wanted, middle)
    least = min(middle[node] - _width(node) / 2 for row in rows for node in row)
    return {node: round(middle[node] - _width(node) / 2 - least) for row in rows for node in row}


def _spread(row: list[Node], wanted: dict[Node, float], middle: dict[Node, float]) -> None:
    """Give each node its wanted middle, moving neighbours apart: groups that touch stand at their mean."""
    groups: list[tuple[float, list[Node], list[float]]] = []
    for node in row:
        start, members, offsets = wanted[node], [node], [0.0]
        while groups:
            before, nodes, offs = groups[-1]
            step = offs[-1] + (_width(nodes[-1]) + _width(members[0])) / 2 + GAP
            if start - before >= step:
                break
            groups.pop()
            total = len(nodes) + len(members)
            start = (before * len(nodes) + (start - step) * len(members)) / total
            members, offsets = [*nodes, *members], [*offs, *(step + one for one in offsets)]
        groups.append((start, members, offsets))
    for start, members, offsets in groups:
        for node, offset in zip(members, offsets, strict=True):
            middle[node] = start + offset


def _width(node: Node) -> int:
    return WIDTH if len(node) == 1 else BEND


def _path(name: str, other: str, links: dict[Node, list[Node]]) -> list[Node]:
    """The nodes that an arrow passes."""
    path: list[Node] = [(name,)]
    while path[-1] != (other,):
        path.append(
            next(node for node in links[path[-1]] if node == (other,) or node[:2] == (name, other))
        )
    return path


def _line(path: list[Node], place: dict[Node, int], rows: list[list[Node]]) -> str:
    number = {node: index for index, row in enumerate(rows) for node in row}
    points = []
    for node in path:
        x = place[node] + _width(node) // 2
        y = (len(rows) - 1 - number[node]) * RISE
        points += [(x, y), (x, y + HEIGHT)]
    (x, y), *rest = points[1:-1]
    drawn = f"M{x} {y}"
    for (x0, y0), (x1, y1) in zip([(x, y), *rest], rest, strict=False):
        half = (y0 + y1) // 2
        drawn += f"L{x1} {y1}" if x0 == x1 else f"C{x0} {half} {x1} {half} {x1} {y1}"
    return f'<path d="{drawn}" fill="none" stroke="#667" marker-end="url(#tip)"/>'


def _box(name: str, x: int, y: int) -> str:
    colour = COLOURS.get(name.partition(".")[0], "#eeeeee")
    centre = x + WIDTH // 2
    title = name if "." not in name else name.partition(".")[2]
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{colour}" stroke="#889"/>'
        f'<text x="{centre}" y="{y + 18}" font-size="13" font-weight="bold">{escape(title)}</text>'
        f'<text x="{centre}" y="{y + 35}" font-size="11">{escape(ROOMS[name])}</text>'
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    from imports import folders

    PICTURE.write_text(svg(arrows(folders())), encoding="utf-8")
