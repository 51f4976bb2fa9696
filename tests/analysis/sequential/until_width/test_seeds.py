"""How many seeds make r* narrow: simulated studies, a fixed design beside them, and what a larger ratio is worth."""

import numpy as np
import pytest
from scipy import stats

from analysis.sequential.until_width.rule import FIRST, WIDER, width_at
from analysis.sequential.until_width.seeds import (
    in_words,
    narrowings,
    t_intervals,
    with_another,
)

RATIOS = {"a": 1.0, "b": 4.0, "c": 8.0}
HOW = {"target_width": 0.3, "wider": WIDER, "first": FIRST, "studies": 200}


def test_simulated_studies_end_where_the_rule_ends_them() -> None:
    rule = {
        "ratios": RATIOS, "target_width": 0.3, "wider": WIDER, "first_look": FIRST, "max_seeds": 12,
    }  # fmt: skip
    stream = np.random.default_rng(0)
    # As `narrowings` draws them: a kappa for each study first.
    stream.standard_normal((25, 1))
    slopes = 1 + 0.8 * stream.standard_normal((25, 36))
    ended = []
    for study in slopes[:, :12]:
        values = {arm: [k * r**2 / 2 for k in study] for arm, r in RATIOS.items()}
        looks = (
            n
            for n in range(FIRST, 13)
            if width_at(rule, {arm: row[:n] for arm, row in values.items()})["settled"]
        )
        ended.append(next(looks, 12))
    found = narrowings(0.8, max_seeds=12, **{**HOW, "studies": 25})  # type: ignore[arg-type]
    assert 12 > found.seeds > FIRST
    assert np.mean(ended) == pytest.approx(found.seeds)
    assert found.low <= found.seeds <= found.high


def test_what_a_pilot_does_not_know_makes_it_less_sure() -> None:
    sure = narrowings(0.8, max_seeds=12, **HOW)  # type: ignore[arg-type]
    unsure = narrowings(0.8, max_seeds=12, df=4, error=0.4, **HOW)  # type: ignore[arg-type]
    assert unsure.reached < sure.reached
    never = narrowings(50.0, max_seeds=6, **HOW)  # type: ignore[arg-type]
    assert (never.reached, never.seeds) == (0.0, 6.0)
    assert np.isnan(never.fixed_seeds)


def test_the_interval_after_each_seed_is_the_t_interval() -> None:
    slopes = np.array([[1.0, 2.0, 4.0]])
    mean, half = t_intervals(slopes)
    assert mean[0].tolist() == pytest.approx([1.0, 1.5, 7 / 3])
    assert half[0, 2] == pytest.approx(stats.t.ppf(0.975, 2) * slopes[0].std(ddof=1) / np.sqrt(3))
    assert half[0, 0] == np.inf


def test_a_larger_ratio_makes_a_slope_less_noisy() -> None:
    x = np.array([1.0, 4.0, 8.0, 16.0]) ** 2
    without = x[:3]
    spread = [((one - one.mean()) ** 2).sum() for one in (without, x)]
    assert with_another(np.array([1.0, 4.0, 8.0]), 16.0) == pytest.approx(
        np.sqrt(spread[0] / spread[1])
    )


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((8.0, 5.0, 20.0), "about 8 whole seeds would do (between 5 and 20 with 80 %)"),
        ((8.0, 5.0, np.inf), "about 8 whole seeds would do (5 or more with 80 %)"),
        ((np.inf, 5.0, np.inf), "more than 1000 whole seeds would be needed"),
        ((np.nan, np.nan, np.nan), "the slopes of its seeds do not differ, so that nothing tells how many would do"),
    ],
)  # fmt: skip
def test_seeds_in_words(seeds: tuple[float, float, float], words: str) -> None:
    assert in_words(seeds) == words
