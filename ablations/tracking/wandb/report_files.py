"""What a study's written report has for W&B and for the dashboard: figures, tables, and its verdict."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_VERDICT = 8_000
"""Characters."""
# Made of paths, hosts and whatever a baseline holds.
PRIVATE_TABLES = frozenset({"provenance", "baseline"})
# Text of errors and paths of files stay on this machine.
PRIVATE_COLUMNS = frozenset({"message", "traceback", "host", "path", "folder"})


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """The parts of `folder/report` that leave the machine; empty where there is no report."""

    figures: dict[str, Path]
    """Name -> PNG."""
    tables: dict[str, Path]
    """Name -> CSV."""
    verdict: str
    """What the report says between its title and its first section, in Markdown."""

    @property
    def stamp(self) -> str:
        """Changes with the content of any part; empty where there is none."""
        paths = [*self.figures.values(), *self.tables.values()]
        if not paths and not self.verdict:
            return ""
        digest = hashlib.sha256(self.verdict.encode())
        for path in paths:
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """The parts with absolute paths, as plain values."""
        return {
            "figures": {name: str(path.resolve()) for name, path in self.figures.items()},
            "tables": {name: str(path.resolve()) for name, path in self.tables.items()},
            "verdict": self.verdict,
        }


def read_report(folder: Path) -> ReportFiles:
    """The parts of a study's report.

    Args:
        folder: The study's folder.
    """
    report = folder / "report"
    return ReportFiles(
        figures={path.stem: path for path in sorted(report.glob("figures/*.png"))},
        tables={
            path.stem: path for path in sorted(report.glob("tables/*.csv")) if _is_public(path)
        },
        verdict=_verdict(report),
    )


def _is_public(table: Path) -> bool:
    if table.stem in PRIVATE_TABLES:
        return False
    with table.open(encoding="utf-8", errors="replace") as lines:
        names = {name.strip().strip('"').lower() for name in next(lines, "").split(",")}
    quotes_errors = {"run", "error"} <= names
    return not (quotes_errors or names & PRIVATE_COLUMNS)


def _verdict(report: Path) -> str:
    for path in sorted(report.glob("*.md")):
        head = path.read_text(encoding="utf-8", errors="replace").partition("\n## ")[0]
        lines = [line for line in head.splitlines() if not line.startswith("# ")]
        return "\n".join(lines).strip()[:MAX_VERDICT]
    return ""
