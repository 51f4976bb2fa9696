import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from analysis.contrasts.equivalence import seeds_needed
from analysis.effects.component_report import component_report
from analysis.effects.dead_weight import dead_weight
from analysis.effects.effects import estimate_effects
from analysis.effects.effects_words import as_json, more_seeds, sentences
from analysis.errors import TableError
from analysis.planned.comparisons import parse_comparisons
from analysis.tables.csv_table import from_frame
from analysis.tables.study_table import read_study

Make = Callable[..., Path]
LOCO = {
    "attention.reduction": {16: 0.0, 4: 0.0},
    "attention.squeeze": {"avg": 0.0, "max": 0.03},
    "attention.gate": {"sigmoid": 0.0, "one_plus_tanh": 0.0},
}


def tidy(y: np.ndarray, names: tuple[str, ...] = ("gate",)) -> pd.DataFrame:
    """Losses by seed and arm as a table; arm 0 is the baseline, arm k switches part k off."""
    rows = []
    for s, losses in enumerate(y):
        for k, loss in enumerate(losses):
            parts = {f"part{i}": "off" if i == k else "on" for i in range(1, y.shape[1])}
            rows.append({"seed": s, **parts, "val_loss": loss})
    return pd.DataFrame(rows)


def noisy(seeds: int, arms: int, *, random: int = 0, icc: float = 0.5) -> np.ndarray:
    noise = np.random.default_rng(random)
    common = noise.normal(size=(seeds, 1)) * np.sqrt(icc)
    return 1 + 0.01 * (common + np.sqrt(1 - icc) * noise.normal(size=(seeds, arms)))


def test_two_arms_by_hand() -> None:
    y = np.array([[1.0, 1.3], [1.1, 1.5], [0.9, 1.1]])
    row = estimate_effects(from_frame(tidy(y)), margin=0.5).frame.iloc[0]
    d = y[:, 1] - y[:, 0]
    theirs = stats.ttest_rel(y[:, 1], y[:, 0])
    assert row["estimate"] == pytest.approx(d.mean())
    assert (row["p"], row["df"]) == (pytest.approx(theirs.pvalue), 2)
    interval = theirs.confidence_interval(0.95)
    assert (row["ci95_low"], row["ci95_high"]) == pytest.approx((interval.low, interval.high))
    se = d.std(ddof=1) / np.sqrt(3)
    upper = stats.ttest_1samp(d, 0.5, alternative="less").pvalue
    assert row["p_equivalence"] == pytest.approx(upper)
    assert row["se"] == pytest.approx(se)


@pytest.mark.parametrize("missing", [(), (3, 8, 14)])
def test_the_pooled_analysis_is_least_squares_with_seeds(missing: tuple[int, ...]) -> None:
    frame = tidy(noisy(5, 4)).drop(index=list(missing))
    found = estimate_effects(from_frame(frame), error="pooled").frame.set_index("factor")
    theirs = smf.ols("val_loss ~ C(seed) + part1 + part2 + part3", flipped(frame)).fit()
    for part in ("part1", "part2", "part3"):
        assert found["estimate"][part] == pytest.approx(theirs.params[f"{part}[T.off]"], rel=1e-9)
        assert found["se"][part] == pytest.approx(theirs.bse[f"{part}[T.off]"], rel=1e-9)
        assert found["p"][part] == pytest.approx(theirs.pvalues[f"{part}[T.off]"], rel=1e-9)
        assert found["df"][part] == theirs.df_resid


def flipped(frame: pd.DataFrame) -> pd.DataFrame:
    """Levels as ordered categories, so that the reference of the model is `on`."""
    parts = [c for c in frame if c.startswith("part")]
    return frame.assign(**{c: pd.Categorical(frame[c], ["on", "off"]) for c in parts})


def test_paired_errors_are_each_comparisons_own_t_test() -> None:
    y = noisy(6, 4)
    found = estimate_effects(from_frame(tidy(y)), error="paired").frame
    for k, p in enumerate(found["p"], start=1):
        assert p == pytest.approx(stats.ttest_rel(y[:, k], y[:, 0]).pvalue)


