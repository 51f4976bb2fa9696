"""All answers to a file of claims, as a table, as Markdown, CSV and JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from analysis.claims.answer import NOT_RUN, Answer, Verdict
from analysis.errors import TableError
from plain_files.whole_files import write_text

VERDICTS = get_args(Verdict)
WRITTEN = (".md", ".csv", ".json")
NAMES = ("id", "verdict", "evidence", "on", "found", "where", "number", "low", "high", "n", "unit",
         "exploratory", "sentence", "source", "command")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What is said of every claim; a claim has a row for each piece of evidence."""

    title: str
    rows: tuple[Answer, ...]
    versions: Mapping[str, str]
    """Of what computed them: package to version."""
    machine: str
    """That computed them, in words."""
    command: str
    """What gets all of them again, and runs what is missing."""

    @property
    def frame(self) -> pd.DataFrame:
        """A row per answer, with the columns `NAMES`."""
        rows = [
            {**row.to_json(), "low": row.found.low, "high": row.found.high} for row in self.rows
        ]
        return pd.DataFrame(rows, columns=list(NAMES))

    def counts(self) -> dict[str, int]:
        """Verdict -> how many answers have it."""
        said = [row.verdict for row in self.rows]
        return {verdict: said.count(verdict) for verdict in VERDICTS if verdict in said}

    def sentences(self) -> list[str]:
        """One sentence on all, then one for each answer."""
        return [self.summary(), *(f"{row.id}: {row.verdict}. {row.said()}" for row in self.rows)]

    def summary(self) -> str:
        """How many answers have which verdict."""
        claims = len({row.id for row in self.rows})
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.counts().items())
        return f"{claims} claim{'s' * (claims != 1)}, {len(self.rows)} answers: {counts}."

    @property
    def not_run(self) -> int:
        """How many answers wait for a study that has not begun."""
        return sum(row.found == NOT_RUN for row in self.rows)

    def having(self, verdicts: Sequence[str]) -> list[str]:
        """The ids of the claims with an answer of these verdicts."""
        return list(dict.fromkeys(row.id for row in self.rows if row.verdict in verdicts))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "title": self.title,
            "answers": [row.to_json() for row in self.rows],
            "counts": self.counts(),
            "versions": dict(self.versions),
            "machine": self.machine,
            "command": self.command,
        }

    def to_markdown(self) -> str:
        """A page: what it is of, the counts, and a table of all answers."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        lines = [
            f"# {self.title}",
            "",
            f"Written by `{self.command}` on {self.machine}, with {versions}. {self.summary()}",
            "",
            "What was measured holds for what it was measured on, which stands beside it. Comparisons of one study are "
            "decided together. n counts the seeds of what was measured, and the numbers of what was published.",
            "",
            "| id | claim | evidence | verdict | what was found | n | again |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            claim = f"{row.sentence} ({row.source})"
            evidence = f"{row.evidence}: {row.on}" if row.on else row.evidence
            n = "" if row.found.n is None else str(row.found.n)
            cells = [
                row.id,
                claim,
                evidence,
                f"**{row.verdict}**",
                row.said(),
                n,
                f"`{row.command}`",
            ]
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        """Write the answers as the file's ending says: .md, .csv or .json.

        Raises:
            TableError: If it ends otherwise.
        """
        check_ending(path)
        made: dict[str, Callable[[], str]] = {
            ".md": self.to_markdown,
            ".csv": lambda: str(self.frame.to_csv(index=False)),
            ".json": lambda: json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n",
        }
        text = made[path.suffix]()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def check_ending(path: Path) -> None:
    """Refuse a file that answers are not written as.

    Raises:
        TableError: If it ends otherwise than in .md, .csv or .json.
    """
    if path.suffix not in WRITTEN:
        raise TableError(f"answers are written as {', '.join(WRITTEN)}, but got {str(path)!r}.")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
