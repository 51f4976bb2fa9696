import pytest

from analysis.errors import TableError
from analysis.report.captions import CAPTIONS
from analysis.report.figures import PICTURES, draw, picture


def test_every_figure_has_a_caption():
    assert list(CAPTIONS) == list(PICTURES)


def test_an_unknown_figure_names_the_nearest_and_all_others():
    with pytest.raises(
        TableError,
        match=r"there is no figure 'efects'; there are ratio, .*Did you mean 'effects'\?",
    ):
        picture("efects")


@pytest.mark.parametrize("style", ["paper", "screen"])
@pytest.mark.parametrize("name", [name for name in PICTURES if name != "selection"])
def test_no_legend_covers_an_axes(evidence, name, style):
    figure = draw(name, evidence("crossed", 5e-7), style=style)
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    for legend in legends:
        box = legend.get_window_extent()
        assert not any(box.overlaps(ax.patch.get_window_extent()) for ax in figure.axes)


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("gates", "ratio", "the study does not vary the reduction ratio"),
        ("one_arm", "effects", "effects need at least two arms"),
        ("one_arm", "pareto", "it needs two arms, and there is one"),
        ("failed", "seeds", "has no run that may enter an estimate"),
        ("waiting", "curves", "no run has finished an epoch"),
        ("ordinary", "interactions", "no two factors were crossed"),
        ("ordinary", "selection", "run `ablate confirm ordinary` after a search"),
        ("one_arm", "parallel", "it needs two factors that vary"),
    ],
)
def test_a_figure_that_cannot_be_drawn_says_what_it_needs(evidence, kind, name, why):
    with pytest.raises(TableError, match=f"figure '{name}' cannot be drawn: .*{why}"):
        draw(name, evidence(kind))
