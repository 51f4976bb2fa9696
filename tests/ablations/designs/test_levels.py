"""Levels that are None or lists: in a space, its file, its arms and ids, a search, W&B and the runs table."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import FixedTrial

from ablations.designs.assignments import off_level
from ablations.designs.expand import expand, runs
from ablations.designs.levels import told
from ablations.designs.search import distribution_of, propose
from ablations.designs.space import Factor, Space
from ablations.designs.spaces import load_space
from ablations.engine.records.index import run_as_trial
from ablations.errors import SettingError
from ablations.subjects.subject import Setting
from ablations.tracking.wandb.view import view_run
from analysis.tables.csv_table import from_frame
from analysis.tables.wandb_rows import LoggedRun, table_of

WIDTHS = (None, [64, 64], [128], [])
YAML = """
name: widths
subject: mine_of_levels:train
metric: {name: loss, direction: minimize}
baseline: {widths: [64, 64], rate: 0.1}
factors:
  - {name: widths, levels: [null, [64, 64], [128], []]}
  - {name: rate, levels: [0.1, null]}
"""


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    (tmp_path / "mine_of_levels.py").write_text("def train(config):\n    return 0.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "widths.yaml").write_text(YAML)
    return load_space(str(tmp_path / "widths.yaml"))


def test_they_are_kept_as_they_are_and_survive_json(space: Space) -> None:
    assert space.factors[0].levels == WIDTHS
    again = Space(**json.loads(json.dumps(space.stated())))
    assert again.factors == space.factors
    assert again.baseline == space.baseline


def test_a_tuple_is_a_list_as_json_gives_it_back(space: Space) -> None:
    content = {**space.model_dump(exclude={"said"}), "baseline": {"widths": (64, 64), "rate": 0.1}}
    of_python = Space(**{**content, "factors": [{"name": "widths", "levels": ((64, 64), (8,))}]})
    assert of_python.baseline["widths"] == [64, 64]
    assert of_python.factors[0].levels == ([64, 64], [8])


def test_arms_have_the_values_and_the_table_their_texts(space: Space) -> None:
    arms = expand(space, design="loco").arms
    assert [arm.arm["widths"] for arm in arms] == [[64, 64], None, [128], [], [64, 64]]
    assert [arm.factors["widths"] for arm in arms] == [
        "[64, 64]",
        "None",
        "[128]",
        "[]",
        "[64, 64]",
    ]
    assert [arm.label for arm in arms[1:]] == [
        "widths=None",
        "widths=[128]",
        "widths=[]",
        "rate=None",
    ]
    assert len({arm.id for arm in arms}) == 5
    planned = runs(arms[:1], seeds=[0], stage="loco")[0]
    assert planned.settings["arm"] == {"widths": [64, 64], "rate": 0.1}


def test_the_level_none_is_the_one_without_the_component() -> None:
    assert off_level(Factor(name="a", levels=([64], None))) is None
    assert off_level(Factor(name="a", levels=([64], []), off=[])) == []


def test_a_search_draws_texts_and_proposes_values(space: Space) -> None:
    drawn = distribution_of(space.factors[0], space)
    assert drawn == CategoricalDistribution(["None", "[64, 64]", "[128]", "[]"])
    trial = FixedTrial({"widths": "[128]", "rate": "None"})
    arm = propose(trial, space)
    assert (arm.arm["widths"], arm.arm["rate"]) == ([128], None)
    assert trial.user_attrs == {"widths": "[128]", "rate": "None"}


def test_they_go_to_optuna_and_to_wandb_and_come_back(space: Space) -> None:
    arms = expand(space, design="loco").arms
    planned = runs(arms, seeds=[0], stage="loco")
    kinds = {f.name: CategoricalDistribution(list(map(told, f.levels))) for f in space.factors}
    result = {"state": "COMPLETE", "loss": 0.5}
    trials = [run_as_trial(one, result, kinds, ["loss"]) for one in planned]
    assert [one.params["widths"] for one in trials if one] == [
        "[64, 64]",
        "None",
        "[128]",
        "[]",
        "[64, 64]",
    ]
    study = {"study": "s", "metric": "loss", "space": {}}
    views = [json.loads(json.dumps(view_run(study, one, 1).config)) for one in planned]
    assert [one["widths"] for one in views] == ["[64, 64]", "None", "[128]", "[]", "[64, 64]"]
    logged = [
        LoggedRun(id=one["run"], name=one["label"], config=one, summary={"loss": 0.5})
        for one in views
    ]
    assert table_of(logged, study=None, factors=())["widths"].tolist() == [
        "[64, 64]",
        "None",
        "[128]",
        "[]",
        "[64, 64]",
    ]


def test_a_table_of_lists_and_none_has_the_same_levels() -> None:
    rows: list[dict[str, Any]] = [
        {"widths": "None" if level is None else level, "seed": seed, "val_loss": seed + 0.1}
        for level in WIDTHS
        for seed in range(2)
    ]
    table = from_frame(pd.DataFrame(rows), factors=["widths"])
    assert table.frame["widths"].drop_duplicates().tolist() == list(map(told, WIDTHS))


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (
            [{"lr": 1}, None],
            "factor `f` must have levels that are texts, numbers, true, false, null, or lists of these, but has "
            "{'lr': 1}. Let what varies inside be a factor of its own, `f.lr` say, or name the whole by a word that "
            "your program knows.",
        ),
        ([[1, {"a": 2}]], "but has [1, {'a': 2}]. Let what varies inside be a factor of its own, `f.a` say"),
        ([[64], [64.0]], "factor `f` must name each level once: ([64], [64.0])."),
        (
            ["None", None],
            "factor `f` must have levels that read differently, but two of them are 'None' in tables",
        ),
        (["[64]", [64]], "two of them are '[64]' in tables: ('[64]', [64]). Write one of them otherwise."),
        ([[1, float("nan")]], "factor `f` must have levels that are finite, but has [1, nan]."),
        ([["a\nb"]], "factor `f` must have levels of one line without control characters, but has 'a\\nb'."),
    ],
)  # fmt: skip
def test_what_cannot_be_a_level_is_refused_in_one_sentence(levels: list[Any], message: str) -> None:
    with pytest.raises(SettingError, match=re.escape(message)):
        Factor(name="f", levels=levels)


def test_a_shell_writes_a_list_as_json() -> None:
    widths = Setting(default=None, kinds=frozenset({list, type(None)}))
    assert widths.of_text("[64, 64]") == [64, 64]
    assert widths.of_text("none") is None
    assert widths.of_text("[64") == "[64"
    word = Setting(default="a", kinds=frozenset({str}))
    assert word.of_text("[64]") == "[64]"
