"""`ablate report` and `ablate plot`, as they are typed."""

import json

import pytest

from ablations.cli.main import main


def refused(arguments, capsys):
    """What a refused command says, in one line without a traceback."""
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


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
