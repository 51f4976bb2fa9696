"""Studies of a plain function that run until they are settled, with workers."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ablations import Execution, SettingError, Space, StudyError, load_space, run
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.engine.sources.until import Decision, Seen
from ablations.studies.until import Until
from ablations.subjects import find
from analysis.errors import TableError
from analysis.sequential.rule import until_decided
from analysis.sequential.stopped import report_stopped
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
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    (tmp_path / "few_seeds.py").write_text(PROGRAM)
    (tmp_path / "few.yaml").write_text(SPACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    find._found.cache_clear()
    yield load_space("few.yaml")
    sys.modules.pop("few_seeds", None)
    find._found.cache_clear()


def quietly() -> Execution:
    return Execution(executor=lambda _: LocalExecutor(find_slots(workers=2)), wandb="disabled")


def go(space: Space, root: Path, **changes: Any) -> Any:
    given = {"until": until_decided(margin=1.0, max_seeds=12), "root": root, "execution": quietly()}
    return run(space, study="few", **{**given, **changes})


def test_a_study_runs_until_it_is_decided_and_says_so(space: Space, tmp_path: Path) -> None:
    summary = go(space, tmp_path)
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
    assert stopped.intact
    assert stopped.frame.set_index("label")["verdict"].to_dict() == {
        "x=1": "matters",
        "x=2": "negligible",
    }
    # The same again: nothing is run, nothing is decided otherwise.
    looks = (folder / "looks.jsonl").read_bytes()
    assert go(space, tmp_path).attempts == 0
    assert (folder / "looks.jsonl").read_bytes() == looks
    with pytest.raises(StudyError, match=r"it differs:\n  margin of x=1: 1\.0 -> 2\.0"):
        go(space, tmp_path, until=until_decided(margin=2.0, max_seeds=12))
    with pytest.raises(StudyError, match="was started with --until decided"):
        go(space, tmp_path, until=None)


def test_a_study_that_has_begun_gets_no_rule_afterwards(space: Space, tmp_path: Path) -> None:
    go(space, tmp_path, until=None, seeds=1)
    with pytest.raises(StudyError, match="was started without a rule for when to stop"):
        go(space, tmp_path)


def test_a_rule_of_ones_own_is_a_function(space: Space, tmp_path: Path) -> None:
    def enough(seen: Seen) -> Mapping[str, Decision]:
        arms = [arm for arm in seen.values if arm != seen.rule["baseline"]]
        done = {"settled": seen.seeds == 3, "verdict": "enough", "says": "that will do"}
        return dict.fromkeys(arms, done)

    go(space, tmp_path, until=Until(decide=enough, max_seeds=5))
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
        ({"budget_hours": 0}, "`budget_hours > 0` must hold, but got 0"),
    ],
)
def test_what_cannot_go_with_a_rule_is_refused(
    changes: dict[str, Any], message: str, space: Space, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=message):
        go(space, tmp_path, **changes)
    assert not (tmp_path / "few").exists()


def test_a_rule_that_never_looks_is_refused() -> None:
    with pytest.raises(
        SettingError, match="`1 <= first_look <= max_seeds` must hold, but got 4 and 3"
    ):
        Until(decide=lambda seen: {}, first_look=4, max_seeds=3)
    with pytest.raises(TableError, match="`max_seeds` must be at least 3"):
        until_decided(margin=1.0, max_seeds=1)
