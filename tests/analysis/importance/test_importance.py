import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from analysis.contrasts.multiplicity import holm
from analysis.errors import TableError
from analysis.importance.importance import FOREST, TOP, VARIANCE, estimate_importance
from analysis.importance.variance_shares import spans_of, variance_shares
from analysis.tables.csv_table import from_frame
from analysis.tables.runs_table import RunsTable
from analysis.tables.study_table import read_study

Make = Callable[..., Path]
CROSSED = {
    "attention.squeeze": {"avg": 0.0, "max": 0.03},
    "attention.gate": {"sigmoid": 0.0, "one_plus_tanh": 0.01},
    "attention.order": {"before": 0.0, "after": 0.0},
}


def test_the_shares_test_is_the_anova_of_statsmodels() -> None:
    noise = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": noise.choice(["x", "y", "z"], 60), "b": noise.choice(["u", "v"], 60)}
    )
    frame["y"] = (frame["a"] == "x") * 0.8 + noise.normal(size=60)
    theirs = sm.stats.anova_lm(smf.ols("y ~ a * b", frame).fit(), typ=2)
    spans = spans_of(frame[["a", "b"]], np.zeros(60, dtype=np.intp))
    _, p, _, _ = variance_shares(spans, frame["y"].to_numpy(), confidence=0.95)
    assert p[:3].tolist() == pytest.approx(theirs["PR(>F)"][:3].tolist(), rel=1e-9)


def test_the_shares_recover_the_variance_that_was_planted(make_study: Make) -> None:
    folder = make_study(effects=CROSSED, seeds=40, sigma=0.01, kappa=0.0)
    found = estimate_importance(read_study(folder), evaluators=()).frame.set_index("factor")
    variance = {"attention.squeeze": 0.015**2, "attention.gate": 0.005**2, "noise": 0.01**2}
    total = sum(variance.values())
    for name, size in variance.items():
        assert found["share"][name] == pytest.approx(size / total, abs=0.05)
    for name in ("attention.squeeze", "attention.gate"):
        assert found["low"][name] < variance[name] / total < found["high"][name]
    assert found["p"]["attention.order"] > 0.01
    assert found["share"].sum() == pytest.approx(1.0)


def test_a_factor_without_effect_does_not_rise_above_chance(make_study: Make) -> None:
    found = estimate_importance(
        read_study(make_study(effects=CROSSED, seeds=8, kappa=0.0)), evaluators=()
    )
    frame = found.frame.set_index("factor")
    assert frame["share"]["attention.squeeze"] > frame["chance"]["attention.squeeze"]
    assert frame["share"]["attention.order"] < frame["chance"]["attention.order"]
    assert "not told from chance" in next(s for s in found.sentences() if "order" in s)


def test_each_measure_is_labelled_by_its_question(make_study: Make) -> None:
    table = read_study(make_study(effects=CROSSED, seeds=6, kappa=0.0))
    found = estimate_importance(table, permutations=2).frame
    assert list(dict.fromkeys(found["question"])) == [VARIANCE, FOREST, TOP]
    top = found[found["question"] == FOREST].set_index("factor")["share"]
    assert top.idxmax() == "attention.squeeze"
    assert top.sum() == pytest.approx(1.0)


def test_a_factor_that_another_fixes_takes_no_share_of_it() -> None:
    rows = [
        {
            "ratio": ratio,
            "placement": "none" if ratio == 0 else "standard",
            "val_loss": ratio + seed,
        }
        for ratio in (0.0, 1.0, 2.0)
        for seed in (0.1, 0.2, 0.25)
    ]
    frame = estimate_importance(from_frame(pd.DataFrame(rows)), permutations=2).frame
    assert set(frame["question"]) == {VARIANCE}


def test_what_factors_explain_only_together_is_nobodys_and_no_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 20)
    b_follows_a = pd.DataFrame(
        {
            "a": ["x", "y", "y", "x"] * 5,
            "b": ["u", "v", "v", "u"] * 5,
            "seed": np.repeat(range(5), 4),
            "copy": [0, 0, 1, 1] * 5,
            "val_loss": np.array([0.0, 1.0, 1.0, 0.0] * 5) + noise,
        }
    )
    table = from_frame(b_follows_a, factors=["a", "b", "copy"])
    result = estimate_importance(table, evaluators=(), permutations=1)
    shares = result.frame.set_index("factor")["share"]
    assert shares["joint"] > 0.99
    assert shares["noise"] < 0.01
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    assert "due to factors that change together" in result.sentences()[0]


