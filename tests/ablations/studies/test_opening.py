import json
from pathlib import Path
from typing import Any

import pytest

from ablations.designs.expand import plan_arm
from ablations.designs.space import Factor, Space
from ablations.designs.spaces import load_space
from ablations.errors import StudyError
from ablations.studies.declaration import Declaration, declare
from ablations.studies.opening import open_or_create
from ablations.studies.study import run

GATE = load_space("gate")


def declared(space: Space = GATE, *, seeds: int = 5, design: str = "grid") -> Declaration:
    return declare(space, plan_arm(space, {}), study="s", design=design, seeds=list(range(seeds)))


def changed(**values) -> Space:
    return Space(**{**GATE.model_dump(), **values})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    open_or_create(tmp_path / "s", declared())
    return tmp_path / "s"


def test_the_same_declaration_opens_the_same_study_unchanged(path: Path) -> None:
    before = (path / "study.json").read_bytes()
    open_or_create(path, declared())
    assert (path / "study.json").read_bytes() == before


def test_a_setting_that_came_later_than_the_study_is_no_difference(path: Path) -> None:
    file = path / "study.json"
    study = json.loads(file.read_text())
    del study["space"]["baseline"]["training"]["attention_learning_rate"]
    file.write_text(json.dumps(study))
    open_or_create(path, declared())
    other = changed(baseline={**GATE.baseline, "training.attention_learning_rate": 2})
    with pytest.raises(StudyError, match=r"attention_learning_rate: 1\.0 -> 2\.0"):
        open_or_create(path, declared(other))


OTHER_RECIPE = changed(baseline={**GATE.baseline, "training.epochs": 7})
FEWER = changed(factors=(Factor(name="attention.gate", levels=("sigmoid", "two_sigmoid")),))
OTHER_CONTROL = changed(controls={"no attention": {"attention.squeeze": "max"}})
MORE = changed(
    factors=(*GATE.factors, Factor(name="attention.squeeze", levels=("avg", "max"))),
    controls={**GATE.controls, "max": {"attention.squeeze": "max"}},
)


@pytest.mark.parametrize(
    ("space", "line"),
    [
        (OTHER_RECIPE, r"baseline training\.epochs: 30 -> 7"),
        (FEWER, r"factor attention\.gate: levels \['one_plus_tanh'\] are gone"),
        (OTHER_CONTROL, r"control 'no attention': \{'attention\.placement': 'none'\} -> "),
    ],
)
def test_another_study_is_refused_with_the_difference(path: Path, space: Space, line: str) -> None:
    with pytest.raises(StudyError, match=r"holds another study; it differs.*:\n  " + line):
        open_or_create(path, declared(space), extend=True, allow_drift=True)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (declared(seeds=7), r"seeds: \[5, 6\]"),
        (declared(design="loco"), "design: loco"),
        (declared(MORE), r"factor attention\.squeeze: \['avg', 'max'\]\n  control 'max'"),
    ],
)
def test_what_only_adds_is_refused_until_it_is_asked_for(
    path: Path, asked: Declaration, line: str
) -> None:
    with pytest.raises(StudyError, match=f"was started without:\n  {line}\nAdd --extend"):
        open_or_create(path, asked)
    folder = open_or_create(path, asked, extend=True)
    assert len(folder.study()["extensions"]) == 1
    assert folder.study()["seeds"] == asked["seeds"]


SEARCH = {
    **declared(design="search", seeds=1),
    "search": {
        "trials": 3,
        "sampler": "tpe",
        "objectives": ["val_loss"],
        "max_params": None,
        "per_arm": None,
        "seeds": 1,
    },
}


def searching(**values) -> Declaration:
    return {**SEARCH, "search": {**SEARCH["search"], **values}}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"objectives": ["val_loss", "params"]}, r"objectives of the search: \['val_loss'\] -> "),
        ({"max_params": 9}, "max_params of the search: None -> 9"),
        ({"per_arm": "attention.gate"}, r"per_arm of the search: None -> attention\.gate"),
        ({"seeds": 2}, "seeds of the search: 1 -> 2"),
    ],
)
def test_another_search_is_refused_with_the_difference(
    tmp_path: Path, values: dict[str, Any], line: str
) -> None:
    open_or_create(tmp_path / "s", SEARCH)
    with pytest.raises(StudyError, match=r"holds another study; it differs.*:\n  " + line):
        open_or_create(tmp_path / "s", searching(**values), extend=True)


def test_a_larger_budget_is_kept_and_another_sampler_is_an_extension(tmp_path: Path) -> None:
    open_or_create(tmp_path / "s", SEARCH)
    folder = open_or_create(tmp_path / "s", {**searching(trials=9), "storage": "sqlite:///x.db"})
    assert folder.study()["search"]["trials"] == 9
    assert folder.study()["storage"] == "sqlite:///x.db"
    assert "extensions" not in folder.study()
    with pytest.raises(StudyError, match="sampler of the search: tpe -> random\nAdd --extend"):
        open_or_create(tmp_path / "s", searching(sampler="random"))
    folder = open_or_create(tmp_path / "s", searching(sampler="random"), extend=True)
    assert folder.study()["extensions"][0]["added"] == ["sampler of the search: tpe -> random"]


def test_a_study_file_that_lacks_a_part_is_named(path: Path) -> None:
    (path / "study.json").write_text('{"layout": 1, "study": "s"}')
    with pytest.raises(StudyError, match=r"study\.json is damaged: it lacks `design`, `seeds`, "):
        open_or_create(path, declared())


def test_other_code_or_versions_are_refused_until_allowed_and_then_recorded(path: Path) -> None:
    drifted = declared()
    drifted["fingerprint"]["versions"]["torch"] = "1.0"
    with pytest.raises(
        StudyError, match=r"with other code, versions or data:\n  torch: .* -> 1\.0\n"
    ):
        open_or_create(path, drifted)
    folder = open_or_create(path, drifted, allow_drift=True)
    (drift,) = folder.study()["drifts"]
    assert drift["changes"][0].endswith("-> 1.0")
    open_or_create(path, drifted)


def test_comparisons_cannot_be_planned_after_the_start(path: Path) -> None:
    with pytest.raises(StudyError, match="must be the ones it was started with"):
        open_or_create(path, {**declared(), "planned": {}, "planned_hash": "x"})


def test_another_study_is_refused_before_any_arm_is_tried(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried(*_: Any) -> None:
        raise AssertionError("an arm was tried")

    monkeypatch.setattr("ablations.studies.study.verify", tried)
    other = load_space("gate", {"training.batch_size": 128})
    with pytest.raises(
        StudyError, match=r"holds another study; .*\n  baseline training\.batch_size: "
    ):
        run(other, study="s", root=path.parent)