def test_simultaneous_intervals_are_dunnetts_without_seed_blocks() -> None:
    noise = np.random.default_rng(1)
    y = noise.normal(size=(8, 4))
    frame = tidy(y).assign(seed=range(32))
    row = estimate_effects(from_frame(frame), error="pooled").frame
    theirs = stats.dunnett(*(y[:, k] for k in (1, 2, 3)), control=y[:, 0], random_state=0)
    interval = theirs.confidence_interval(0.95)
    assert row["sim_low"].tolist() == pytest.approx(interval.low.tolist(), rel=0.02)
    assert row["sim_high"].tolist() == pytest.approx(interval.high.tolist(), rel=0.02)


def crossed() -> pd.DataFrame:
    noise = np.random.default_rng(3)
    rows = [
        {"gate": gate, "squeeze": squeeze, "seed": s, "val_loss": 1 + 0.01 * noise.normal()}
        for s in range(3)
        for gate in ("tanh", "sigmoid")
        for squeeze in ("avg", "max")
    ]
    return pd.DataFrame(rows)


def test_the_baseline_is_named_by_its_levels() -> None:
    found = estimate_effects(from_frame(crossed(), baseline={"gate": "sigmoid", "squeeze": "max"}))
    assert found.baseline == "gate=sigmoid, squeeze=max"
    assert "Differences are against the baseline gate=sigmoid, squeeze=max." in sentences(found)
    content = as_json(found)
    assert content["baseline"] == "gate=sigmoid, squeeze=max"
    assert content["baseline_levels"] == {"gate": "sigmoid", "squeeze": "max"}
    assert content["baseline_assumed"] == []


def test_a_baseline_that_nobody_named_is_told_with_the_way_to_choose() -> None:
    found = estimate_effects(from_frame(crossed(), baseline={"squeeze": "max"}))
    assert (
        "Differences are against the baseline gate=tanh, squeeze=max. Nobody named the baseline's gate: "
        "the first run's was taken; choose with `--baseline gate=LEVEL`."
    ) in sentences(found)
    assert as_json(found)["baseline_assumed"] == ["gate"]
    both = sentences(estimate_effects(from_frame(crossed())))
    assert any("Nobody named the baseline's gate and squeeze" in line for line in both)


def test_arms_that_share_no_seed_are_compared_as_independent() -> None:
    y = noisy(6, 2)
    frame = tidy(y).assign(seed=lambda f: f["seed"] + 100 * (f["part1"] == "off"))
    found = estimate_effects(from_frame(frame))
    assert found.flags == ("unpaired",)
    welch = stats.ttest_ind(y[:, 1], y[:, 0], equal_var=False)
    assert found.frame["p"][0] == pytest.approx(welch.pvalue)
    assert found.frame["df"][0] == pytest.approx(welch.df)


def test_seeds_that_only_one_arm_has_add_nothing_to_a_pair() -> None:
    y = noisy(6, 2)
    frame = tidy(y).drop(index=[1, 3])
    row = estimate_effects(from_frame(frame)).frame.iloc[0]
    theirs = stats.ttest_rel(y[2:, 1], y[2:, 0])
    assert row["n_pairs"] == 4
    assert row["p"] == pytest.approx(theirs.pvalue)


def test_a_planted_effect_is_found_and_the_nulls_are_not(make_study: Make) -> None:
    table = read_study(make_study(effects=LOCO, design="loco", seeds=8, sigma=0.004, kappa=0.0))
    found = estimate_effects(table, margin=0.015).frame.set_index("label")["verdict"].to_dict()
    assert found == {
        "reduction=4": "negligible",
        "squeeze=max": "matters",
        "gate=one_plus_tanh": "negligible",
    }


def test_a_real_effect_within_the_margin_is_negligible() -> None:
    y = noisy(8, 2) + np.array([0.0, 0.02])
    assert estimate_effects(from_frame(tidy(y)), margin=0.05).frame["verdict"][0] == "negligible"
    assert estimate_effects(from_frame(tidy(y))).frame["verdict"][0] == "matters"


