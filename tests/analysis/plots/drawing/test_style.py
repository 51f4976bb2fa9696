import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.errors import TableError
from analysis.plots.drawing.style import (
    COLOURS,
    DASHES,
    MARKERS,
    VERDICT_COLOURS,
    VERDICT_MARKERS,
    legend_below,
    look,
    new_figure,
    ordered_colours,
    ratio_axis,
    save,
)


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_the_first_three_colours_are_told_apart_in_grey():
    grey = sorted(luminance(colour) for colour in COLOURS[:3])
    contrasts = [(b + 0.05) / (a + 0.05) for a, b in itertools.pairwise(grey)]
    assert min(contrasts) > 1.7


def test_verdicts_differ_in_shape_and_not_in_colour_alone():
    assert len(set(VERDICT_MARKERS.values())) == len(VERDICT_COLOURS) == 6


def test_every_colour_has_a_marker_and_a_dash_pattern_of_its_own():
    assert len(COLOURS) == len(set(COLOURS)) == len(set(MARKERS)) == len(set(map(str, DASHES)))


def test_ordered_colours_grow_lighter():
    lights = [luminance(colour) for colour in ordered_colours(6)]
    assert lights == sorted(lights)


def test_the_ratio_axis_is_log2_with_the_tested_ratios_as_its_only_ticks(ax):
    ratio_axis(ax, [16, 2, 4, 2])
    assert ax.get_xscale() == "log"
    assert ax.xaxis.get_transform().base == 2
    assert list(ax.get_xticks()) == [2, 4, 16]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "4", "16"]
    assert len(ax.get_xticks(minor=True)) == 0


def test_the_look_ends_with_its_block():
    before = mpl.rcParams["font.size"]
    with look("paper"):
        assert mpl.rcParams["font.size"] == 7.5
    assert mpl.rcParams["font.size"] == before


def test_an_arms_name_is_no_mathematics(tmp_path: Path):
    with look("screen"):
        figure = new_figure("screen")
        figure.add_subplot().set_title(r"costs $\x$ none")
        (path,) = save(figure, tmp_path, "name", ["png"])
    assert path.stat().st_size > 0


def test_paper_figures_have_column_widths_of_85_and_175_millimetres():
    widths = [new_figure("paper", wide=wide).get_figwidth() * 25.4 for wide in (False, True)]
    assert widths == pytest.approx([85, 175], abs=1)


def test_an_unknown_style_names_the_known_ones():
    with (
        pytest.raises(
            TableError, match=r"`style` must be one of .*'paper', 'screen'.*got 'poster'"
        ),
        look("poster"),
    ):
        pass


def test_an_unknown_format_names_the_known_ones(tmp_path: Path):
    with pytest.raises(TableError, match=r"`format` must be one of .*'svg'.*got 'gif'"):
        save(new_figure("screen"), tmp_path, "a", ["gif"])


def test_the_legend_lies_outside_the_axes_however_long_its_labels():
    with look("paper"):
        figure = new_figure("paper")
        ax = figure.subplots()
        for i in range(5):
            ax.plot([0, 1], [i, 1], label=f"a rather long label of line {i}")
        legend_below(ax)
        figure.draw_without_rendering()
        legend = figure.legends[0].get_window_extent()
        assert legend.y1 <= ax.get_window_extent().y0
        assert legend.width <= figure.bbox.width


def test_a_bitmap_has_the_styles_resolution_whatever_was_saved_before(tmp_path: Path):
    with look("paper"):
        figure = new_figure("paper", wide=True)
        figure.subplots()
        png = save(figure, tmp_path, "a", ["svg", "pdf", "png"])[2]
    width = int.from_bytes(png.read_bytes()[16:20], "big")
    assert width == pytest.approx(6.9 * 300, abs=1)


def test_the_same_figure_is_saved_as_the_same_svg(tmp_path: Path):
    texts = []
    for name in ("a", "b"):
        with look("screen"):
            figure = new_figure("screen")
            figure.subplots().plot([1, 2], [3, 4])
            path = save(figure, tmp_path, name, ["svg"])[0]
        texts.append(path.read_text())
    assert texts[0] == texts[1]
    ET.fromstring(texts[0])
