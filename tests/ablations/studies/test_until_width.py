"""A study whose loss rises with the square of a ratio, run until its r* is known to within a width."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablations import Execution, Space, load_space, run
from ablations.engine.executors.local import LocalExecutor
from ablations.engine.executors.slots import find_slots
from ablations.subjects import find
from analysis.sequential.until_width.rule import until_width
from analysis.sequential.until_width.words import what_is_open, width_sentences
from analysis.tables.study_table import read_study

PROGRAM = """
import random

def train(config, seed):
    ratio = config["attention"]["reduction"]
    noise = random.Random(f"{seed} {ratio}").gauss(0, 0.004)
    return {"val_loss": random.Random(seed).gauss(0.3, 0.02) + 1e-4 * ratio**2 / 2 + noise}
"""
SPACE = """
subject: bowl:train
metric: {name: val_loss, direction: minimize}
baseline: {attention: {reduction: 4}}
factors: [{name: attention.reduction, levels: [2, 4, 8, 16]}]
"""


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    (tmp_path / "bowl.py").write_text(PROGRAM)
    (tmp_path / "bowl.yaml").write_text(SPACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    find._found.cache_clear()
    yield load_space("bowl.yaml")
    sys.modules.pop("bowl", None)
    find._found.cache_clear()


def test_it_ends_at_the_first_look_that_is_narrow_enough(space: Space, tmp_path: Path) -> None:
    how = Execution(executor=lambda _: LocalExecutor(find_slots(workers=2)), wandb="disabled")
    rule = until_width(max_seeds=30, target_width=0.065)
    summary = run(space, study="bowl", until=rule, root=tmp_path, execution=how)
    lines = (tmp_path / "bowl" / "looks.jsonl").read_text().splitlines()
    widths = [next(iter(json.loads(line)["decided"].values()))["width"] for line in lines]
    assert len(widths) > 1
    assert widths[-1] <= 0.065 < min(widths[:-1])
    # All arms have every seed, and none has more than the one that was under way.
    seeds = len(widths) + 4
    assert 4 * seeds <= summary.complete < 4 * (seeds + 1)
    table = read_study(tmp_path / "bowl")
    assert what_is_open(table) == []
    assert f"after {seeds} whole seeds (wanted: 6%)" in width_sentences(table)[0]
