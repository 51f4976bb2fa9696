import json
import math

import pytest

from analysis.errors import TableError
from analysis.report.evidence.evidence import gather
from analysis.report.evidence.gates import read_gates
from analysis.report.figures.captions import CAPTIONS
from analysis.report.figures.figures import draw
from analysis.report.sections.sections import sections
from analysis.tables.study_table import read_study


def line(epoch, block, stage, counts, **more):
    numbers = {"mean": 0.5, "between": 0.03, "within": 0.01, "saturated_low": 0.1, "saturated_high": 0.02,
               "above_one": None, "gradient_norm": 0.5}  # fmt: skip
    return {"epoch": epoch, "block": block, "stage": stage, "low": 0.0, "high": 1.0, "counts": counts,
            **numbers, **more}  # fmt: skip


def record(folder, lines, label=None):
    table = read_study(folder)
    column, value = ("arm", table.baseline_arm) if label is None else ("label", label)
    for row in table.frame[table.frame[column] == value].itertuples():
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


def test_the_gates_of_any_arm_and_of_all_can_be_asked_for(study):
    folder = record(study("gates"), LINES)
    other = next(
        label
        for label in read_study(folder).frame["label"]
        if label != read_gates(read_study(folder)).label
    )
    counts = {"3": [10, 0], "5": [10, 0]}
    table = read_study(record(folder, [line(2, "1.0", "16 channels", counts)], other))
    mine, both = read_gates(table, arm=other), read_gates(table, arm="all")
    assert (mine.label, mine.runs) == (other, 5)
    assert (both.label, both.runs) == ("all arms", 10)

    def low(found):
        bins = found.bins[(found.bins["stage"] == "16 channels") & (found.bins["group"] == "all")]
        return bins["share"].iloc[0]

    assert low(mine) == 1
    assert low(both) == pytest.approx((9 + 20) / 40)
    assert gather(folder, gates_of=other).gates.label == other


def test_an_arm_without_gates_and_arms_of_other_ranges_are_refused(study):
    folder = record(study("gates"), LINES)
    with pytest.raises(
        TableError,
        match="no complete run of an arm called 'none' has recorded its gates; these have",
    ):
        read_gates(read_study(folder), arm="none")
    other = next(
        label
        for label in read_study(folder).frame["label"]
        if label != read_gates(read_study(folder)).label
    )
    record(folder, [line(2, "1.0", "16 channels", {"3": [1, 1]}) | {"low": -1.0}], other)
    with pytest.raises(
        TableError, match="arms whose gates have other ranges cannot be drawn together"
    ):
        read_gates(read_study(folder), arm="all")


def test_what_the_gates_of_each_arm_came_to_stands_beside_the_baselines(study):
    folder = study("gates")
    table = read_study(folder)
    other = next(x for x in table.frame["label"] if x != table.frame["label"].iloc[0])
    mine = table.frame[table.frame["arm"] == table.baseline_arm]["label"].iloc[0]
    shares = {mine: (0.1, 0.2, 0.3, 0.4, 0.5), other: (0.3, 0.4, 0.5, 0.6, 0.8)}
    for label, of_seeds in shares.items():
        rows = table.frame[table.frame["label"] == label].sort_values("seed")
        for row, share in zip(rows.itertuples(), of_seeds, strict=True):
            lines = [
                line(1, "1.0", "16 channels", {"3": [9, 1]}, between=0.9, within=0.1),
                line(
                    2,
                    "1.0",
                    "16 channels",
                    {"3": [9, 1]},
                    between=share,
                    within=1 - share,
                    mean=0.2,
                ),
                line(2, "2.0", "32 channels", {"3": [9, 1]}, between=0.0, within=0.0, mean=0.6),
            ]
            path = folder / "runs" / row.run / str(int(row.attempt)) / "gates.jsonl"
            path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    first, second = read_gates(table).arms.to_dict("records")
    assert (first["label"], first["n"], second["label"], second["n"]) == (mine, 5, other, 5)
    assert [first["mean"], first["by_class"], first["saturated"]] == pytest.approx([0.4, 0.3, 0.12])
    half = 2.7764451 * 0.15811388 / 5**0.5  # t of 4 degrees of freedom, the deviation of 0.1 to 0.5
    assert [first["by_class_low"], first["by_class_high"]] == pytest.approx(
        [0.3 - half, 0.3 + half]
    )
    assert math.isnan(first["mean_low"])  # all runs agree
    assert math.isnan(first["gap"])
    assert second["gap"] == pytest.approx(0.22)
    assert second["gap_high"] - second["gap"] == pytest.approx(2.7764451 * 0.04472136 / 5**0.5)


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_used(study):
    folder = record(study("gates"), LINES)
    path = next((folder / "runs").glob("*/*/gates.jsonl"))
    path.write_text("[1")
    found = read_gates(read_study(folder))
    assert (found.runs, found.arms["n"].tolist()) == (4, [4])
    (said,) = found.remarks
    assert said.startswith(f"{'/'.join(path.parts[-4:])} cannot be read and is left out: ")
    (training,) = [one for one in sections(gather(folder), {}) if one.anchor == "training"]
    assert said in training.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it has no lines"),
        ("[1]", "list indices must be"),
        ("[" * 9999, "recursion"),
        (json.dumps(line(1, "1.0", "16 channels", {"3": [1, 2], "5": [1]})), "not one number of bins"),
        (json.dumps(line(1, "1.0", "16 channels", {"3": []})), "not one number of bins"),
        (json.dumps(line(1, "1.0", "16 channels", {})), "not one number of bins"),
        (json.dumps(line(1, "1.0", "16 channels", {"3": [-1, 2]})), "no numbers of gates"),
        (json.dumps(line(1, "1.0", "16 channels", {"3": [1, 2]}, mean="much")), "could not convert string to float"),
        (json.dumps(line(1, "1.0", "16 channels", {"3": [1, 2]}, mean=1e400)), "inf is no finite number"),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_told_in_a_sentence_with_its_place(study, content, message):
    folder = record(study("gates"), LINES)
    for path in (folder / "runs").glob("*/*/gates.jsonl"):
        path.write_text(content)
    with pytest.raises(
        TableError, match=rf"gates\.jsonl cannot be read and is left out: .*{message}"
    ):
        read_gates(read_study(folder))


def test_what_was_not_recorded_has_no_panel_and_no_words(study):
    bare = [dict(entry, between=None, within=None, gradient_norm=None) for entry in LINES]
    evidence = gather(record(study("gates"), bare))
    figure = draw("gates", evidence)
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        "16 channels", "32 channels", "share of gates at an end",
    ]  # fmt: skip
    said = CAPTIONS["gates"](evidence)
    assert "the share that is nearly closed or open" in said
    assert "gradient" not in said
    assert "between classes" not in said


def test_the_report_has_the_table_of_arms_and_of_the_classes_only_where_there_are_any(study):
    folder = record(study("gates"), LINES)

    def columns() -> list[str]:
        training = next(one for one in sections(gather(folder), {}) if one.anchor == "training")
        table = next(one for one in training.parts if getattr(one, "name", "") == "gates_by_arm")
        assert table.frame["n"].tolist() == [5]
        return [column.title for column in table.columns]

    assert {"Mean gate", "Between classes", "less the first arm's", "Saturated"} <= set(columns())
    record(folder, [dict(entry, between=None, within=None) for entry in LINES])
    assert not {"Between classes", "less the first arm's"} & set(columns())
