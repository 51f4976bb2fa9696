"""Answers to claims on a terminal: a table with one line each, then the command that gets them again."""

from typing import TYPE_CHECKING

from ablations.cli.words.console import Rows, make_console
from plain_files.words import visible

if TYPE_CHECKING:
    from analysis.claims.answers import Answers

STYLES = {"supported": "green", "contradicted": "red", "loose": "yellow"}


def print_answers(answers: "Answers") -> None:
    """The verdicts with what they rest on; the claims' own sentences are in the file and in what is written."""
    from rich.text import Text

    table = Rows(("claim", "evidence", "verdict", "what was found"), ("n",))
    for row in answers.rows:
        n = "" if row.found.n is None else str(row.found.n)
        evidence = f"{row.evidence}, {row.on}" if row.on else row.evidence
        verdict = Text(row.verdict, style=STYLES.get(row.verdict, ""))
        table.add_row(row.id, evidence, verdict, row.said(), n)
    console = make_console()
    console.print(visible(answers.title))
    console.print(table)
    console.print(visible(answers.summary()))
    if answers.not_run:
        console.print(f"{answers.not_run} wait for runs: {visible(answers.command)}")
