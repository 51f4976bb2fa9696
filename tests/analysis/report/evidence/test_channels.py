import json

import numpy as np
import pytest

from analysis.errors import TableError
from analysis.report.build import write
from analysis.report.evidence.channels import read_channels
from analysis.report.evidence.evidence import gather
from analysis.report.figures.figures import draw
from analysis.tables.study_table import read_study


def block(
    name="3.0", gate=(0.1, 0.5, 0.9), useful=(0.0, 0.2, -0.3), gradient=(1.0, -1.0, -1.0), **more
):
    return {
        "block": name,
        "gate": {"all": list(gate), "0": [0.2, 0.4, 0.8], "1": [0.0, 0.6, 1.0]},
        "gradient": list(gradient), "gradient_sign": list(gradient),
        "usefulness": list(useful), "error": [0.01, 0.01, 0.01], **more,
    }  # fmt: skip


def drops(most, least):
    return [
        {"order": order, "share": share, "accuracy": value, "loss": 1.0}
        for order, share, value in (("", 0.0, 0.9), ("most", 0.5, most), ("least", 0.5, least))
    ]


def record(folder, contents, label=None):
    """Give the runs of an arm these files, one for each in turn; any text as it is."""
    table = read_study(folder)
    column, value = ("arm", table.baseline_arm) if label is None else ("label", label)
    rows = table.frame[table.frame[column] == value].sort_values("seed")
    for row, content in zip(rows.itertuples(), contents, strict=False):
        path = folder / "runs" / row.run / str(int(row.attempt)) / "channels.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def content(most=0.4, least=0.8, *blocks):
    return {
        "examples": 9,
        "blocks": blocks or [block()],
        "drops": drops(most, least),
        "missing": "",
    }


def test_a_clear_channel_agrees_where_the_gradient_would_open_what_is_useful(study):
    found = read_channels(read_study(record(study("gates"), [content()])))
    # Useful with a falling loss: agrees. Harmful with a falling loss: does not. The first is not clear of 0.
    assert found.single["told"].tolist() == [False, True, True]
    assert found.single["agrees"].tolist() == pytest.approx([np.nan, 1, 0], nan_ok=True)
    (row,) = found.worth.to_dict("records")
    assert (row["told"], row["useful"], row["agree"]) == pytest.approx((2 / 3, 1 / 3, 1 / 2))
    assert row["rank"] == pytest.approx(-0.5)  # gates 1, 2, 3; usefulness 2, 3, 1


def test_the_agreement_says_on_how_many_channels_of_how_many_runs_it_rests(study):
    runs = [content(), content(0.4, 0.8, block(useful=(0, 0, 0))), content()]
    (row,) = read_channels(read_study(record(study("gates"), runs))).worth.to_dict("records")
    assert (row["n"], row["judged"], row["judged_runs"]) == (3, 4, 2)


def test_what_is_left_is_a_mean_over_seeds_and_the_gap_is_of_each_seed(study):
    runs = [content(0.4, 0.8), content(0.5, 0.8), content(0.6, 1.0)]
    found = read_channels(read_study(record(study("gates"), runs)))
    (row,) = found.drops.to_dict("records")
    assert (row["n"], row["share"], row["intact"]) == (3, 0.5, 0.9)
    assert (row["most"], row["gap"]) == pytest.approx((0.5, -1.1 / 3))
    # t(0.975, 2) = 4.303, standard deviation 0.1.
    assert (row["most_low"], row["most_high"]) == pytest.approx(
        (0.5 - 0.2484, 0.5 + 0.2484), abs=1e-3
    )
    assert row["least_high"] == 1.0  # cut


def test_of_one_seed_or_equal_ones_there_is_no_interval(study):
    found = read_channels(read_study(record(study("gates"), [content(), content()])))
    assert found.drops["most"].tolist() == [0.4]
    assert found.drops["most_low"].isna().all()


def test_the_first_seed_of_an_arm_and_a_block_can_be_chosen(study):
    folder = record(study("gates"), [content(0.4, 0.8, block("1.0"), block("3.0"))])
    table = read_study(folder)
    assert (read_channels(table).block, read_channels(table).seed) == ("3.0", 0)
    assert read_channels(table, block="1.0").block == "1.0"
    assert read_channels(table).gates.index.tolist() == ["all", "0", "1"]
    with pytest.raises(
        TableError, match=r"no block is called '2\.0' in the runs of '.*'; there are 1\.0, 3\.0\."
    ):
        read_channels(table, block="2.0")
    with pytest.raises(TableError, match=r"the channels of one run are shown: name one arm"):
        read_channels(table, arm="all")
    with pytest.raises(
        TableError, match=r"no complete run of an arm called 'x' has recorded its gates; these have"
    ):
        read_channels(table, arm="x")


@pytest.mark.parametrize(
    "bad",
    ["", "[]", "{}", '{"blocks": [{}], "drops": []}', '{"blocks": 1, "drops": []}',
     json.dumps(content() | {"drops": 7}), json.dumps(content() | {"blocks": [block(useful=(1, 2))]}),
     json.dumps(content() | {"blocks": []}),
     json.dumps(content() | {"blocks": [block() | {"gate": {"all": [1, 2, 3], "3": "x"}}]}),
     json.dumps(content() | {"blocks": [block() | {"gate": {"all": [1, 2, 3], "3": [1]}}]}),
     json.dumps(content() | {"blocks": [block(useful=(1, 2, 1e400))]}),
     json.dumps(content() | {"blocks": [{k: v for k, v in block().items() if k != "block"}]}),
     json.dumps(content() | {"drops": [{"order": "most", "share": "x", "accuracy": 1, "loss": 1}]})],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_used(study, bad):
    folder = record(study("gates"), [bad, content()])
    found = read_channels(read_study(folder))
    assert found.seed == 1
    assert "channels.json cannot be read and is left out" in found.remarks[0]
    record(folder, [bad] * 5)
    with pytest.raises(TableError, match="cannot be read and is left out"):
        read_channels(read_study(folder))


def test_gates_alone_are_drawn_and_what_is_missing_is_said(study):
    alone = {"block": "3.0", "gate": {"all": [0.1, 0.9]}}
    why = "Gates are recorded by channel, but not their gradient and use: no labels."
    folder = record(
        study("gates"), [{"examples": 3, "blocks": [alone], "drops": [], "missing": why}]
    )
    evidence = gather(folder)
    assert len(draw("channels", evidence).axes) == 2  # the shades and their scale
    with pytest.raises(
        TableError, match="figure 'drops' cannot be drawn: Gates are recorded by channel, but"
    ):
        draw("drops", evidence)


def test_the_report_has_the_figures_the_tables_and_the_numbers(study):
    folder = record(study("gates"), [content(0.4, 0.8), content(0.5, 0.7)])
    page = write(gather(folder), formats=())
    text = page.read_text()
    assert "Which channels the gates open, and what these are worth" in text
    assert (page.parent / "figures/channels.svg").exists()
    assert (page.parent / "figures/drops.svg").exists()
    assert "| 45.00 % | [0, 100] % |" in (page.parent / "tables/channel_drops.md").read_text()
    numbers = json.loads((page.parent / "numbers.json").read_text())
    assert numbers["channels"]["worth"][0]["agree"] == 0.5


@pytest.mark.parametrize("style", ["paper", "screen"])
@pytest.mark.parametrize("name", ["channels", "drops"])
def test_no_legend_covers_an_axes(study, name, style):
    figure = draw(name, gather(record(study("gates"), [content()])), style=style)
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert not any(box.overlaps(ax.get_window_extent()) for ax in figure.axes)
