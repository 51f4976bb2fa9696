"""Results as the last line of a notebook's cell: short, and a table."""

from html.parser import HTMLParser

import pytest

from ablations import load_space
from ablations.designs.expand import expand
from ablations.engine.records.folder import StudyFolder
from ablations.engine.standing.status import status


class Opened(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def results(found):
    return {
        "RunsTable": found.table,
        "ReductionFit": found.ratio.fit,
        "Effects": found.effects,
        "ComponentReport": found.components,
        "Importance": found.importance,
    }


@pytest.mark.parametrize("kind", ["crossed", "one_seed", "flat"])
def test_results_of_a_study_show_themselves_on_a_screen(evidence, kind):
    for name, result in results(evidence(kind)).items():
        assert repr(result).startswith(f"<{name}: ")
        assert len(repr(result)) < 500
        html = result._repr_html_()
        assert "<table>" in html
        assert len(html) < 8000
        assert Opened(html).open == []


def test_the_fit_shows_its_sentences_and_the_tested_ratios(evidence):
    html = evidence("ordinary").ratio.fit._repr_html_()
    assert "the loss rises with r" in html
    assert html.count("<tr>") == 1 + len(evidence("ordinary").ratio.fit.tested)


def test_a_space_and_its_arms_show_themselves():
    space = load_space("gate")
    assert repr(space).startswith("<Space: gate, Does the gate function matter")
    assert "sigmoid, two_sigmoid, one_plus_tanh" in space._repr_html_()
    arms = expand(space)
    assert repr(arms) == "<Expansion: 4 arms>"
    assert "no attention" in arms._repr_html_()


def test_the_status_shows_itself(study):
    folder = study("waiting")
    (folder / "runs").mkdir()
    now = status(StudyFolder.open(folder))
    assert repr(now) == "<StudyStatus: waiting, 25 runs, 25 waiting>"
    assert "25 waiting" in now._repr_html_()
