import json
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest

from analysis.errors import TableError
from analysis.planned.comparisons import parse_comparisons
from analysis.report.build import write, write_report

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What a browser would see of the page, as far as these tests need it."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.headings, self.open, self.errors = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[k] for k in ("href", "src", "xlink:href") if values.get(k)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.errors.append(tag)

    def handle_data(self, data):
        if "h2" in self.open and data.strip():
            self.headings.append(data.strip())


@pytest.fixture
def text(page):
    return lambda *kind: page(*kind).read_text(encoding="utf-8")


def test_the_page_opens_with_the_question_its_answer_its_figure_and_the_verdicts(text):
    html = text("ordinary")
    at = [html.index(mark) for mark in (
        "<h1>", '<p class="answer">The validation loss rises with the reduction ratio', '<p class="cost">',
        'id="figure-ratio"', 'id="table-verdicts"', '<section id="ratio">',
    )]  # fmt: skip
    assert at == sorted(at)


def test_the_figure_of_the_answer_stands_once(text):
    assert text("ordinary").count('id="figure-ratio"') == 1


def test_every_run_of_the_seeds_says_what_it_is_in_both_views(text):
    html = text("crossed", 5e-7)
    figure = html[html.index('<figure id="figure-seeds"') :]
    figure = figure[: figure.index("</figure>")]
    points = re.findall(r'<use[^>]*class="mark"([^>]*)><title>([^<]*)</title>', figure)
    assert len(points) == 2 * 25
    assert all('data-arm="' in data and 'data-seed="' in data for data, _ in points)
    assert re.fullmatch(r"reduction=4, seed 0: 0\.\d+", points[0][1])
    assert figure.count('type="radio"') == 2
    assert figure.count(" checked") == 1


def test_a_figure_that_every_reader_may_point_at_needs_no_script(text):
    html = text("crossed", 5e-7)
    assert '<form id="picks" hidden' in html
    assert '<span class="tools" hidden>' in html
    assert not re.search(r"<(figure|table|section)[^>]* hidden", html)


def test_each_table_can_be_taken_out_of_the_page(text, page):
    tables = page("crossed", 5e-7).parent / "tables"
    links = {link.partition(",")[0]: link for link in Page(text("crossed", 5e-7)).links}
    assert {"data:text/csv;charset=utf-8", "data:application/x-tex;charset=utf-8"} <= set(links)
    held = [unquote(link.partition(",")[2]) for link in Page(text("crossed", 5e-7)).links]
    for name in ("arms", "effects", "verdicts"):
        assert (tables / f"{name}.csv").read_text(encoding="utf-8") in held
        assert (tables / f"{name}.tex").read_text(encoding="utf-8") in held


def test_rows_and_points_are_found_by_arm_and_level(text):
    html = text("crossed", 5e-7)
    index = re.search(r'id="arms-by-label">(.*?)</script>', html)
    assert index is not None
    arms = json.loads(index[1])
    assert {levels["gate"] for levels in arms.values() if "gate" in levels} == {
        "sigmoid",
        "one_plus_tanh",
    }
    named = {unescape(label) for label in re.findall(r'data-arm="([^"]*)"', html)}
    assert named == set(arms)


def test_limits_stand_where_a_reviewer_looks(text):
    html = text("ordinary")
    section = html[html.index('<section id="absent">') : html.index('<section id="left-out">')]
    assert "One data set (made-up)" in section
    assert "No test set" in section
    assert "Short training (" in section


def test_nothing_in_the_page_leads_elsewhere(text):
    links = Page(text("crossed", 5e-7)).links
    assert links
    assert all(link.startswith(("#", "data:", "../runs/")) for link in links)


def test_a_runs_record_is_found_from_the_page(text, page):
    here = page("crossed", 5e-7).parent
    records = [link for link in Page(text("crossed", 5e-7)).links if link.startswith("../")]
    assert len(records) == 25
    assert all((here / link).is_file() for link in records)


@pytest.mark.usefixtures("few_figures")
def test_a_page_that_lies_elsewhere_leads_to_no_record(evidence, tmp_path):
    html = write(evidence("crossed", 5e-7), out=tmp_path, formats=()).read_text(encoding="utf-8")
    assert 'href="../runs/' not in html
    assert re.search(r'id="records-by-run"[^>]*>\[\]</script>', html)


def test_the_page_holds_no_address(text):
    assert "://" not in text("crossed", 5e-7)


def test_the_page_is_well_formed_and_every_link_arrives(text):
    found = Page(text("crossed", 5e-7))
    assert (found.errors, found.open) == ([], [])
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_planned_and_exploratory_stand_apart(text):
    headings = Page(text("crossed", 5e-7)).headings
    planned = headings.index("What each component does")
    assert headings[planned + 1] == "planned"
    assert headings[headings.index("Arms of the factorial, only looked at") + 1] == "exploratory"


@pytest.mark.usefixtures("few_figures")
def test_a_searched_study_has_nothing_planned(study):
    html = write_report(study("search"), formats=()).read_text(encoding="utf-8")
    headings = Page(html).headings
    assert "planned" not in headings
    assert "exploratory" in headings


