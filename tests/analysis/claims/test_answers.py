import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.claims.answer import Answer, Found
from analysis.claims.answers import Answers
from analysis.claims.claims import Published
from analysis.claims.published import published
from analysis.errors import TableError


@pytest.mark.parametrize(
    ("low", "high", "verdict", "where"),
    [
        (0.0, 2.0, "supported", ""),
        (2.0, 3.0, "contradicted", ""),
        (1.0, float("inf"), "loose", "a"),
        (float("-inf"), 0.5, "loose", "b"),
    ],
)
def test_published_numbers_lie_in_the_claims_range_or_not(
    low: float, high: float, verdict: str, where: str
) -> None:
    given = Published(
        numbers={"a": 1.16, "b": 0.39}, at_least=low, at_most=high, unit="points", source="t"
    )
    found = published(given)
    assert (found.verdict, found.where, found.n) == (verdict, where, 2)


ROWS = (
    Answer(
        id="A", sentence="a | b", source="s", evidence="measured", on="digits", exploratory="late", command="ablate x",
        found=Found(verdict="supported", words="it is", number=1.0, low=0.5, high=float("inf"), n=5),
    ),
    Answer(id="A", sentence="a | b", source="s", evidence="none", found=Found(verdict="not testable", words="no task")),
)  # fmt: skip


def answers() -> Answers:
    return Answers(
        title="T",
        rows=ROWS,
        versions={"torch": "2"},
        machine="a server",
        command="ablate claims f --run",
    )


def test_answers_are_written_as_markdown_csv_and_json(tmp_path: Path) -> None:
    for ending in (".md", ".csv", ".json"):
        answers().write(tmp_path / "new" / f"a{ending}")
    page = (tmp_path / "new/a.md").read_text()
    assert (
        "Written by `ablate claims f --run` on a server, with torch 2. 1 claim, 2 answers: 1 supported, 1 not testable."
        in page
    )
    assert (
        "| A | a \\| b (s) | measured: digits | **supported** | it is (exploratory: late). | 5 | `ablate x` |"
        in page
    )
    frame = pd.read_csv(tmp_path / "new/a.csv")
    assert frame["verdict"].tolist() == ["supported", "not testable"]
    assert frame["low"].tolist()[0] == 0.5
    content = json.loads((tmp_path / "new/a.json").read_text())
    assert content["answers"][0]["interval"] == [0.5, None]
    assert content["answers"][1]["interval"] is None
    with pytest.raises(
        TableError, match=r"answers are written as \.md, \.csv, \.json, but got 'a\.txt'"
    ):
        answers().write(Path("a.txt"))


def test_the_claims_of_a_verdict_are_named_once() -> None:
    assert answers().having(("supported", "not testable")) == ["A"]
    assert answers().having(("contradicted",)) == []
