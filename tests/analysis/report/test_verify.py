import json

import pytest

from analysis.errors import TableError
from analysis.report.verify import verify_report


@pytest.fixture
def written(own_copy):
    return own_copy("ordinary", 5e-7)


@pytest.fixture
def known(evidence, monkeypatch):
    """For tests that change no record: what is recomputed from the records is known."""
    monkeypatch.setattr(
        "analysis.report.verify.gather", lambda *_, **__: evidence("ordinary", 5e-7)
    )


def test_a_fresh_report_is_what_the_records_say_at_its_own_price(written):
    numbers = json.loads((written / "report" / "numbers.json").read_text())
    assert numbers["ratio"]["fit"]["price"]["value"] == 5e-7
    found = verify_report(written)
    assert found.holds
    assert found.compared > 500


def change_result(folder, **values):
    path = min((folder / "runs").glob("*/result.json"))
    result = json.loads(path.read_text()) | values
    path.unlink()
    path.write_text(json.dumps(result))
    return result


def test_a_changed_record_is_found_in_every_number_that_it_moves(written):
    result = change_result(written, val_loss=0.5)
    differences = verify_report(written).differences
    assert any(line.startswith("numbers.ratio.fit.kappa: the report says") for line in differences)
    assert any(
        line.startswith(f"run {result['run']}: result.json has val_loss 0.5")
        for line in differences
    )


@pytest.mark.usefixtures("known")
def test_a_changed_number_is_found(written):
    path = written / "report" / "numbers.json"
    numbers = json.loads(path.read_text())
    numbers["arms"][0]["mean"] *= 1.001
    path.write_text(json.dumps(numbers))
    lines = verify_report(written).differences
    assert lines[0].startswith("numbers.arms[0].mean: the report says 0.")
    assert "numbers.json: the file was changed after it was written" in lines


@pytest.mark.usefixtures("known")
def test_a_page_that_was_edited_is_found(written):
    page = written / "report" / "index.html"
    page.write_text(page.read_text().replace("theory", "truth"))
    assert verify_report(written).differences == (
        "index.html: the file was changed after it was written",
    )


@pytest.mark.usefixtures("known")
def test_a_missing_figure_is_found(written):
    (written / "report" / "figures" / "ratio.svg").unlink()
    assert verify_report(written).differences == ("figures/ratio.svg: the file is gone",)


def test_without_a_report_there_is_nothing_to_check(study):
    with pytest.raises(
        TableError, match=r"there is no report to check: .*Write one with `ablate report` first\."
    ):
        verify_report(study("gates"))
