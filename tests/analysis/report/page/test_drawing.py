import re

from analysis.plots.drawing.style import BLUE, look, new_figure, save
from analysis.report.page.drawing import inline_svg


def drawn(tmp_path, name="loss"):
    with look("screen"):
        figure = new_figure("screen")
        figure.subplots().plot([1, 2], [3, 4], "o-", color=BLUE)
        path = save(figure, tmp_path, name, ["svg"])[0]
    return inline_svg(path.read_text(), name=name)


def test_colours_follow_the_page(tmp_path):
    svg = drawn(tmp_path)
    assert f"var(--fig-{BLUE[1:]}, {BLUE})" in svg
    assert not re.search(rf"(?<!, ){BLUE}", svg)


def test_nothing_leads_outside(tmp_path):
    assert "http" not in drawn(tmp_path)


def test_every_reference_has_its_target_and_carries_the_figures_name(tmp_path):
    svg = drawn(tmp_path)
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert used
    assert used <= ids
    assert all(name.startswith("loss-") for name in ids)


def test_no_style_of_a_figure_reaches_the_page(tmp_path):
    assert "<style" not in drawn(tmp_path)