def test_an_undecided_effect_says_how_many_seeds_it_needs() -> None:
    y = noisy(5, 2, random=1) + np.array([0.0, 0.008])
    found = estimate_effects(from_frame(tidy(y)))
    row = found.frame.iloc[0]
    assert row["verdict"] == "undecided"
    k = int(row["seeds_needed"])
    assert any(f"it needs about {k} more seeds" in line for line in sentences(found))
    noise = np.random.default_rng(0)
    sd, total = row["se"] * np.sqrt(5), 5 + k
    d = row["estimate"] + sd * noise.standard_normal((4000, total))
    power = np.mean(stats.ttest_1samp(d, 0, axis=1).pvalue < 0.05)
    assert power == pytest.approx(0.8, abs=0.05)


def test_one_seed_more_is_singular() -> None:
    found = estimate_effects(from_frame(tidy(noisy(5, 3, random=1, icc=0.0))))
    assert [more_seeds(n, found) for n in (1.0, 2.0)] == ["about 1 more seed", "about 2 more seeds"]
    apart = replace(found, flags=("unpaired",))
    assert [more_seeds(n, apart) for n in (1.0, 2.0)] == [
        "about 1 more run per arm",
        "about 2 more runs per arm",
    ]


def test_an_unpaired_effect_says_how_many_runs_per_arm_it_needs() -> None:
    y = noisy(5, 2, random=1, icc=0.0) + np.array([0.0, 0.008])
    found = estimate_effects(from_frame(tidy(y).assign(seed=range(10))))
    row = found.frame.iloc[0]
    assert (row["verdict"], found.replicates) == ("undecided", "runs per arm")
    k = int(row["seeds_needed"])
    assert any(f"it needs about {k} more runs per arm" in line for line in sentences(found))
    sd, n = row["se"] * np.sqrt(5 / 2), 5 + k
    noise = np.random.default_rng(0)
    two = sd * noise.standard_normal((4000, 2, n))
    two[:, 1] += row["estimate"]
    power = np.mean(stats.ttest_ind(two[:, 1], two[:, 0], axis=1, equal_var=False).pvalue < 0.05)
    assert power == pytest.approx(0.8, abs=0.05)


def test_arms_with_unequal_runs_count_as_the_smaller_one() -> None:
    y = noisy(6, 2, random=1, icc=0.0) + np.array([0.0, 0.004])
    frame = tidy(y).assign(seed=range(12)).drop(index=[1, 3, 5])
    row = estimate_effects(from_frame(frame)).frame.iloc[0]
    # The smaller arm's runs: a promise that holds for it holds for the other.
    expected = seeds_needed(
        row["estimate"], row["se"], df=row["df"], seeds=3, alpha=0.05, margin=None
    )
    assert row["seeds_needed"] == expected


GATE_PLANNED = {
    "factor": "attention.gate",
    "levels": ["sigmoid", "one_plus_tanh"],
    "margin": 0.02,
}


def test_a_planned_margin_holds_for_its_own_comparison_alone(make_study: Make) -> None:
    planned = parse_comparisons({"comparisons": [GATE_PLANNED]})
    folder = make_study(
        planned=planned, effects=LOCO, design="loco", seeds=8, sigma=0.004, kappa=0.0
    )
    found = estimate_effects(read_study(folder))
    rows = found.frame.set_index("label")
    assert rows["margin"].fillna(0).to_dict() == {
        "reduction=4": 0,
        "squeeze=max": 0,
        "gate=one_plus_tanh": 0.02,
    }
    assert rows.index[rows["verdict"] == "negligible"].tolist() == ["gate=one_plus_tanh"]
    assert rows.index[rows["p_equivalence"].notna()].tolist() == ["gate=one_plus_tanh"]
    assert rows["exploratory"].to_dict() == {
        "reduction=4": "not planned",
        "squeeze=max": "not planned",
        "gate=one_plus_tanh": "from all 8 seeds; the planned comparison decides",
    }
    verdicts = sentences(found)[:3]
    assert all(line.startswith("Exploratory (") for line in verdicts)
    assert any(
        "the others have none and cannot be called negligible" in s for s in sentences(found)
    )


def test_a_plan_for_another_metric_plans_nothing_here(make_study: Make) -> None:
    planned = parse_comparisons({"metric": "val_accuracy", "comparisons": [GATE_PLANNED]})
    found = estimate_effects(read_study(make_study(planned=planned, effects=LOCO, design="loco")))
    assert found.margin is None
    assert set(found.frame["exploratory"]) == {"not planned"}


