from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.effects.effects import estimate_effects
from analysis.errors import TableError
from analysis.importance.importance import estimate_importance
from analysis.tables.csv_table import from_frame, read_csv
from analysis.tables.runs_table import RunsTable
from analysis.tables.study_table import read_study
from analysis.tradeoff.prices.price import Price
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.width.width import fit_width

Make = Callable[..., Path]
WIDTHS = (64, 128, 256, 512)


def studies(make_study: Make, *, gamma: float, sigma: float = 0.002) -> list[RunsTable]:
    return [
        read_study(
            make_study(
                f"w{c}", channels=(c,), kappa=5e-5 * (c / 180) ** -gamma, sigma=sigma, random=c
            )
        )
        for c in WIDTHS
    ]


@pytest.mark.parametrize(("gamma", "slope"), [(0.0, 2 / 3), (1.0, 1.0), (2.0, 4 / 3)])
def test_the_slope_of_a_power_law_is_recovered(
    make_study: Make, gamma: float, slope: float
) -> None:
    found = fit_width(studies(make_study, gamma=gamma))
    assert found.slope_ci[0] < slope < found.slope_ci[1]
    assert found.slope == pytest.approx(slope, abs=0.1)
    assert (found.p_theory > 0.05) == (gamma == 0.0)
    assert (found.p_rival > 0.05) == (gamma == 2.0)


def test_r_star_is_shown_at_each_width_for_a_price(make_study: Make) -> None:
    found = fit_width(studies(make_study, gamma=0.0), price=Price.per_param(1e-6)).widths
    assert found["channels"].tolist() == list(WIDTHS)
    expected = (2e-6 * found["c2_eff"] / 5e-5) ** (1 / 3)
    assert found["r_star"].tolist() == pytest.approx(expected.tolist(), rel=0.1)
    assert (found["low"] < found["r_star"]).all()
    assert (found["r_star"] < found["high"]).all()


@pytest.mark.parametrize("name", ["backbone.width", "model.width"])
def test_one_table_with_several_widths_is_split(make_study: Make, name: str) -> None:
    parts = studies(make_study, gamma=0.0)
    for width, part in zip(WIDTHS, parts, strict=True):
        part.frame[name] = width
    joined = pd.concat([p.frame for p in parts], ignore_index=True)
    joined["arm"] = joined["arm"] + joined[name].astype(str)
    one = replace(parts[0], frame=joined, factors=["attention.reduction", name],
                  baseline={"attention.reduction": 16, name: 64})  # fmt: skip
    assert fit_width([one]).gamma == fit_width(parts).gamma


def test_only_common_ratios_enter(make_study: Make) -> None:
    tables = studies(make_study, gamma=0.0)
    tables[0] = replace(
        tables[0], frame=tables[0].frame[tables[0].frame["attention.reduction"] < 32]
    )
    assert fit_width(tables).ratios == [2, 4, 8, 16]


def test_what_cannot_be_fitted_is_told(make_study: Make) -> None:
    one = read_study(make_study(channels=(64,)))
    with pytest.raises(TableError, match="at least two widths are needed"):
        fit_width([one, one])
    bare = from_frame(
        pd.DataFrame({"reduction": [2, 4] * 3, "seed": [0, 0, 1, 1, 2, 2], "val_loss": 1.0})
    )
    with pytest.raises(
        TableError, match="`c2_eff` is not known for runs, runs; add the column `channels`"
    ):
        fit_width([bare, bare])


def test_a_loss_that_falls_with_r_at_every_width_has_no_slope(make_study: Make) -> None:
    falling = [
        replace(t, frame=t.frame.assign(val_loss=4 - t.frame["val_loss"]))
        for t in studies(make_study, gamma=0.0)
    ]
    found = fit_width(falling, price=Price.per_param(1e-6))
    assert found.status == "decreasing"
    assert found.sentences()[0] == (
        "kappa is not above 0 at any width: there is no r*, so no slope."
    )
    assert len(found.sentences()) == 2
    assert found.widths[["r_star", "low", "high"]].isna().all().all()
    said = found.to_json()
    assert [said[name] for name in ("status", "gamma", "slope", "p_theory", "p_rival")] == [
        "decreasing", None, None, None, None,
    ]  # fmt: skip


def table_of_widths(tmp_path: Path) -> Path:
    """A CSV with one number of channels per run and no `c2_eff`."""
    noise = np.random.default_rng(0)
    rows = [
        {"channels": c, "reduction": r, "seed": s, "val_loss": 2 + 5e-5 * r**2 + noise.normal(0, 0.002)}
        for c in WIDTHS for s in range(4) for r in (2, 4, 8, 16, 32)
    ]  # fmt: skip
    path = tmp_path / "runs.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_one_number_of_channels_per_run_is_enough(tmp_path: Path) -> None:
    found = fit_width([read_csv(table_of_widths(tmp_path))], price=Price.per_param(1e-6)).widths
    assert found["channels"].tolist() == list(WIDTHS)
    assert found["c2_eff"].tolist() == [c**2 for c in WIDTHS]
    assert np.isfinite(found["r_star"]).all()


@pytest.mark.parametrize("read", [fit_reduction, estimate_effects, estimate_importance])
def test_other_questions_of_several_widths_are_sent_to_width(
    tmp_path: Path, read: Callable[[RunsTable], object]
) -> None:
    table = read_csv(table_of_widths(tmp_path))
    with pytest.raises(
        TableError,
        match=r"rows 2, 22, 42 have 4096, 16384, 65536 \(several network widths\); use `ablate width`",
    ):
        read(table)


def test_the_channels_of_one_width_price_a_weight(tmp_path: Path) -> None:
    table = read_csv(table_of_widths(tmp_path))
    one = replace(table, frame=table.frame[table.frame["c2_eff"] == 64**2])
    bare = replace(one, frame=one.frame.assign(channels=None, c2_eff=np.nan))
    price = Price.per_param(1e-6)
    by_option = fit_reduction(bare, price=price, channels=64)
    assert fit_reduction(one, price=price).r_star == by_option.r_star
    with pytest.raises(TableError, match="the table lacks `channels` and `c2_eff`"):
        fit_reduction(bare, price=price)


def test_channels_that_disagree_with_c2_eff_are_a_base_width(tmp_path: Path) -> None:
    table = read_csv(table_of_widths(tmp_path))
    one = replace(table, frame=table.frame[table.frame["c2_eff"] == 64**2].assign(c2_eff=9000.0))
    fit = fit_reduction(one, price=Price.per_param(1e-6))
    assert fit.c2_eff == 9000


@pytest.mark.parametrize("channels", ["64.5", "0", "[64, 0]", '[""a""]'])
def test_channels_must_be_whole(tmp_path: Path, channels: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(f'channels,reduction,val_loss\n64,2,1\n"{channels}",4,1\n', encoding="utf-8")
    with pytest.raises(
        TableError, match="`channels` must be whole numbers of at least 1, but row 3"
    ):
        read_csv(path)
