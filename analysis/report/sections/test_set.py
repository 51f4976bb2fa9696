"""The section on the test set: whether what was concluded holds on examples that no choice saw."""

from collections.abc import Iterator

import pandas as pd

from analysis.report.evidence.evidence import Evidence
from analysis.report.page.page import Section
from analysis.report.page.tables import ARM, Column, Table
from analysis.tested.words import holds, metric_in_words, sentences


def test_section(evidence: Evidence) -> Iterator[Section]:
    """What the test set said when it was looked at; nothing before, and nothing where there is none."""
    answer = evidence.tested
    if answer is None:
        return
    later = len(evidence.runs) - answer["runs"]
    since = (
        "1 run that counts now had not ended when it was looked at; it is not in these numbers."
        if later == 1
        else f"{later} runs that count now had not ended when it was looked at; they are not in these numbers."
    )
    yield Section(
        anchor="test",
        title="The test set",
        kind="planned",
        text=tuple(sentences(answer)[:1]) + ((since,) if later > 0 else ()),
        said=tuple(sentences(answer)[1:]),
        parts=(
            *([_comparisons(answer)] if answer["comparisons"] else []),
            Table(
                name="test_arms",
                title="The arms on the test set",
                caption="Means over seeds, of the baseline and the arms that were concluded on.",
                frame=pd.DataFrame(answer["arms"]),
                columns=(
                    ARM,
                    *(
                        Column(title=metric_in_words(name).capitalize(), name=name, form="number")
                        for name in answer["metrics"]
                    ),
                    Column(title="n", name="n", form="count"),
                ),
                mark=tuple(
                    "baseline" if one["arm"] == evidence.table.baseline_arm else ""
                    for one in answer["arms"]
                ),
            ),
        ),
    )


def _comparisons(answer: dict[str, object]) -> Table:
    rows = answer["comparisons"]
    assert isinstance(rows, list)
    frame = pd.DataFrame(
        [{**x, "metric": metric_in_words(x["metric"]), "holds": holds(x, answer)} for x in rows]
    )
    return Table(
        name="test",
        title="Against the baseline, on the test set",
        caption=(
            "What validation said, and the same comparison on the test set: differences within seeds, marginal 95 % "
            "intervals, Holm's p over each metric's rows. Holds: as on the validation data, clear of 0."
        ),
        frame=frame.drop(columns=["arm"]),
        columns=(
            Column(title="Comparison", name="label"),
            Column(title="Metric", name="metric"),
            Column(title="Difference", name="estimate", form="signed"),
            Column(title="95 % interval", name="low", high="high", form="number"),
            Column(title="Holm p", name="p_holm", form="p"),
            Column(title="Holds", name="holds"),
            Column(title="Pairs", name="n_pairs", form="count"),
            Column(title="Validation", name="validation"),
            Column(
                title=f"In {metric_in_words(str(answer['metric']))}",
                name="validation_estimate",
                form="signed",
            ),
        ),
        mark=tuple(str(row["validation"]) for row in rows),
    )
