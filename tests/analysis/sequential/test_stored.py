"""What stands in study.json of a rule: its boundaries, and the rules before it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plain_arms import arms, declared
from test_overruling import GATES, by_rule, change

from analysis.claims.planned_claims import another_rule
from analysis.report.evidence.evidence import gather
from analysis.report.sections.sections import sections
from analysis.report.sections.words import verdict_lines
from analysis.sequential import boundaries as stored_boundaries
from analysis.sequential.records import unlike_looks
from analysis.sequential.rule import rule_hash, until_decided
from analysis.sequential.stopped import report_stopped
from analysis.sequential.stored import looks_of, values_of
from analysis.tables.study_table import read_study
from plain_files.look_records import SeedRows

Make = Callable[..., Path]
RULE = until_decided(margin=1.0, max_seeds=8)


def test_stored_boundaries_are_taken_and_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = json.loads(json.dumps(declared(RULE, 2)))
    plain = RULE.declared(arms(2), metric="val_loss", direction="minimize")
    monkeypatch.setattr(stored_boundaries, "boundaries", None)  # calling it would fail
    assert RULE.completed(plain, stored) == stored


@pytest.mark.parametrize("what", ["a boundary", "the digest", "all", "the seeds"])
def test_boundaries_that_were_touched_are_computed_again(what: str) -> None:
    whole = declared(RULE, 2)
    stored: dict[str, Any] = json.loads(json.dumps(whole))
    match what:
        case "a boundary":
            stored["boundaries"]["differs"][1][3] -= 1.0
        case "the digest":
            del stored["boundaries_digest"]
            stored["boundaries"]["small"][0][0] = 0.0
        case "all":
            stored["boundaries"] = "nonsense"
        case "the seeds":
            stored = declared(until_decided(margin=1.0, max_seeds=7), 2)
    plain = RULE.declared(arms(2), metric="val_loss", direction="minimize")
    assert RULE.completed(plain, stored) == whole


def test_an_edited_boundary_decides_nothing_and_is_said(make_study: Make) -> None:
    folder = by_rule(make_study(effects=GATES, seeds=8, sigma=0.02))
    before = report_stopped(read_study(folder))
    assert before is not None
    assert before.holds
    rule = json.loads((folder / "study.json").read_text())["until"]
    easy = [[0.1] * len(row) for row in rule["boundaries"]["differs"]]
    edited = {**rule, "boundaries": {**rule["boundaries"], "differs": easy}}
    change(folder, until=edited)
    after = report_stopped(read_study(folder))
    assert after is not None
    assert after.frame.equals(before.frame)
    assert after.sentences()[0].startswith("The stored boundaries are not those that were written")
    wrong = "study.json, until: the boundaries do not follow from the rule"
    assert wrong in unlike_looks(read_study(folder))[1]
    # With a digest of its own it passes for sound, and is found out where looks are checked.
    digest = stored_boundaries.digest(edited, edited["boundaries"])
    change(folder, until={**edited, "boundaries_digest": digest})
    assert wrong in unlike_looks(read_study(folder))[1]


def changed(folder: Path, *, after: int, margin: float) -> Path:
    """The study as one whose margin was changed after a look, with looks by the rule of their time."""
    by_rule(folder)
    was = json.loads((folder / "study.json").read_text())["until"]
    entries = [{**entry, "margin": margin} for entry in was["comparisons"]]
    content = {k: v for k, v in {**was, "comparisons": entries}.items() if k != "hash"}
    rule = RULE.completed({**content, "hash": rule_hash(content)})
    at, changes = "2026-05-06T00:00:00+00:00", ["margin: 0.02 -> x"]
    note = {"at": at, "after": after, "changes": changes, "was": was}
    change(folder, until=rule, rule_changes=[note])
    rows = SeedRows(values_of(read_study(folder)))
    lines = [
        {
            "seeds": look.seeds,
            "read": rows.fingerprint(look.seeds, [rule["baseline"], *look.decisions]),
            "decided": look.decisions,
        }
        for look in looks_of(read_study(folder))
    ]
    (folder / "looks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_after_a_change_looks_go_by_the_new_rule_and_are_labelled(make_study: Make) -> None:
    plain = report_stopped(
        read_study(by_rule(make_study("plain", effects=GATES, seeds=8, sigma=0.03)))
    )
    folder = changed(make_study(effects=GATES, seeds=8, sigma=0.03), after=4, margin=0.5)
    found = report_stopped(read_study(folder))
    assert plain is not None
    assert found is not None
    assert not found.holds
    # Up to the change nothing is other than without it; after it the wide margin settles what is open.
    early = found.looks[found.looks["seeds"] <= 4].reset_index(drop=True)
    assert early.equals(plain.looks[plain.looks["seeds"] <= 4].reset_index(drop=True))
    rows = found.frame.set_index("label")
    late = rows[rows["look"] > 4]
    assert set(late["margin"]) == {0.5}
    assert set(late["verdict"]) == {"negligible"}
    assert set(late["exploratory"]) == {"the rule was changed after the look at 4 seeds"}
    assert (rows.loc[rows["look"] <= 4, "exploratory"] == "").all()
    assert found.sentences()[0].startswith(
        "The rule was changed on 2026-05-06, after the look at 4 seeds (margin: 0.02 -> x):"
    )
    evidence = gather(folder)
    assert "exploratory)" in verdict_lines(evidence)[0]
    kinds = {section.anchor: section.kind for section in sections(evidence, {})}
    assert kinds["until"] == kinds["effects"] == "exploratory"
    assert another_rule(read_study(folder)) == "the rule was changed after the look at 4 seeds"
    # Each look is checked under the rule of its time.
    assert unlike_looks(read_study(folder))[1] == []
    notes = json.loads((folder / "study.json").read_text())["rule_changes"]
    change(folder, rule_changes=[{**notes[0], "after": 6}])
    assert any("it decided something else" in line for line in unlike_looks(read_study(folder))[1])
    change(folder, rule_changes=[{**notes[0], "was": {**notes[0]["was"], "alpha": 0.2}}])
    told = unlike_looks(read_study(folder))[1]
    assert "study.json, rule_changes, entry 1: the rule for when to stop does not match its hash" in told  # fmt: skip
