"""The section on claims: the sentences that a study was run for, and what it says of each."""

from collections.abc import Iterator

import pandas as pd

from analysis.claims.answer import Answer, Found
from analysis.claims.measured import measured
from analysis.claims.planned_claims import measured_of
from analysis.errors import TableError
from analysis.report.evidence.evidence import Evidence
from analysis.report.page.page import Section
from analysis.report.page.tables import Column, Table


def claims_section(evidence: Evidence) -> Iterator[Section]:
    """What became of the claims that a study stored before its runs; nothing where it has none."""
    stored = (evidence.table.planned or {}).get("claims") or []
    if not stored:
        return
    rows = []
    for one in stored:
        try:
            found = measured(measured_of(one["measured"]), evidence.table, planned=True)
        except TableError as error:
            found = Found(verdict="undecided", words=str(error).rstrip("."), where="other runs")
        answer = Answer(
            id=one["id"], sentence=one["sentence"], source=one["source"], evidence="measured", found=found
        )  # fmt: skip
        rows.append({**answer.to_json(), "found": answer.said()})
    frame = pd.DataFrame(rows).drop(columns=["interval", "command", "exploratory", "where"])
    yield Section(
        anchor="claims",
        title="The claims",
        kind="planned",
        text=(
            "These sentences were bound to comparisons before the first run (hash "
            f"{evidence.table.planned_hash}).",
        ),
        parts=(
            Table(
                name="claims",
                title="What this study says of each claim",
                caption="Comparisons of one study are decided together. Loose: true only in part.",
                frame=frame,
                columns=(
                    Column(title="Claim", name="id"),
                    Column(title="Sentence", name="sentence"),
                    Column(title="Verdict", name="verdict"),
                    Column(title="What was found", name="found"),
                    Column(title="n", name="n", form="count"),
                ),
                mark=tuple(frame["verdict"].str.replace(" ", "-")),
            ),
        ),
    )
