"""Studies of a plain function that run until they are settled, with workers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ablations import Execution, SettingError, Space, StudyError, run, status
from ablations.engine.records.lock import held
from ablations.engine.sources.until import Decision, Seen
from ablations.studies.until import Until
from analysis.errors import TableError
from analysis.sequential.rule import until_decided
from analysis.sequential.stopped import report_stopped
from analysis.sequential.until_width.rule import until_width
from analysis.tables.study_table import read_study

PROGRAM = """
import random

def train(config, seed):
    if config["x"] == 2 and seed == 1:
        raise ValueError("no luck")
    own = random.Random(f"{seed} {config['x']}").gauss(0, 0.3)
    return {"val_mae": random.Random(seed).gauss(5, 3) + own + (4 if config["x"] == 1 else 0)}
"""
SPACE = """
subject: few_seeds:train
metric: {name: val_mae, direction: minimize}
baseline: {x: 0}
factors: [{name: x, levels: [0, 1, 2]}]
"""


@pytest.fixture
def space(own_space: Callable[..., Space]) -> Space:
    return own_space("few_seeds", PROGRAM, SPACE)


@pytest.fixture
def go(space: Space, tmp_path: Path, quietly: Execution) -> Callable[..., Any]:
    """Runs the study `few` of the space, until it is decided if nothing else is said."""

    def run_few(**changes: Any) -> Any:
        given = {"until": until_decided(margin=1.0, max_seeds=12), "root": tmp_path}
        return run(space, study="few", execution=quietly, **{**given, **changes})

    return run_few


def test_a_study_runs_until_it_is_decided_and_says_so(
    go: Callable[..., Any], tmp_path: Path
) -> None:
    summary = go()
    folder = tmp_path / "few"
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    found = [event["text"] for event in events if event["event"] == "found"]
    assert any(text.startswith("x=1: matters after") for text in found)
    (lossy,) = (text for text in found if text.startswith("x=2"))
    assert "1 where only it gave no result" in lossy
    assert (summary.failed, summary.waiting) == (1, 0)
    stopped = report_stopped(read_study(folder))
    assert stopped is not None
    assert stopped.over
    assert stopped.holds
    assert stopped.frame.set_index("label")["verdict"].to_dict() == {
        "x=1": "matters",
        "x=2": "negligible",
    }
    # The same again: nothing is run, nothing is decided otherwise, and what was edited is put back.
    looks = (folder / "looks.jsonl").read_bytes()
    study = json.loads((folder / "study.json").read_text())
    easy = [[0.1] * len(row) for row in study["until"]["boundaries"]["differs"]]
    edited = {**study["until"], "boundaries": {**study["until"]["boundaries"], "differs": easy}}
    (folder / "study.json").write_text(json.dumps({**study, "until": edited}))
    assert go().attempts == 0
    assert (folder / "looks.jsonl").read_bytes() == looks
    assert json.loads((folder / "study.json").read_text())["until"] == study["until"]
    said = "`boundaries` of the rule in study.json was not what was written down; it is again"
    assert said in (folder / "events.jsonl").read_text()
    with pytest.raises(StudyError, match=r"it differs:\n  margin: 1\.0 -> 2\.0\n.*--change-rule"):
        go(until=until_decided(margin=2.0, max_seeds=12))
    with pytest.raises(StudyError, match="was started with --until decided"):
        go(until=None)


def test_a_rule_may_be_changed_aloud_and_what_follows_is_exploratory(
    go: Callable[..., Any], tmp_path: Path
) -> None:
    def until(margin: float, most: int) -> Any:
        return until_decided(margin=margin, max_seeds=most)

    folder = tmp_path / "few"
    go(until=until(0.2, 3))
    was = json.loads((folder / "study.json").read_text())["until"]
    early = (folder / "looks.jsonl").read_bytes()
    wider = {"until": until(2.0, 12), "change_rule": True}
    with held(folder / "lock"), pytest.raises(StudyError, match="is being run by process"):
        go(**wider)
    for wrong, message in (
        (until_decided(margin=2.0, max_seeds=12, first_look=4), "`first_look` differs"),
        (until(2.0, 3), "`max_seeds` must be above 3, the seeds of the last look"),
        (until_width(max_seeds=12), r"`until` differs|r\* needs arms"),
    ):
        with pytest.raises((StudyError, TableError), match=message):
            go(**{**wider, "until": wrong})
    assert json.loads((folder / "study.json").read_text())["until"] == was
    go(**wider)
    study = json.loads((folder / "study.json").read_text())
    (note,) = study["rule_changes"]
    assert (note["after"], note["was"]) == (3, was)
    assert note["changes"] == ["max_seeds: 3 -> 12", "margin: 0.2 -> 2.0"]
    assert study["until"]["max_seeds"] == 12
    assert len(study["seeds"]) == 12
    assert "extensions" not in study
    assert (folder / "looks.jsonl").read_bytes().startswith(early)
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    found = [event["text"] for event in events if event["event"] == "found"]
    label = "Exploratory (the rule was changed after the look at 3 seeds): x=2: negligible after"
    assert any(text.startswith(label) for text in found)
    assert events[-2]["text"].count("(max_seeds: 3 -> 12; margin: 0.2 -> 2.0)") == 1
    assert status("few", root=tmp_path).exploratory[0].startswith("The rule was changed on")
    # It goes by the new rule now, with or without the flag, and no more by the old one.
    assert go(until=until(2.0, 12)).attempts == 0
    with pytest.raises(StudyError, match=r"margin: 2\.0 -> 0\.2"):
        go(until=until(0.2, 3))
    with pytest.raises(StudyError, match=r"all comparisons of the study in .* are settled"):
        go(**{**wider, "until": until(3.0, 20)})


def test_a_study_that_has_begun_gets_no_rule_afterwards(
    go: Callable[..., Any], tmp_path: Path
) -> None:
    go(until=None, seeds=1)
    with pytest.raises(StudyError, match="was started without a rule for when to stop"):
        go()


def test_a_rule_of_ones_own_is_a_function(go: Callable[..., Any], tmp_path: Path) -> None:
    def enough(seen: Seen) -> Mapping[str, Decision]:
        arms = [arm for arm in seen.values if arm != seen.rule["baseline"]]
        done = {"settled": seen.seeds == 3, "verdict": "enough", "says": "that will do"}
        return dict.fromkeys(arms, done)

    go(until=Until(decide=enough, max_seeds=5))
    table = read_study(tmp_path / "few")
    looks = (tmp_path / "few" / "looks.jsonl").read_text().splitlines()
    assert len(looks) == 2
    assert table.info["until"]["function"].endswith("enough")
    assert report_stopped(table) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"design": "search"}, "a search proposes as it goes"),
        ({"seeds": 4}, "`seeds` is 4, but a study with `until` has as many"),
        ({"extend": True}, "`extend` adds to a study what its rule did not know of"),
        ({"retry": ["failed"]}, "`retry` would change what a look has read"),
        ({"until": None, "change_rule": True}, "`change_rule` goes on by another rule"),
        ({"budget_hours": 0}, "`budget_hours > 0` must hold, but got 0"),
    ],
)
def test_what_cannot_go_with_a_rule_is_refused(
    changes: dict[str, Any], message: str, go: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=message):
        go(**changes)
    assert not (tmp_path / "few").exists()


def test_a_rule_that_never_looks_is_refused() -> None:
    with pytest.raises(
        SettingError, match="`1 <= first_look <= max_seeds` must hold, but got 4 and 3"
    ):
        Until(decide=lambda seen: {}, first_look=4, max_seeds=3)
    with pytest.raises(TableError, match="`max_seeds` must be at least 3"):
        until_decided(margin=1.0, max_seeds=1)
