from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.sequential.looks import decide, replay
from analysis.sequential.simulated import DIFFERS, MATTERS, NEGLIGIBLE, sequential

RuleOf = Callable[..., dict[str, Any]]


def values(*rows: list[float | None]) -> dict[str, list[float | None]]:
    """The baseline's seeds, then each arm's."""
    return {f"a{i}": row for i, row in enumerate(rows)}


def test_one_comparison_is_the_paired_t(rule_of: RuleOf) -> None:
    base, arm = [1.0, 2.0, 3.0, 4.0], [1.5, 2.4, 3.9, 4.6]
    found = decide(rule_of(1), values(base, arm), {})["a1"]
    t = stats.ttest_rel(arm, base)
    assert found["t"] == pytest.approx(t.statistic)
    assert found["df"] == 3
    assert found["room"] == pytest.approx((1 - found["estimate"]) / found["se"])
    assert (found["pairs"], found["lost"], found["verdict"]) == (4, [0, 0], "undecided")


def test_a_verdict_needs_its_boundary(rule_of: RuleOf) -> None:
    rule = rule_of(1)
    bound = rule["boundaries"]["differs"][0][1]
    noise = np.array([-1.0, 1.0, -1.0, 1.0])
    se = noise.std(ddof=1) / 2
    for t, verdict in ((bound + 1e-3, "matters"), (bound - 1e-3, "undecided")):
        apart = noise + t * se
        assert decide(rule, values([0.0] * 4, list(apart)), {})["a1"]["verdict"] == verdict


def test_what_is_within_the_margin_is_negligible_even_where_it_differs(rule_of: RuleOf) -> None:
    apart = [0.3 + 0.001 * (-1) ** k for k in range(8)]
    found = decide(rule_of(1), values([0.0] * 8, apart), {})["a1"]
    assert found["verdict"] == "negligible"
    assert found["t"] > found["bound"]


def test_a_difference_below_the_margin_that_is_not_within_it_only_differs(rule_of: RuleOf) -> None:
    apart = [0.97 + 0.08 * (-1) ** k for k in range(8)]
    found = decide(rule_of(1), values([0.0] * 8, apart), {})["a1"]
    assert found["verdict"] == "differs"
    assert found["settled"]


def test_the_level_grows_as_comparisons_are_settled(rule_of: RuleOf) -> None:
    rule, rng = rule_of(3), np.random.default_rng(1)
    rows = [list(row) for row in rng.standard_normal((4, 5))]
    alone = decide(rule, values(*rows), {})["a1"]["bound"]
    settled = {"a3": {"verdict": "matters"}}
    left = {arm: row for arm, row in values(*rows).items() if arm != "a3"}
    assert decide(rule, left, settled)["a1"]["bound"] < alone
    # What was called negligible was never called different from zero, so it gives nothing on.
    settled = {"a3": {"verdict": "negligible"}}
    assert decide(rule, left, settled)["a1"]["bound"] == alone


def test_a_failed_run_takes_its_pair_and_is_said(rule_of: RuleOf) -> None:
    base: list[float | None] = [1.0, 2.0, 3.0, None, 5.0]
    arm: list[float | None] = [1.5, None, 3.4, 4.1, 5.2]
    found = decide(rule_of(1), values(base, arm), {})["a1"]
    assert (found["pairs"], found["lost"]) == (3, [1, 1])
    assert (
        "1 where only it gave no result and 1 where only the baseline gave no result"
        in found["says"]
    )


def test_runs_that_do_not_vary_decide_nothing(rule_of: RuleOf) -> None:
    found = decide(rule_of(1), values([1.0] * 5, [2.0] * 5), {})["a1"]
    assert (found["verdict"], found["t"]) == ("undecided", None)


def test_too_few_pairs_are_not_tested(rule_of: RuleOf) -> None:
    found = decide(rule_of(1), values([0.0, 0.0, None], [9.0, 9.1, 9.0]), {})["a1"]
    assert (found["verdict"], found["bound"]) == ("undecided", None)


def test_a_replay_stops_where_values_end_and_where_all_is_settled(rule_of: RuleOf) -> None:
    rule = rule_of(1)
    apart = [5.0 + 0.1 * (-1) ** k for k in range(12)]
    looks = list(replay(rule, values([0.0] * 12, apart)))
    assert [look.seeds for look in looks] == list(range(3, looks[-1].seeds + 1))
    assert set(looks[-1].settled) == {"a1"}
    assert [look.seeds for look in replay(rule, values([0.0] * 3, apart[:3]))] == [3]
    assert list(replay(rule, values([0.0] * 2, apart))) == []


@pytest.mark.parametrize(("comparisons", "most"), [(1, 8), (4, 12)])
def test_the_simulation_decides_as_the_looks_do(
    comparisons: int, most: int, rule_of: RuleOf
) -> None:
    rule, rng = rule_of(comparisons, max_seeds=most), np.random.default_rng(comparisons)
    studies = 25
    x = rng.standard_normal((studies, most, comparisons)) * rng.choice(
        [0.5, 1.0, 3.0], size=(studies, 1, comparisons)
    )
    x += rng.standard_normal((studies, most, 1)) + rng.choice(
        [0, 1, 2.5], (studies, 1, comparisons)
    )
    ran = sequential(x, margin=1.0)
    names = {NEGLIGIBLE: "negligible", DIFFERS: "differs", MATTERS: "matters"}
    for s in range(studies):
        looks = list(
            replay(rule, values([0.0] * most, *(list(x[s, :, k]) for k in range(comparisons))))
        )
        settled = {
            arm: (one["verdict"], look.seeds)
            for look in looks
            for arm, one in look.decisions.items()
            if one["settled"]
        }
        expected = {
            f"a{k + 1}": (names[int(ran.verdict[s, k])], int(ran.seeds[s, k]))
            for k in range(comparisons)
            if int(ran.verdict[s, k]) in names
        }
        assert settled == expected
