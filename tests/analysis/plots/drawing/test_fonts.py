import warnings

from analysis.plots.drawing.fonts import OURS, boxes_unsaid, families, without_font
from analysis.plots.drawing.style import look, new_figure, save


def test_our_font_comes_first_and_has_what_papers_are_written_in():
    assert families()[0] == OURS
    assert without_font("reduction=4, élan, αβγ, Внимание") == ""


def test_a_character_that_no_font_has_is_named_once():
    assert without_font("a\U0010fffda\U0010fffd") == "\U0010fffd"


def test_a_figure_with_such_a_character_is_saved_without_a_word(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with look():
            figure = new_figure("screen")
            figure.subplots().set_title("\U0010fffd")
            save(figure, tmp_path, "box", ["png", "svg"])
        with boxes_unsaid():
            pass
    assert "\U0010fffd" in (tmp_path / "box.svg").read_text(encoding="utf-8")
