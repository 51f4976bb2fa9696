import re
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.plots.drawing.folding import folded
from analysis.report.evidence.evidence import gather
from analysis.report.figures.figures import PICTURES, draw
from benchmarks.synthetic_study import write_study

LONG = "my_research_package.attention.gates_with_long_names:GatedLinearUnitWithTemperatureAndBias"


@given(st.text(alphabet="abc_.: \u4e2d", min_size=1), st.integers(8, 30))
def test_a_folded_name_is_whole_and_its_lines_are_short(name: str, width: int) -> None:
    lines = folded(name, width).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert all(len(line.rstrip("_.: ")) <= width for line in lines)


def test_names_are_folded_behind_marks() -> None:
    assert folded(LONG, 40) == (
        "my_research_package.attention.gates_with_\nlong_names:\nGatedLinearUnitWithTemperatureAndBias"
    )
    assert folded("sigmoid", 8) == "sigmoid"
    assert folded("abcdefghijkl", 8) == "abcdefgh\nijkl"


@pytest.mark.parametrize("name", ["effects", "interactions", "seeds"])
def test_figures_of_long_names_show_them_whole_beside_the_verdicts(
    name: str, tmp_path: Path
) -> None:
    write_study(tmp_path / "s", ratios=(8, 16), gates=("sigmoid", LONG), seeds=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw(name, gather(tmp_path / "s"))
    assert name in PICTURES
    width, height = figure.bbox.width, figure.bbox.height
    ax = figure.axes[0]
    assert ax.get_position().width > 0.25
    texts = [
        label
        for one in figure.axes
        for label in (*one.texts, *one.get_yticklabels(), *one.get_xticklabels())
    ]
    # Numbers beyond an axis's end are there and not drawn.
    for text in (one for one in texts if re.search("[a-z]", one.get_text())):
        box = text.get_window_extent()
        assert -1 <= box.x0 <= box.x1 <= width + 1, text.get_text()
        assert -1 <= box.y0 <= box.y1 <= height + 1, text.get_text()
    shown = ["".join(text.get_text().split()) for text in texts]
    assert any("".join(LONG.split()) in text for text in shown)
