import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from analysis.plots.drawing.marks import Mark, mark
from analysis.plots.drawing.style import save


def written(ax, tmp_path):
    return save(ax.figure, tmp_path, "marked", ["svg"])[0].read_text(encoding="utf-8")


def told(svg):
    return re.findall(r'class="mark"([^>]*)><title>([^<]*)</title>', svg)


def test_each_point_says_its_own_line_its_arm_and_its_seed(ax, tmp_path):
    (points,) = ax.plot([1, 2, 3], [1, 2, 3], "o")
    mark(points, [Mark(tip=f"point {i}", arm="a=1", seed=str(i)) for i in range(3)])
    svg = written(ax, tmp_path)
    assert told(svg) == [(f' data-arm="a=1" data-seed="{i}"', f"point {i}") for i in range(3)]
    # In the order of the points, from left to right.
    at = [float(x) for x in re.findall(r'<use[^>]* x="([\d.]+)"[^>]*class="mark"', svg)]
    assert at == sorted(at)


@pytest.mark.parametrize("name", ["<b>&\"'", "门=σ", "a/b:c " * 12])
def test_any_name_is_told_as_it_is(ax, tmp_path, name):
    (points,) = ax.plot([1], [1], "o")
    mark(points, [Mark(tip=name, arm=name)])
    svg = written(ax, tmp_path)
    title = next(ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}title"))
    assert title.text == name
    assert "marks:" not in svg


def test_lines_and_bars_are_told_as_points_are(ax, tmp_path):
    lines = LineCollection([np.array([[0, 0], [1, 1]]), np.array([[0, 1], [1, 0]])])
    ax.add_collection(lines)
    mark(lines, [Mark(tip="up", run="u"), Mark(tip="down", run="d")])
    for bar, tip in zip(ax.bar([1, 2], [2, 1]), ("two", "one"), strict=True):
        mark(bar, [Mark(tip=tip)])
    bars = ax.errorbar([1, 2], [2, 3], yerr=0.1, fmt="-o")
    mark(bars[0], [Mark(tip="first"), Mark(tip="second")])
    tips = [tip for _, tip in told(written(ax, tmp_path))]
    assert sorted(tips) == sorted(["up", "down", "two", "one", "first", "second"])


def test_where_a_point_is_not_drawn_no_other_gets_its_name(ax, tmp_path):
    (points,) = ax.plot([1, 2, 3], [1, np.nan, 1], "o")
    mark(points, [Mark(tip=str(i)) for i in range(3)])
    assert told(written(ax, tmp_path)) == []


def test_the_picture_is_the_same_with_and_without_its_marks(ax, tmp_path):
    (points,) = ax.plot([1, 2], [1, 2], "o")
    bare = written(ax, tmp_path)
    mark(points, [Mark(tip="a"), Mark(tip="b")])
    marked = re.sub(r' class="mark"><title>.</title></use>', "/>", written(ax, tmp_path))
    places = re.compile(r'<use[^>]* x="[\d.]+" y="[\d.]+"')
    assert places.findall(marked) == places.findall(bare)