@pytest.mark.parametrize("kind", ["one_arm", "failed", "waiting", "running", "pruned"])
def test_a_study_with_little_in_it_still_gets_what_can_be_given(text, kind):
    found = Page(text(kind))
    assert found.errors == []
    assert {"provenance", "reproduce", "left-out", "absent"} <= set(found.ids)


def test_an_empty_plan_is_a_report_that_says_so(study):
    folder = study("gates")
    (folder / "plan.jsonl").write_text("")
    text = write_report(folder, formats=()).read_text(encoding="utf-8")
    assert "the plan is empty; no run was planned" in text


def test_lost_runs_are_counted_by_reason_and_listed(text):
    html = text("pruned")
    assert ">stopped early by the search<" in html
    assert ">failed<" in html
    assert "NonFinite: val_loss is nan" in html


def test_a_folder_that_is_no_study_says_what_is_missing(tmp_path):
    with pytest.raises(TableError, match=r"it has no study\.json"):
        write_report(tmp_path)


def test_a_study_without_its_wandb_files_and_events_is_read_all_the_same(page):
    report = page("gates")
    assert not (report.parents[1] / "wandb").exists()
    assert report.is_file()


@pytest.mark.usefixtures("few_figures")
def test_names_are_escaped(study):
    folder = study("gates")
    info = json.loads((folder / "study.json").read_text())
    info["study"] = "<script>alert(1)</script>"
    (folder / "study.json").write_text(json.dumps(info))
    text = write_report(folder, formats=()).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_same_in_files(page):
    report = page("crossed", 5e-7).parent
    figures = {path.stem for path in (report / "figures").iterdir()}
    assert {"ratio", "effects", "curves", "interactions", "seeds"} <= figures
    markdown = (report / "report.md").read_text(encoding="utf-8")
    assert all((report / link).is_file() for link in re.findall(r"\]\((figures/[^)]+)\)", markdown))
    table = pd.read_csv(report / "tables" / "arms.csv")
    assert table["label"].tolist()[-1] == "no attention"
    assert r"\toprule" in (report / "tables" / "all.tex").read_text()


def test_each_figure_is_also_in_the_formats_asked_for(page):
    figures = page("gates").parent / "figures"
    names = {path.stem for path in figures.iterdir()}
    assert {"effects", "seeds", "seeds-paired"} <= names
    assert all((figures / f"{name}.svg").is_file() for name in names)
    pngs = [(figures / f"{name}.png").read_bytes() for name in names]
    assert all(png.startswith(b"\x89PNG") for png in pngs)


def test_the_report_repeats_exactly(own_copy):
    folder = own_copy("gates")
    first = (folder / "report" / "index.html").read_bytes()
    assert write_report(folder, formats=()).read_bytes() == first


def test_reading_and_reporting_need_neither_torch_nor_the_other_packages(study):
    folder = study("gates")
    code = (
        "import sys; from pathlib import Path; from analysis.report.build import write_report; "
        f"write_report(Path({str(folder)!r}), formats=()); "
        "print(sorted({name.split('.')[0] for name in sys.modules} "
        "& {'torch', 'lightning', 'ablations', 'search_spaces', 'optuna', 'wandb'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.long
def test_a_large_study_stays_small(make_study):
    rates = {f"level {i}": 0.0 for i in range(30)}
    folder = make_study("large", effects={"attention.gate": rates}, seeds=10, epochs=30)
    assert write_report(folder, formats=()).stat().st_size < 5e6


@pytest.mark.usefixtures("few_figures")
def test_what_was_planned_is_apart_from_what_was_not(study):
    entry = {"factor": "attention.gate", "levels": ["sigmoid", "one_plus_tanh"], "metric": "val_loss",
             "direction": "two-sided", "margin": None, "alpha": 0.05, "seeds": 5}  # fmt: skip
    planned = {
        "metric": "val_loss",
        "alpha": 0.05,
        "seeds": 5,
        "comparisons": [entry],
        "adding_seeds": {"plan": "none"},
    }
    headings = Page(write_report(study("gates", planned=planned), formats=()).read_text()).headings
    first = headings.index("The planned comparisons")
    assert headings[first + 1] == "planned"
    assert headings[headings.index("What each component does") + 1] == "exploratory"


@pytest.mark.usefixtures("few_figures")
def test_before_the_first_look_the_page_has_no_planned_verdict(study):
    planned = parse_comparisons({
        "comparisons": [{"factor": "attention.gate", "levels": ["sigmoid", "one_plus_tanh"], "margin": 0.01}],
        "adding_seeds": {"plan": "alpha_spending", "looks": [8, 12]},
    })  # fmt: skip
    html = write_report(study("gates", planned=planned), formats=()).read_text(encoding="utf-8")
    assert (
        "no verdict yet: look 1 of 2 is at 8 seeds with every arm complete, 3 more than the 5"
        in html
    )
    assert "planned comparison (" not in html