def test_a_margin_given_after_the_runs_is_exploratory(make_study: Make) -> None:
    planned = parse_comparisons({"comparisons": [GATE_PLANNED]})
    options = {"effects": LOCO, "design": "loco", "seeds": 8, "sigma": 0.004, "kappa": 0.0}
    free, bound = (
        read_study(make_study("a", **options)),
        read_study(make_study("b", planned=planned, **options)),
    )
    assert "given after the runs" in estimate_effects(free, margin=0.02).exploratory
    assert any(
        line.startswith("Exploratory: ") for line in sentences(estimate_effects(free, margin=0.02))
    )
    assert estimate_effects(bound).margin == 0.02
    assert (
        estimate_effects(bound).exploratory
        == estimate_effects(bound, margin=0.02).exploratory
        == ""
    )
    assert "given after the runs" in estimate_effects(bound, margin=0.03).exploratory


def test_one_noisier_arm_rests_on_its_own_differences() -> None:
    y = noisy(10, 6, icc=0.0, random=1)
    wild = y.copy()
    wild[:, 3] = 1 + 8 * (y[:, 3] - 1)
    found = estimate_effects(from_frame(tidy(wild))).frame.set_index("factor")
    assert found["error"]["part3"] == "own"
    assert "shared" in set(found["error"])
    own = stats.ttest_rel(wild[:, 3], wild[:, 0])
    assert found["p"]["part3"] == pytest.approx(own.pvalue)


def test_the_correlation_of_a_seeds_runs_is_reported() -> None:
    found = estimate_effects(from_frame(tidy(noisy(400, 3, icc=0.6))), calibration_draws=0)
    assert found.pairing == pytest.approx(0.6, abs=0.06)
    assert found.frame["correlation"].tolist() == pytest.approx([0.6, 0.6], abs=0.1)
    assert found.frame["variance_ratio"].tolist() == pytest.approx([0.4, 0.4], abs=0.1)


def test_relabelled_levels_come_out_at_the_nominal_error() -> None:
    found = estimate_effects(from_frame(tidy(noisy(8, 5))), calibration_draws=1000)
    assert found.calibration is not None
    assert found.calibration.draws == 1000
    assert 0.02 < found.calibration.false_positive_rate <= 0.05 + 3 * 0.007
    assert estimate_effects(from_frame(tidy(noisy(5, 2)))).calibration is None


def test_the_calibration_repeats_with_its_seed() -> None:
    table = from_frame(tidy(noisy(5, 4)))
    rates = [estimate_effects(table, seed=s).calibration.false_positive_rate for s in (0, 0, 1, 2)]  # type: ignore[union-attr]
    assert rates[0] == rates[1]
    assert len(set(rates)) > 1


def test_a_control_without_factors_of_its_own_is_compared_with_the_baseline(
    make_study: Make,
) -> None:
    table = read_study(make_study(controls={"no attention": 0.05}, sigma=0.002))
    frame = estimate_effects(table).frame.set_index("label")
    assert frame["verdict"]["no attention"] == "matters"
    assert frame["saved_params"]["no attention"] == 3072
    assert frame["estimate"]["no attention"] == pytest.approx(0.05 + 5e-5 * (0 - 0), abs=0.01)


def test_a_control_keeps_its_name_where_it_is_an_average_too() -> None:
    y = noisy(4, 6)
    rows = [
        {"seed": s, "width": width, "placement": placement, "val_loss": y[s, 2 * i + (placement == "none")],
         "label": f"no attention{width}" if placement == "none" and width else
         "no attention" if placement == "none" else f"width={width}"}
        for s in range(4) for i, width in enumerate((0, 1, 2)) for placement in ("standard", "none")
    ]  # fmt: skip
    base = {"width": 0, "placement": "standard"}
    table = from_frame(pd.DataFrame(rows), baseline=base, factors=["width", "placement"])
    labels = estimate_effects(table).frame["label"].tolist()
    assert any(label.startswith("no attention") for label in labels)
    assert not any("placement=none" in label for label in labels)