def test_importance_repeats_with_its_seed(make_study: Make) -> None:
    table = read_study(make_study(effects=CROSSED, kappa=0.0))
    a, b, c = (
        estimate_importance(table, evaluators=("fanova",), permutations=2, seed=s)
        .frame["chance"]
        .tolist()[-3:]
        for s in (0, 0, 1)
    )
    assert a == b != c


def test_one_arm_has_nothing_to_share_out() -> None:
    table = from_frame(pd.DataFrame({"gate": "x", "seed": range(4), "val_loss": 1.0}))
    with pytest.raises(TableError, match="no factor varies between the complete runs"):
        estimate_importance(table)


@pytest.mark.parametrize("permutations", [0, -3, 10**22])
def test_less_than_one_permutation_or_too_many_are_refused(permutations: int) -> None:
    said = rf"`permutations` must be from 1 to 10,000, but got {permutations}; .* Give 20 or more\."
    with pytest.raises(TableError, match=said):
        estimate_importance(crossed(), permutations=permutations)


def crossed(
    *, size: float = 0.0, noise: float = 0.01, random: int = 0, seeds: int = 4
) -> RunsTable:
    """Three crossed factors of two levels; `a` adds `size` to the loss."""
    draw = np.random.default_rng(random)
    rows = [
        {"a": a, "b": b, "c": c, "seed": s, "val_loss": 1 + size * a + 0.1 * s + noise * draw.normal()}
        for s in range(seeds) for a in (0, 1) for b in (0, 1) for c in (0, 1)
    ]  # fmt: skip
    return from_frame(pd.DataFrame(rows))


@pytest.mark.parametrize("random", range(12))
def test_a_share_is_above_chance_exactly_where_its_adjusted_p_is_small(random: int) -> None:
    found = estimate_importance(crossed(size=0.01, noise=0.012, random=random), evaluators=())
    frame = found.frame[:3]
    assert frame["p_holm"].tolist() == pytest.approx(holm(frame["p"].to_numpy()).tolist())
    above = (frame["share"] > frame["chance"]).tolist()
    assert above == (frame["p_holm"] < 0.05).tolist()
    said = [
        any(s.startswith(f"{f}:") and "above chance" in s for s in found.sentences()) for f in "abc"
    ]
    assert said == above


@pytest.mark.slow
def test_chance_alone_is_seen_in_one_of_twenty_tables_over_all_factors() -> None:
    seen = [
        bool((estimate_importance(crossed(random=k), evaluators=()).frame["p_holm"] < 0.05).any())
        for k in range(400)
    ]
    assert np.mean(seen) == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize(
    ("per_seed", "said"), [(0.0, "complete runs;"), (0.1, "complete runs with one seed;")]
)
def test_a_loss_that_does_not_vary_is_told_so(per_seed: float, said: str) -> None:
    rows = [
        {"gate": gate, "seed": s, "val_loss": 1.0 + per_seed * s}
        for s in range(4)
        for gate in "abc"
    ]
    with pytest.raises(TableError, match=f"val_loss is the same in all {said} there is nothing to"):
        estimate_importance(from_frame(pd.DataFrame(rows)))


def test_with_one_run_of_each_arm_neither_noise_nor_interactions_have_a_share() -> None:
    table = from_frame(
        pd.DataFrame({"gate": list("abcd"), "seed": 0, "val_loss": [0.1, 0.2, 0.4, 0.3]}),
        factors=["gate"],
    )
    result = estimate_importance(table, permutations=2)
    shares = result.frame[result.frame["question"] == VARIANCE].set_index("factor")["share"]
    assert shares["gate"] == pytest.approx(1.0)
    assert math.isnan(shares["noise"])
    assert not any(line.startswith(("noise", "interactions")) for line in result.sentences())


def test_without_noise_there_is_a_share_and_no_test() -> None:
    lines = estimate_importance(crossed(size=0.5, noise=0.0), evaluators=()).sentences()
    assert "a: 100% of the variance between runs; no noise could be estimated" in lines[0]
    assert not any("only together with other factors" in line for line in lines)
