"""Studies whose seeds depended on what was seen: added by hand, or given out by a rule."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.effects.component_report import component_report
from analysis.effects.effects import estimate_effects as estimate_effects
from analysis.errors import TableError
from analysis.sequential.anytime import anytime_p
from analysis.sequential.records import unlike_looks
from analysis.sequential.rule import until_decided
from analysis.sequential.stopped import report_stopped
from analysis.sequential.stored import looks_of, values_of
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable
from analysis.tables.study_table import read_study
from plain_files.look_records import SeedRows

Make = Callable[..., Path]
GATES = {"attention.gate": {"sigmoid": 0.0, "tanh": 0.05, "relu": 0.0}}


def change(folder: Path, **more: object) -> Path:
    path = folder / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    return folder


def by_rule(folder: Path, *, max_seeds: int = 8) -> Path:
    """The study as one that ran until it was decided, with its looks recorded."""
    table = read_study(folder)

    class OfTable:
        def __init__(self, arm: str) -> None:
            rows = table.frame[table.frame["arm"] == arm]
            self.id, self.label, self.cost = arm, str(rows["label"].iloc[0]), {}
            self.factors = {name: rows[name].iloc[0] for name in table.factors}

    others = [arm for arm in dict.fromkeys(table.frame["arm"]) if arm != table.baseline_arm]
    made = until_decided(margin=0.02, max_seeds=max_seeds)
    arms = [OfTable(str(arm)) for arm in (table.baseline_arm, *others)]
    rule = made.completed(made.declared(arms, metric="val_loss", direction="minimize"))
    change(folder, until=rule)
    looks = looks_of(read_study(folder))
    rows = SeedRows(values_of(read_study(folder)))
    lines = [
        {
            "seeds": look.seeds,
            "read": rows.fingerprint(look.seeds, [rule["baseline"], *look.decisions]),
            "decided": look.decisions,
        }
        for look in looks
    ]
    (folder / "looks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_added_seeds_turn_verdicts_into_those_that_hold_at_any_time(make_study: Make) -> None:
    folder = make_study(effects=GATES, seeds=6, sigma=0.005)
    before = estimate_effects(read_study(folder), margin=0.02, calibration_draws=0)
    change(folder, extensions=[{"at": "2026-01-02T00:00:00+00:00", "added": ["seeds: [4, 5]"]}])
    after = estimate_effects(read_study(folder), margin=0.02, calibration_draws=0)
    assert after.remarks[0].startswith(
        "Seeds 4, 5 were added on 2026-01-02, after the start, by no declared rule: verdicts"
    )
    wide = after.frame["ci95_high"] - after.frame["ci95_low"]
    assert (wide > before.frame["ci95_high"] - before.frame["ci95_low"]).all()
    assert (after.frame["p"] > before.frame["p"]).all()
    assert after.remarks[0] in component_report(read_study(folder), margin=0.02).sentences()
    assert before.remarks == ()


def runs(*, shared: bool) -> RunsTable:
    """A baseline and two arms, one of them far away, of which seeds were added."""
    rng = np.random.default_rng(3)
    rows = [
        {"x": x, "seed": n if shared else 3 * n + x, "val_loss": rng.normal(3.0 * (x == 2), 0.5)}
        for n in range(8)
        for x in range(3)
    ]
    table = from_frame(pd.DataFrame(rows), baseline={"x": 0})
    seeds = sorted({row["seed"] for row in rows})
    note = {"at": "2026-01-02T00:00:00+00:00", "added": [f"seeds: {seeds[4:]}"]}
    return replace(table, info={**table.info, "seeds": seeds, "extensions": [note]})


def test_arms_that_share_no_seeds_are_compared_run_by_run_where_seeds_were_added() -> None:
    table = runs(shared=False)
    found = estimate_effects(table, margin=1.0, calibration_draws=0)
    assert found.tests == "any time"
    assert found.remarks[1].startswith("Arms that share no seeds are compared run by run there")
    losses = {x: rows["val_loss"].to_numpy() for x, rows in table.frame.groupby("x")}
    assert found.frame["n_pairs"].tolist() == [8, 8]
    assert found.frame["p"].tolist() == [anytime_p(losses[x] - losses[0]) for x in (1, 2)]
    assert found.frame["verdict"].tolist()[1] == "matters"


def test_pooled_errors_are_no_way_around_added_seeds() -> None:
    found = estimate_effects(runs(shared=True), margin=1.0, error="pooled", calibration_draws=0)
    usual = estimate_effects(runs(shared=True), margin=1.0, calibration_draws=0)
    assert found.tests == "any time"
    assert len(found.remarks) == 1
    assert found.frame["p"].tolist() == usual.frame["p"].tolist()


def test_the_evidence_is_how_far_past_its_boundary_a_statistic_was(make_study: Make) -> None:
    found = estimate_effects(
        read_study(by_rule(make_study(effects=GATES, seeds=8, sigma=0.005))), calibration_draws=0
    )
    assert found.stopped is not None
    rows, looked = found.family, found.stopped.frame
    passed = looked["room"] / looked["bound_small"]
    is_small = (looked["verdict"] == "negligible").to_numpy()
    assert rows["evidence"][is_small].tolist() == passed[is_small].tolist()
    assert (rows["evidence"][rows["verdict"] != "undecided"] > 1).all()
    assert found.strongest(1)["evidence"].tolist() == [rows["evidence"].max()]


def test_a_study_that_ran_by_a_rule_has_the_rules_verdicts(make_study: Make) -> None:
    folder = by_rule(make_study(effects=GATES, seeds=8, sigma=0.005))
    table = read_study(folder)
    found = estimate_effects(table, calibration_draws=0)
    stopped = report_stopped(table)
    assert stopped is not None
    assert found.frame["verdict"].tolist() == stopped.frame["verdict"].tolist()
    assert (
        dict(zip(found.frame["label"], found.frame["verdict"], strict=True))["gate=tanh"]
        == "matters"
    )
    assert np.allclose(found.frame["ci95_low"], stopped.frame["low"])
    assert (stopped.frame["look"] < 8).any()
    said = component_report(table).sentences()
    assert any(line.startswith("Runs used: ") for line in said)
    assert not any("Declare the looks before" in line for line in said)
    with pytest.raises(
        TableError, match=r"by the margin 0\.02, which was written down before its runs"
    ):
        estimate_effects(table, margin=0.01)


def test_every_look_is_checked(make_study: Make) -> None:
    folder = by_rule(make_study(effects=GATES, seeds=8, sigma=0.02))
    count, wrong = unlike_looks(read_study(folder))
    assert (wrong, count) == ([], len((folder / "looks.jsonl").read_text().splitlines()))
    lines = (folder / "looks.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    some = next(iter(first["decided"]))
    first["decided"][some]["verdict"] = "nonsense"
    torn = {**json.loads(lines[1]), "read": "0" * 64}
    (folder / "looks.jsonl").write_text(f"{json.dumps(first)}\n{json.dumps(torn)}\nnonsense\n")
    _, wrong = unlike_looks(read_study(folder))
    assert f"look at 3 seeds: it decided something else of {some} than its rule does now" in wrong
    assert "look at 4 seeds: it read other values than the results have now" in wrong
    assert any(line.startswith("looks.jsonl, line 3: it is no JSON") for line in wrong)


def test_a_rule_that_was_changed_or_damaged_is_told(make_study: Make) -> None:
    folder = by_rule(make_study(effects=GATES, seeds=8, sigma=0.005))
    rule = json.loads((folder / "study.json").read_text())["until"]
    change(folder, until={**rule, "alpha": 0.2})
    stopped = report_stopped(read_study(folder))
    assert stopped is not None
    assert not stopped.holds
    assert stopped.sentences()[0].startswith("The stored rule does not match its hash")
    assert (
        "study.json, until: the rule for when to stop does not match its hash"
        in unlike_looks(read_study(folder))[1]
    )
    for damage in ({"max_seeds": 10**9}, {"comparisons": []}, {"first_look": "two"}):
        change(folder, until={**rule, **damage})
        with pytest.raises(TableError, match=r"\(`until` in study\.json\) is damaged"):
            report_stopped(read_study(folder))
    change(folder, until=[1])
    assert report_stopped(read_study(folder)) is None


def test_the_report_has_a_section_and_a_figure_of_it(make_study: Make) -> None:
    from analysis.report.evidence.evidence import gather
    from analysis.report.figures.figures import draw, picture
    from analysis.report.sections.sections import sections
    from analysis.report.sections.words import verdict_lines

    evidence = gather(by_rule(make_study(effects=GATES, seeds=8, sigma=0.005)))
    assert "run until decided" in verdict_lines(evidence)[0]
    made = {section.anchor: section for section in sections(evidence, {})}
    assert made["until"].kind == "planned"
    assert any("written down before the first run" in line for line in made["until"].text)
    figure = draw("looks", evidence)
    assert figure.axes[0].get_title(loc="left").startswith("gate=tanh: matters")
    assert picture("looks").caption(evidence).startswith("At each look two statistics")
    assert evidence.effects is not None
    first = evidence.effects.frame.iloc[0]
    said = f"matters, {first['evidence']:.2f} × its boundary, n={first['n_pairs']}"
    assert said in [text.get_text() for text in draw("effects", evidence).axes[0].texts]
    assert "its verdict names passed its boundary" in picture("effects").caption(evidence)
    plain = gather(make_study("plain", effects=GATES, seeds=3, sigma=0.005))
    assert "did not run until it was decided" in picture("looks").missing(plain)
