import pytest

from plain_files.stopping_rules import (
    change_sentences,
    changes_of,
    is_exploratory,
    rule_of_look,
    told_apart,
    why_exploratory,
)

FIRST, SECOND, NOW = {"n": 1}, {"n": 2}, {"n": 3}
CHANGES = [
    {"at": "2026-03-04T05:06:07+00:00", "after": 5, "changes": ["a: 1 -> 2"], "was": FIRST},
    {"at": "2026-03-05T05:06:07+00:00", "after": 8, "changes": ["b: 1 -> 2"], "was": SECOND},
]


@pytest.mark.parametrize(
    ("seeds", "rule"), [(3, FIRST), (5, FIRST), (6, SECOND), (8, SECOND), (9, NOW)]
)
def test_a_look_goes_by_the_rule_of_its_time(seeds: int, rule: dict[str, int]) -> None:
    assert rule_of_look(NOW, CHANGES, seeds=seeds) is rule
    assert rule_of_look(NOW, (), seeds=seeds) is NOW


def test_what_comes_after_the_first_change_is_exploratory() -> None:
    assert [is_exploratory(CHANGES, seeds=n) for n in (5, 6, 9)] == [False, True, True]
    assert not is_exploratory((), seeds=9)
    assert changes_of({}) == ()
    assert why_exploratory(CHANGES) == "the rule was changed after the look at 5 seeds"
    first, second = change_sentences(CHANGES)
    assert first.startswith(
        "The rule was changed on 2026-03-04, after the look at 5 seeds (a: 1 -> 2):"
    )
    assert "8 seeds (b: 1 -> 2)" in second
    (early,) = change_sentences([{"after": 0, "changes": ["a\x1b"], "was": FIRST}])
    assert early.startswith(r"The rule was changed before any look (a\x1b):")


def test_rules_are_told_apart_by_what_a_person_wrote() -> None:
    def rule(*margins: float, most: int = 9) -> dict[str, object]:
        entries = [{"arm": f"a{i}", "label": f"x={i}", "margin": m} for i, m in enumerate(margins)]
        numbers = {"boundaries": [most], "boundaries_digest": str(most)}
        spending = f"(n/{most})^1.5"
        return {"max_seeds": most, "spending": spending, "comparisons": entries, "hash": "", **numbers}  # fmt: skip

    assert told_apart(rule(1, 1), rule(1, 1)) == {}
    assert told_apart(rule(1, 1), rule(2, 2, most=12)) == {"max_seeds": (9, 12), "margin": (1, 2)}
    assert told_apart(rule(1, 1), rule(1, 2)) == {"margin of x=1": (1, 2)}
    assert told_apart(rule(1, 1), rule(1)) == {"comparisons": ("x=0, x=1", "x=0")}
