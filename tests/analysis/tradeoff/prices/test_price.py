import numpy as np
import pytest

from analysis.errors import TableError
from analysis.tradeoff.prices.cost import Cost, parse_blocks
from analysis.tradeoff.prices.price import Price, best_ratio, regret, switch_prices

SENET = {"r=2": 22.29, "r=4": 22.25, "r=8": 22.26, "r=16": 22.28, "r=32": 22.72, "no SE": 23.30}


def test_the_published_tables_switch_prices_are_found() -> None:
    # ResNet-50: 2 * 20119552 / r weights; prices in points per million weights.
    params = np.array([2 * 20119552 / r for r in (2, 4, 8, 16, 32)] + [0.0])
    found = switch_prices(list(SENET), params, np.array(list(SENET.values())))
    assert found["best_below"].tolist() == ["r=4", "r=8", "r=16", "r=32"]
    assert found["best_above"].tolist() == ["r=8", "r=16", "r=32", "no SE"]
    assert (found["price"] * 1e6).tolist() == pytest.approx(
        [0.0020, 0.0080, 0.350, 0.461], abs=6e-4
    )


def test_between_two_switches_the_named_design_is_best() -> None:
    noise = np.random.default_rng(0)
    params, loss = noise.uniform(1, 9, 12), noise.uniform(0, 1, 12)
    names = [str(i) for i in range(12)]
    found = switch_prices(names, params, loss)
    edges = [0.0, *found["price"], 1e3]
    best = [found["best_below"].iloc[0], *found["best_above"]]
    assert sorted(edges) == edges
    for low, high, name in zip(edges, edges[1:], best, strict=False):
        assert names[int(np.argmin(loss + (low + high) / 2 * params))] == name


def test_of_two_designs_with_one_cost_the_better_counts() -> None:
    found = switch_prices(["a", "b", "c"], np.array([4.0, 4.0, 1.0]), np.array([2.0, 1.0, 3.0]))
    assert found.to_numpy().tolist() == [["b", "c", pytest.approx(2 / 3)]]


def test_one_design_never_switches() -> None:
    assert switch_prices(["a"], np.array([4.0]), np.array([2.0])).empty


def test_the_best_ratio_minimises_the_objective() -> None:
    kappa, lam, c2 = 3e-4, 1e-5, 4096.0
    star = best_ratio(kappa, lam=lam, c2=c2)
    r = star * np.array([0.5, 0.999, 1.0, 1.001, 2.0])
    j = kappa * r**2 / 2 + lam * c2 / r
    assert np.argmin(j) == 2
    assert j[[0, 4]] - j[2] == pytest.approx(
        [regret(u, kappa=kappa, r_star=star) for u in (0.5, 2.0)]
    )
    assert best_ratio(-1.0, lam=lam, c2=c2) == float("inf")


def test_a_flop_costs_as_two_weights() -> None:
    assert Price.per_flop(1e-9).lam(kappa=1.0, c2=1.0) == 2 * Price.per_param(1e-9).lam(
        kappa=1.0, c2=1.0
    )


@pytest.mark.parametrize(
    ("mode", "value", "message"),
    [
        ("per_param", 0.0, r"`per_param > 0` must hold, but got 0\.0"),
        ("budget", float("nan"), "`budget > 0` must hold, but got nan"),
        ("implied_by", 0.5, r"`implied_by > 1` must hold, but got 0\.5"),
    ],
)
def test_a_price_that_is_none_is_refused(mode: str, value: float, message: str) -> None:
    with pytest.raises(TableError, match=message):
        Price(mode, value)  # type: ignore[arg-type]


def test_blocks_are_read_as_number_times_channels() -> None:
    assert parse_blocks("2x64, 128").channels == (64, 64, 128)
    assert parse_blocks("3x256,4x512,6x1024,3x2048").c2_eff == 20119552


def test_a_block_without_channels_is_refused() -> None:
    with pytest.raises(TableError, match="`channels >= 1` must hold in every block, but got"):
        Cost((64, 0))