def test_dead_weight_is_what_is_negligible_and_paid_for(make_study: Make) -> None:
    table = read_study(
        make_study(
            effects=LOCO,
            design="loco",
            seeds=8,
            kappa=0.0,
            sigma=0.002,
            controls={"no attention": 0.0},
        )
    )
    found = dead_weight(estimate_effects(table, margin=0.01))
    assert found["label"].tolist() == ["no attention"]
    assert found["saved_params"].tolist() == [3072]
    assert dead_weight(estimate_effects(table)).empty


def test_the_report_has_the_documented_keys_and_no_infinity(make_study: Make) -> None:
    table = read_study(make_study(effects=LOCO, design="loco"))
    content = json.loads(
        json.dumps(component_report(table, margin=0.01).to_json(), allow_nan=False)
    )
    assert {"effects", "margin", "calibration", "interactions", "stacking", "dead_weight", "by_epoch",
            "planned", "excluded", "sentences"} <= set(content)  # fmt: skip
    assert {"estimate", "se", "df", "ci95_low", "ci90_low", "sim_low", "p", "p_adjusted", "p_equivalence",
            "verdict", "seeds_needed", "seeds_needed_low"} <= set(content["effects"][0])  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (tidy(noisy(3, 2)).assign(seed=[0, None, 1, 1, 2, 2]), "`seed` must be given for effects"),
        (tidy(noisy(3, 2)).query("part1 == 'on'"), "the table has no factor"),
        (pd.concat([tidy(noisy(3, 2))] * 2, ignore_index=True), "`seed` must be unique within an arm"),
    ],
)  # fmt: skip
def test_a_table_without_comparisons_is_told_why(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(TableError, match=message):
        estimate_effects(from_frame(frame))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": -1.0}, r"`margin > 0` must hold, but got -1\.0"),
        ({"alpha": 0.7}, r"`0 < alpha < 0\.5` must hold, but got 0\.7"),
    ],
)
def test_an_option_that_breaks_its_rule_is_told(options: dict[str, float], message: str) -> None:
    with pytest.raises(TableError, match=message):
        estimate_effects(from_frame(tidy(noisy(3, 2))), **options)  # type: ignore[arg-type]


def test_an_effect_on_another_background_than_the_baselines_says_which() -> None:
    table = from_frame(
        pd.DataFrame({
            "depth": ["4", "4", "16"] * 3, "squeeze": ["avg", "max", "max"] * 3,
            "seed": [0] * 3 + [1] * 3 + [2] * 3,
            "val_loss": [0.5, 0.6, 0.9, 0.51, 0.6, 0.91, 0.52, 0.63, 0.9],
        }),
        factors=["depth", "squeeze"],
        baseline={"depth": "4", "squeeze": "avg"},
    )  # fmt: skip
    rows = estimate_effects(table).family.set_index("label")["estimate"]
    assert rows["depth=16 (at squeeze=max)"] == pytest.approx((0.3 + 0.31 + 0.27) / 3)
    assert rows["squeeze=max"] == pytest.approx((0.1 + 0.09 + 0.11) / 3)


@pytest.mark.parametrize(
    ("arms", "seeds", "can"), [(2, 2, False), (2, 9, False), (2, 10, True), (6, 5, True)]
)
def test_a_table_is_relabelled_only_where_that_can_be_done_in_many_ways(
    arms: int, seeds: int, can: bool
) -> None:
    frame = pd.DataFrame([{"gate": f"g{a}", "seed": s} for a in range(arms) for s in range(seeds)])
    frame["val_loss"] = np.random.default_rng(0).normal(size=len(frame))
    table = from_frame(frame, factors=["gate"])
    assert (estimate_effects(table, calibration_draws=50).calibration is not None) == can


def test_a_run_without_a_seed_among_repeated_ones_is_refused() -> None:
    table = from_frame(tidy(noisy(3, 2)))
    frame = table.frame.copy()
    frame.loc[frame.index[2], "seed"] = np.nan
    with pytest.raises(
        TableError, match=r"`seed` must be given for effects \(seeds are the blocks\)"
    ):
        estimate_effects(replace(table, frame=frame))


def test_paired_errors_are_refused_where_no_seed_is_shared() -> None:
    frame = tidy(noisy(4, 3, icc=0.0)).assign(seed=range(12))
    with pytest.raises(
        TableError, match=r"`--error paired` needs arms that share seeds, but those of 2 of 2"
    ):
        estimate_effects(from_frame(frame), error="paired")
