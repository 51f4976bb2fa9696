import json

import pytest

from analysis.errors import TableError
from analysis.report.evidence.evidence import gather
from analysis.report.evidence.gates import read_gates
from analysis.report.figures.figures import draw
from analysis.tables.study_table import read_study


def line(epoch, block, stage, counts, **more):
    numbers = {"mean": 0.5, "between": 0.03, "within": 0.01, "saturated_low": 0.1, "saturated_high": 0.02,
               "above_one": None, "gradient_norm": 0.5}  # fmt: skip
    return {"epoch": epoch, "block": block, "stage": stage, "low": 0.0, "high": 1.0, "counts": counts,
            **numbers, **more}  # fmt: skip


def record(folder, lines):
    table = read_study(folder)
    for row in table.frame[table.frame["arm"] == table.baseline_arm].itertuples():
        path = folder / "runs" / row.run / str(int(row.attempt)) / "gates.jsonl"
        path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    return folder


LINES = [
    line(1, "1.0", "16 channels", {"3": [9, 1], "5": [5, 5]}, gradient_norm=2.0),
    line(2, "1.0", "16 channels", {"3": [8, 2], "5": [1, 9]}, mean=0.61),
    line(2, "2.0", "32 channels", {"3": [0, 10], "5": [10, 0]}),
]


def test_the_distribution_is_that_of_the_last_epoch_by_stage_and_class(study):
    found = read_gates(read_study(record(study("gates"), LINES)))
    first = found.bins[found.bins["stage"] == "16 channels"].set_index(["group", "low"])["share"]
    assert first["all"].tolist() == pytest.approx([9 / 20, 11 / 20])
    assert first["3"].tolist() == pytest.approx([0.8, 0.2])
    assert found.stages["mean"].tolist() == pytest.approx([0.61, 0.5])
    assert found.runs == 5


def test_gradients_keep_every_epoch(study):
    found = read_gates(read_study(record(study("gates"), LINES)))
    mine = found.gradients[found.gradients["block"] == "1.0"]
    assert mine[["epoch", "gradient_norm"]].to_numpy().tolist() == [[1, 2.0], [2, 0.5]]


def test_the_figure_shows_every_stage_and_three_summaries(study):
    figure = draw("gates", gather(record(study("gates"), LINES)))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[:2] == ["16 channels", "32 channels"]
    assert len(figure.axes) == 5


def test_a_study_that_recorded_none_says_how_to(study):
    with pytest.raises(
        TableError,
        match="no run has recorded its gates; switch the recording on when a study starts: ",
    ):
        read_gates(read_study(study("gates")))
