from pathlib import Path

import optuna
import pandas as pd
import pytest

from analysis.contrasts.cells import cells_of
from analysis.tables.csv_table import from_frame, read_csv
from analysis.tables.equal.repetition import REPEATS
from analysis.tables.table import read_table
from analysis.tradeoff.tradeoff import fit_reduction


def table(values: dict[str, list[float]], *, metric: str = "val_loss") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"gate": gate, "seed": s, metric: v}
            for gate, given in values.items()
            for s, v in enumerate(given)
        ]
    )


def test_a_deterministic_objective_that_a_sampler_repeats_is_one_result_per_arm(
    tmp_path: Path,
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{tmp_path / 'o.db'}"
    study = optuna.create_study(storage=url, study_name="q")
    gates = optuna.distributions.CategoricalDistribution(
        ["two_sigmoid", "one_plus_tanh", "sigmoid"]
    )
    for gate, value in (("two_sigmoid", 0.051), ("one_plus_tanh", 0.065), ("sigmoid", 0.049)) * 3:
        study.add_trial(
            optuna.trial.create_trial(
                params={"gate": gate}, distributions={"gate": gates}, value=value
            )
        )
    read = read_table(f"{url}#q")
    assert read.excluded == {REPEATS: 6}
    assert cells_of(read).runs.tolist() == [1, 1, 1]
    assert read.doubts == [
        "6 runs have the value of another run of the same arm and counted once with it: repetition is not "
        "replication (was the seed applied?)."
    ]


def test_sums_in_another_order_are_the_same_value() -> None:
    read = from_frame(table({"a": [0.1 + 0.2, 0.3, 0.3], "b": [0.5, 0.6, 0.4]}))
    assert read.excluded == {REPEATS: 2}


def test_the_same_value_in_two_arms_is_no_repetition() -> None:
    assert from_frame(table({"a": [0.1, 0.2], "b": [0.1, 0.2]})).excluded == {}


def test_a_single_tie_among_values_with_digits_is_no_reason_for_doubt() -> None:
    read = from_frame(table({"a": [0.51234, 0.50127, 0.51234], "b": [0.52111, 0.49123, 0.53001]}))
    assert read.excluded == {}
    assert read.doubts == []


def test_values_that_tie_since_they_are_rounded_are_said() -> None:
    read = from_frame(table({"a": [0.5, 0.5, 0.6], "b": [0.6, 0.5, 0.5]}))
    assert read.excluded == {}
    [said] = read.doubts
    assert said.startswith("val_loss is rounded so much that runs of one arm tie")


@pytest.mark.parametrize(("level", "near"), [(0.99, True), (0.8, False), (0.03, True)])
def test_a_share_near_the_end_of_its_range_is_said(level: float, near: bool) -> None:
    values = {g: [level + 0.001 * s + 0.0003 * (g == "b") * s for s in range(3)] for g in "ab"}
    said = from_frame(table(values, metric="val_accuracy"), metric="val_accuracy").doubts
    assert [s.startswith("val_accuracy comes near the end of its range") for s in said] == [
        True
    ] * near


def test_seeds_that_shift_every_ratio_alike_leave_no_noise_to_measure() -> None:
    rows = [
        {"reduction": r, "seed": s, "val_loss": 1 + r**2 / 2**12 + s / 2**5}
        for r in (2, 4, 8, 16)
        for s in range(4)
    ]
    fit = fit_reduction(from_frame(pd.DataFrame(rows)))
    assert fit.status == "no_noise"
    assert len(fit.argmin_set) == 4


def test_where_a_run_was_is_no_factor_unless_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    rows = [
        f"{g},{s},{1 + s * s / 100 + 0.1 * (g == 'b')},{(s + (g == 'b')) % 2},n{s % 2}"
        for s in range(4)
        for g in "ab"
    ]
    path.write_text("gate,seed,val_loss,gpu,host\n" + "\n".join(rows) + "\n", "utf-8")
    table = read_csv(path)
    assert table.factors == ["gate"]
    assert table.read_as == (
        "Read: val_loss (smaller is better, by its name); factors: gate; `gpu` and `host` as where or when a run was, "
        "not as a factor (name the factors with --factors if it is one)."
    )
    assert read_csv(path, factors=["gate", "host"]).factors == ["gate", "host"]


def test_what_was_decided_of_a_table_is_said(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    rows = [f"{h},{s},{1 + h / 64 + s * s / 100}" for s in range(4) for h in (64, 128)]
    path.write_text("hidden,seed,dice\n" + "\n".join(rows) + "\n", "utf-8")
    assert read_csv(path, metric="dice").read_as == (
        "Read: dice (larger is better, by its name); factors: none; `hidden` is read as the attention's hidden "
        "widths, not as a factor (name the factors with --factors if it is one)."
    )
    named = read_csv(path, metric="dice", factors=["hidden"])
    assert named.factors == ["factors.hidden"]
    assert cells_of(named).labels == ["hidden=64", "hidden=128"]
