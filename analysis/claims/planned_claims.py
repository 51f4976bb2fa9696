"""The claims of a file as comparisons that a study writes down before its first run, and what became of them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from analysis.claims.claims import Claim, ClaimsFile, Measured
from analysis.planned.comparisons import Comparisons, content_hash, parse_comparisons
from analysis.tables.runs_table import RunsTable
from plain_files.stopping_rules import changes_of, why_exploratory

NOT_PLANNED = "the claim was written down after the runs, not before them"
CHANGED = "the study's stored claims do not match their hash"
EDITED = "the claim was edited after its runs began"


def planned_claims(file: ClaimsFile, study: str, *, metric: str, seeds: int) -> Comparisons:
    """What a study of the file stores: every comparison that its claims rest on, and the claims themselves.

    Args:
        file: All claims, not those alone that are asked for now: they are decided together.
        study: One of the file's.
        metric: What the study measures.
        seeds: How many it has.
    """
    mine = [(c, m) for c in file.claims for m in c.measured if m.study == study]
    content: dict[str, Any] = {
        "metric": metric,
        "alpha": file.alpha,
        "seeds": seeds,
        "comparisons": [],
        "adding_seeds": {"plan": "none"},
    }
    if entries := _distinct([comparison_of(m) for _, m in mine if m.factor]):
        asked = {"metric": metric, "alpha": file.alpha, "seeds": seeds, "comparisons": entries}
        adding = file.studies[study].adding_seeds
        content = parse_comparisons({**asked, **({"adding_seeds": adding} if adding else {})})
    content = {**content, "claims": [claim_of(c, m) for c, m in mine]}
    return Comparisons(content, content_hash(content))


def comparison_of(measured: Measured) -> dict[str, Any]:
    """As an entry of a comparisons file. Two-sided: a claim can also turn out the other way round."""
    return {
        "factor": measured.factor,
        "levels": list(measured.levels),
        "direction": "two-sided",
        "margin": measured.margin,
    }


def claim_of(claim: Claim, measured: Measured) -> dict[str, Any]:
    """What a study stores of a claim."""
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        "source": claim.source,
        "measured": {**measured.stated(), "study": ""},
    }


def departure(claim: Claim, measured: Measured, table: RunsTable) -> str:
    """Why a claim is exploratory in a study; empty where the study planned it as it stands."""
    stored = (table.planned or {}).get("claims") or []
    if stored and content_hash(table.planned or {}) != table.planned_hash:
        return CHANGED
    now = _key(claim_of(claim, measured))
    if any(_key(one) == now for one in stored):
        return ""
    return EDITED if any(one.get("id") == claim.id for one in stored) else NOT_PLANNED


def another_rule(table: RunsTable) -> str:
    """Why claims are exploratory in a study whose rule for when to stop was changed; empty where it was not."""
    changes = changes_of(table.info)
    return why_exploratory(changes) if changes else ""


def measured_of(stored: Mapping[str, Any]) -> Measured:
    """What a study stored of a claim, as it was."""
    content = dict(stored)
    at = tuple((str(key), value) for key, value in content.get("at", []))
    return Measured(**{**content, "at": at, "levels": tuple(content.get("levels", []))})


def _key(stored: Mapping[str, Any]) -> str:
    """What must not change: the sentence and what decides it. Where it was read may."""
    said = {"sentence": stored.get("sentence"), "measured": stored.get("measured")}
    text = json.dumps(said, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _distinct(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each entry once: two claims that rest on one comparison do not make it two."""
    return [entry for i, entry in enumerate(entries) if entry not in entries[:i]]
