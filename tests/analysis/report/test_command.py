"""`ablate report` and `ablate plot`, as they are typed."""

import json
import re

import pytest

from ablations.cli.main import main


def refused(arguments, capsys):
    """What a refused command says, in one line without a traceback."""
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.usefixtures("few_figures")
def test_report_prints_the_verdicts_and_where_the_page_is(study, capsys):
    folder = study("gates")
    main(["report", str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        "1 comparison with the baseline, gate=sigmoid: 1 found to matter: gate=one_plus_tanh"
    )
    assert lines[1].startswith("Basis: 10 of 10 planned runs")
    assert lines[-1] == f"Report: {folder / 'report' / 'index.html'}"
    assert (folder / "report" / "index.html").is_file()


def test_a_study_is_found_by_its_name(study, capsys):
    folder = study("waiting")
    main(["report", "waiting", "--root", str(folder.parent)])
    assert "This study has not ended: 0 of 25 runs have." in capsys.readouterr().out


def test_verify_says_how_much_it_compared(own_copy, capsys):
    main(["report", str(own_copy("gates")), "--verify"])
    assert "The report is what the records say: " in capsys.readouterr().out


def test_verify_lists_what_differs_and_fails(own_copy, capsys):
    folder = own_copy("gates")
    path = folder / "report" / "numbers.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metric": "other"}))
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["report", str(folder), "--verify"])
    said = capsys.readouterr()
    assert 'numbers.metric: the report says "other", the records say "val_loss"' in said.out
    assert "the report differs from the records in 2 of " in said.err


def test_plot_draws_one_figure_in_the_formats_asked_for(study, capsys):
    folder = study("gates")
    main(["plot", str(folder), "effects", "--format", "pdf,svg", "--style", "paper"])
    paths = [folder / "report" / "plots" / f"effects.{kind}" for kind in ("pdf", "svg")]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in paths]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert "<svg" in paths[1].read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plot", "{}", "efects"], "there is no figure 'efects'; there are ratio, "),
        (["plot", "{}", "ratio"], "figure 'ratio' cannot be drawn: the study does not vary the reduction"),
        (["plot", "{}", "effects", "--format", "gif"], "`format` must be one of 'svg', 'pdf', 'png', but got 'gif'."),
        (["report", "{}", "--margin", "-1"], "`margin > 0` must hold, but got -1.0."),
        (["report", "{}", "--verify"], "there is no report to check: "),
        (["report", "{}/nothing"], "there is no study "),
        (["report"], "name a study (`ablate list` says which there are), or give --all."),
        (["report", "{}", "--all"], "`--all` is of every study here: leave out the name"),
        (["report", "--all"], "there is no study in runs/; start one with"),
        (["plot", "{}", "seeds", "--view", "pared"], "figure 'seeds' has no view 'pared' of this study; it has raw,"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_what_to_do(study, capsys, monkeypatch, arguments, said):
    folder = study("gates")
    monkeypatch.chdir(folder)  # where no other study lies
    assert said in refused([word.format(folder) for word in arguments], capsys)


def test_a_folder_that_cannot_be_written_is_named(study, capsys):
    folder = study("waiting")
    (folder / "report").write_text("in the way")
    assert f"File exists: '{folder / 'report'}'" in refused(["report", str(folder)], capsys)


@pytest.mark.usefixtures("few_figures")
def test_a_full_disk_takes_the_page_and_not_the_answer(study, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    folder = study("one_arm")
    monkeypatch.setattr("analysis.report.build.save", full)
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["report", str(folder)])
    said = capsys.readouterr()
    assert "Basis: 5 of 5 planned runs" in said.out
    reason = "[Errno 28] No space left on device."
    assert f"the report was not written to {folder / 'report'}: {reason}" in said.err


def test_every_study_is_reported_and_found_from_one_page(study, capsys):
    folder = study("gates")
    study("waiting")
    main(["report", "--all", "--root", str(folder.parent)])
    index = folder.parent / "index.html"
    assert capsys.readouterr().out.splitlines()[-1] == f"Index: {index}"
    html = index.read_text(encoding="utf-8")
    links = re.findall(r'<h2><a href="([^"]+)">', html)
    assert len(links) == 2
    assert all((folder.parent / link).is_file() for link in links)
    assert "matters: gate=one_plus_tanh raises the validation loss" in html
    assert "No answer yet: no run that may enter an estimate has ended." in html
    assert "://" not in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_a_study_that_cannot_be_read_takes_no_other_with_it(study, capsys):
    folder = study("gates")
    (study("waiting") / "plan.jsonl").unlink()
    main(["report", "--all", "--root", str(folder.parent)])
    assert "waiting: no report: " in capsys.readouterr().out
    assert "Not read: " in (folder.parent / "index.html").read_text(encoding="utf-8")


def test_two_studies_stand_side_by_side_with_what_differs(study, make_study, capsys):
    folder = study("gates")
    gate = {"attention.gate": {"sigmoid": 0.0, "one_plus_tanh": 0.2}}
    other = make_study("other", effects=gate)
    main(["report", str(folder), "--beside", str(other)])
    page = folder / "report" / "beside-other.html"
    assert capsys.readouterr().out == f"Side by side: {page}\n"
    html = page.read_text(encoding="utf-8")
    assert "The same effects in gates and in other" in html
    assert re.search(r'<td>gate=one_plus_tanh</td><td class="number">\+0\.0\d+</td>', html)
    assert "Differences are against the baseline gate=sigmoid." in html
    for figure in (
        "Effects against the baseline",
        "Result against parameters",
        "Every run, by arm",
    ):
        assert html.count(f"<b>{figure}.</b>") == 2
    assert html.count("<svg") == 6
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_a_view_of_a_figure_is_drawn_by_its_name(study, capsys):
    folder = study("gates")
    main(["plot", str(folder), "seeds", "--view", "paired", "--format", "svg"])
    path = folder / "report" / "plots" / "seeds-paired.svg"
    assert capsys.readouterr().out == f"{path}\n"
    assert "own level taken out" in path.read_text()


def test_the_studies_here_are_listed_with_their_state(study, capsys):
    root = study("gates").parent
    (study("waiting") / "runs").mkdir()
    (study("running") / "study.json").write_text("{")
    main(["list", "--root", str(root)])
    head, first, broken, second, _ = capsys.readouterr().out.splitlines()
    assert head.split() == ["study", "state", "runs", "failed", "question"]
    assert first.split()[:3] == ["gates", "ended", "10/10"]
    assert broken.split()[:3] == ["running", "not", "readable"]
    assert second.split()[:3] == ["waiting", "not", "begun"]


def test_a_study_is_not_set_beside_itself(study, capsys):
    folder = study("gates")
    said = refused(["report", str(folder), "--beside", f"{folder}/../gates"], capsys)
    assert "`--beside` needs another study, but got 'gates' itself" in said
    assert not (folder / "report").exists()


def test_a_file_is_no_folder_to_write_to(study, capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    said = refused(["report", str(study("gates")), "--out", str(file)], capsys)
    assert "`--out` names a folder to write to" in said
    assert file.read_text() == "mine"
