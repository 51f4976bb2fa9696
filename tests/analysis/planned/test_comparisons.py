from pathlib import Path

import pytest

from analysis.errors import TableError
from analysis.planned.comparisons import content_hash, covers, load_comparisons

GATE = "attention.gate"


def test_a_file_is_parsed_with_its_defaults_and_hashed(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.yaml"
    path.write_text(
        "seeds: 5\ncomparisons:\n  - {factor: attention.gate, levels: [sigmoid, one_plus_tanh]}\n"
    )
    found = load_comparisons(path)
    assert found.content == {
        "metric": "val_loss",
        "alpha": 0.05,
        "seeds": 5,
        "comparisons": [
            {"factor": GATE, "levels": ["sigmoid", "one_plus_tanh"], "metric": "val_loss",
             "direction": "two-sided", "margin": None, "alpha": 0.05, "seeds": 5}
        ],
        "adding_seeds": {"plan": "none"},
    }  # fmt: skip
    assert found.hash == content_hash(found.content)
    assert found.declared == {"planned": found.content, "planned_hash": found.hash}
    assert len(found.hash) == 64
    path.write_text(path.read_text().replace("5", "6"))
    assert load_comparisons(path).hash != found.hash


def test_levels_and_numbers_are_read_as_in_the_file_of_a_space(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.yaml"
    path.write_text(
        "comparisons:\n"
        "  - {factor: a, levels: [off, on, yes, 2020-13-41]}\n"
        "  - {factor: b, levels: [false, true]}\n"
        "  - {factor: c, levels: [1e-3, 1e-4], margin: 5e-3}\n"
    )
    first, second, third = load_comparisons(path).content["comparisons"]
    assert first["levels"] == ["off", "on", "yes", "2020-13-41"]
    assert second["levels"] == [False, True]
    assert third["levels"] == [0.001, 0.0001]
    assert third["margin"] == 0.005


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "must hold `comparisons`, but holds a list"),
        ("a: [", "must be a YAML file, but line 1: "),
        ("comparisons: []", "`comparisons` must be a list with at least one entry"),
        ("comparison: []", "the file has the unknown key 'comparison'"),
        ("comparisons: [{levels: [a, b]}]", "comparison 1 lacks `factor`"),
        ("comparisons: [{factor: x, levels: [a]}]", "comparison 1: `levels` must list the reference"),
        ("comparisons: [{factor: x, levels: [a, b], margin: -1}]", "comparison 1: `margin > 0` must hold"),
        ("comparisons: [{factor: x, levels: [a, b], direction: up}]", "comparison 1: `direction` must be one of"),
        ("comparisons: [{factor: x, levels: [4, 4.0]}]", "comparison 1: `levels` must name each level once"),
        ("comparisons: [{factor: x, levels: [a, [b]]}]", "must be a number, a word, true, false or null, but"),
        ("alpha: 0.1\nalpha: 0.05", "c.yaml' must be a YAML file, but line 2: the key 'alpha' must stand once"),
        ("comparisons: [{factor: x, levels: [a, b], sedes: 3}]", "comparison 1 has the unknown key 'sedes'"),
        ("comparisons: [{factor: x, levels: [a, b], metric: other}]", "`metric` must be one and the same"),
        ("{comparisons: [{factor: x, levels: [a, b]}], adding_seeds: peek}", "`adding_seeds.plan` must be one of"),
        ("{comparisons: [{factor: x, levels: [a, b]}], adding_seeds: {plan: alpha_spending, looks: [8, 5]}}",
         "`looks` must be ascending numbers of seeds"),
        ("{seeds: 4, comparisons: [{factor: x, levels: [a, b]}], adding_seeds: {plan: alpha_spending, looks: [5]}}",
         "the first look must be at `seeds` = 4, but is at 5"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_a_rule_is_told_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        load_comparisons(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="there is no file"):
        load_comparisons(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("factor", "level", "against", "expected"),
    [
        ("attention.reduction", 4.0, 16, True),
        ("attention.reduction", 16, 4, True),
        ("attention.reduction", 4, 8, False),
        ("attention.gate", 4, 16, False),
    ],
)
def test_an_entry_covers_its_own_levels_in_either_direction(
    factor: str, level: float, against: float, expected: bool
) -> None:
    assert covers({"factor": "reduction", "levels": [16, 4, 8]}, factor, level, against) is expected
