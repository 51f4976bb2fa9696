"""Seeds that a study was given after its start, by no declared rule: every verdict says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.effects.component_report import component_report
from analysis.effects.effects import estimate_effects
from analysis.errors import TableError
from analysis.planned.comparisons import parse_comparisons
from analysis.planned.declared import added_late
from analysis.planned.planned import report_planned
from analysis.report.evidence.evidence import gather
from analysis.report.sections.sections import sections
from analysis.report.sections.words import notices, verdict_lines
from analysis.tables.study_table import read_study
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.tradeoff_words import sentences as sentences_of_fit

Make = Callable[..., Path]
GATES = {"attention.gate": {"sigmoid": 0.0, "tanh": 0.05}}
TOLD = "seeds 3, 4 were added on 2026-01-02, after the start, by no declared rule"


def extended(folder: Path, added: Any) -> Path:
    """The study with a record of what was added to it."""
    path = folder / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "extensions": added}))
    return folder


def seeds(*numbers: int) -> list[dict[str, Any]]:
    return [{"at": "2026-01-02T00:00:00+00:00", "added": [f"seeds: {list(numbers)}"]}]


def test_every_verdict_says_so(make_study: Make) -> None:
    folder = extended(make_study(effects=GATES, seeds=5), seeds(3, 4))
    found = component_report(read_study(folder))
    # The verdicts themselves are then those of tests that hold at any time: `analysis.sequential.overruling`.
    said = found.sentences()
    assert any(line.startswith(f"S{TOLD[1:]}: verdicts, p values and intervals") for line in said)
    assert not any("about 0 more seeds" in line for line in said)


def test_the_reports_headline_and_its_notices_say_so(make_study: Make) -> None:
    evidence = gather(extended(make_study(effects=GATES, seeds=5), seeds(3, 4)))
    assert verdict_lines(evidence)[0].startswith(
        f"1 comparison with the baseline, gate=sigmoid ({TOLD}): "
    )
    # Once: the tests of the comparisons hold however often one looks, so that they are not exploratory.
    assert [line for line in notices(evidence) if TOLD[1:] in line] == list(
        evidence.effects.remarks
    )
    (effects,) = (one for one in sections(evidence, {}) if one.anchor == "effects")
    assert effects.kind == "planned"
    assert effects.text[0] == f"The design fixed these comparisons before the first run; {TOLD}."
    assert not any("xploratory" in line for line in (*effects.said, *verdict_lines(evidence)))
    assert evidence.components.to_json()["tests"] == "any time"


def test_the_ratio_of_such_a_study_stays_exploratory(make_study: Make) -> None:
    evidence = gather(extended(make_study(seeds=5), seeds(3, 4)))
    assert any(
        line == f"S{TOLD[1:]}: the fit of the ratio is of one look, and exploratory."
        for line in notices(evidence)
    )
    kinds = {one.anchor: one.kind for one in sections(evidence, {})}
    assert (kinds["ratio"], kinds["effects"]) == ("exploratory", "planned")


def test_seeds_that_a_plan_has_looks_for_are_not_said_to_be_against_a_rule(
    make_study: Make,
) -> None:
    plan = {"metric": "val_loss", "adding_seeds": {"plan": "alpha_spending", "looks": [3, 5]},
            "comparisons": [{"factor": "attention.gate", "levels": ["sigmoid", "tanh"], "margin": 0.02}]}  # fmt: skip
    folder = make_study(effects=GATES, seeds=5, planned=parse_comparisons(plan))
    table = read_study(extended(folder, seeds(3, 4)))
    assert added_late(table) == ""
    assert estimate_effects(table, calibration_draws=0).tests == "one look"


def test_a_ratio_says_so(make_study: Make) -> None:
    fit = fit_reduction(read_study(extended(make_study(seeds=5), seeds(4))))
    assert "seeds_added" in fit.flags
    assert "seeds were added after the start by no declared rule" in sentences_of_fit(fit)[-1]


@pytest.mark.parametrize("note", [{"at": ""}, {"added": 5}, {"added": [3]}, 3])
def test_a_damaged_record_of_what_was_added_is_told(make_study: Make, note: Any) -> None:
    folder = extended(make_study(effects=GATES, seeds=3), [note])
    with pytest.raises(TableError, match=r"study\.json is damaged: "):
        read_study(folder)


def test_all_seeds_of_a_plan_are_those_that_the_study_was_started_with(make_study: Make) -> None:
    plan = {
        "metric": "val_loss", "alpha": 0.05, "seeds": None, "adding_seeds": {"plan": "none"},
        "comparisons": [{"factor": "attention.gate", "levels": ["sigmoid", "tanh"], "metric": "val_loss",
                         "direction": "two-sided", "margin": None, "alpha": 0.05, "seeds": None}],
    }  # fmt: skip
    folder = extended(make_study(effects=GATES, seeds=6, planned=plan), seeds(1, 2))
    found = report_planned(read_study(folder))
    assert found is not None
    assert found.basis == "the first 4 seeds"
    assert any(line.startswith("2 seeds were added without") for line in found.deviations)
    assert found.frame["seeds"].tolist() == [4]


@pytest.mark.parametrize(
    "added",
    [
        seeds(70, 71),
        [{"at": "2026-01-02", "added": ["factor attention.gate: levels ['relu']"]}],
        [],
    ],
)
def test_what_adds_no_seed_to_the_verdict_is_not_said(make_study: Make, added: Any) -> None:
    table = read_study(extended(make_study(effects=GATES, seeds=5), added))
    assert table.added_seeds == []
