"""One answer to a claim: a verdict, the number it rests on, and the command that gets it again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from analysis.plain import pair, plain

Verdict = Literal["supported", "contradicted", "loose", "undecided", "not testable"]
Evidence = Literal["exact", "measured", "published", "none"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one piece of evidence says."""

    verdict: Verdict
    words: str
    """What was found, in one sentence without a full stop."""
    where: str = ""
    """Of a loose claim: where it is true. Of an undecided one: what it needs."""
    number: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    """Seeds of what was measured, numbers of what was published."""
    unit: str = ""


NOT_RUN = Found(verdict="undecided", words="Not run", where="its runs")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A claim, one piece of evidence, and what that says."""

    id: str
    sentence: str
    source: str
    evidence: Evidence
    found: Found
    on: str = ""
    """What was measured, or where it was published."""
    exploratory: str = ""
    """Why a measured answer was not planned before its runs."""
    command: str = ""

    @property
    def verdict(self) -> Verdict:
        """Of this piece of evidence."""
        return self.found.verdict

    def said(self) -> str:
        """What was found, and where that holds or what it needs, as one text."""
        words = {"loose": "true only where", "undecided": "needs"}
        found = self.found
        more = f"; {words.get(found.verdict, '')} {found.where}" if found.where else ""
        late = f" (exploratory: {self.exploratory})" if self.exploratory else ""
        return f"{found.words}{more}{late}."

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        found = self.found
        interval = None if found.low is None else pair((found.low, found.high or 0.0))
        return {
            "id": self.id,
            "sentence": self.sentence,
            "source": self.source,
            "evidence": self.evidence,
            "on": self.on,
            "verdict": found.verdict,
            "found": found.words,
            "where": found.where,
            "number": plain(found.number),
            "interval": interval,
            "n": found.n,
            "unit": found.unit,
            "exploratory": self.exploratory,
            "command": self.command,
        }


def together(parts: Sequence[tuple[str, Found]]) -> Found:
    """What several comparisons say of one claim, which is of them all.

    Where some hold and others do not, it is true only where they hold; where one is undecided and none of the others
    contradicts another, so is the claim.

    Args:
        parts: What each is called, and what it says.
    """
    words = "; ".join(f"{name}: {found.words}" for name, found in parts)
    if len(parts) == 1:
        return replace(parts[0][1], words=words)
    kinds = {found.verdict for _, found in parts}
    ns = [found.n for _, found in parts if found.n is not None]
    same: dict[str, Any] = {"words": words, "n": min(ns, default=None), "unit": parts[0][1].unit}
    if len(kinds) == 1:
        where = "; ".join(dict.fromkeys(f.where for _, f in parts if f.where))
        return Found(verdict=parts[0][1].verdict, where=where, **same)
    holding = [name for name, found in parts if found.verdict in ("supported", "loose")]
    if "contradicted" in kinds and holding:
        return Found(verdict="loose", where=", ".join(holding), **same)
    if "undecided" in kinds:
        needs = [f"{name}: {f.where}" for name, f in parts if f.verdict == "undecided" and f.where]
        return Found(verdict="undecided", where="; ".join(needs), **same)
    loose = [f.where for _, f in parts if f.verdict == "loose"]
    return Found(verdict="loose", where="; ".join(dict.fromkeys(loose)), **same)
