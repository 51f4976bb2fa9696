from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.effects.effects import estimate_effects
from analysis.effects.effects_words import sentences
from analysis.errors import TableError
from analysis.tables.csv_table import read_csv
from analysis.tradeoff.tradeoff import fit_reduction
from analysis.tradeoff.tradeoff_words import sentences as fit_sentences

Make = Callable[..., Path]
RATIO = "attention.reduction"


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_of_three_columns_is_enough(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "reduction,seed,val_loss\n2,0,1.0\n4,0,1.1\n"))
    assert table.frame[RATIO].tolist() == [2, 4]
    assert table.factors == [RATIO]
    assert table.column("reduction") == RATIO
    assert len(table.complete()) == 2


def test_columns_that_are_ids_are_no_factors(tmp_path: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]},{i // 2},run{i},0.{i}\n" for i in range(8))
    table = read_csv(csv(tmp_path, "gate,seed,name_of_run,val_loss\n" + rows))
    assert table.factors == ["gate"]


def test_with_one_seed_the_column_that_tells_the_runs_apart_is_the_factor(tmp_path: Path) -> None:
    rows = "sigmoid,0,1.0\ntanh,0,1.2\nhard,0,0.9\n"
    table = read_csv(csv(tmp_path, "gate,seed,val_loss\n" + rows))
    assert table.factors == ["gate"]
    found = estimate_effects(table)
    assert found.frame["estimate"].tolist() == pytest.approx([0.2, -0.1])
    assert (
        sentences(found)[0]
        == "gate=tanh: +0.200, no verdict: one run per arm; at least 2 seeds are needed."
    )


def test_with_one_seed_changed_one_at_a_time_each_column_is_a_factor_and_an_id_is_none(
    tmp_path: Path,
) -> None:
    rows = "a,1,run1,0,1.0\nb,1,run2,0,1.2\na,2,run3,0,1.4\n"
    table = read_csv(csv(tmp_path, "gate,depth,name,seed,val_loss\n" + rows))
    assert table.factors == ["gate", "depth"]
    assert estimate_effects(table).frame["label"].tolist() == ["gate=b", "depth=2"]


def test_a_level_of_which_runs_are_missing_is_still_a_level(tmp_path: Path) -> None:
    rows = "a,0,1.0\nb,0,1.1\nc,0,1.2\nd,0,1.3\na,1,1.0\nb,1,1.1\nc,1,1.2\n"
    assert read_csv(csv(tmp_path, "gate,seed,val_loss\n" + rows)).factors == ["gate"]


def test_a_run_that_is_there_twice_is_told_with_one_seed_too(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "gate,seed,val_loss\na,0,1.0\na,0,1.1\nb,0,1.2\n"))
    with pytest.raises(TableError, match="rows 2, 3 are all gate=a, seed=0"):
        table.complete()


def test_a_baseline_of_a_csv_is_found_by_number_and_name(tmp_path: Path) -> None:
    path = csv(tmp_path, "reduction,seed,val_loss\n2,0,1\n4,0,1\n2,1,1\n4,1,1\n")
    assert read_csv(path, baseline={"reduction": "4"}).baseline == {RATIO: 4.0}
    with pytest.raises(TableError, match=r"`reduction` never is '5' in the table; its levels are"):
        read_csv(path, baseline={"reduction": "5"})
    with pytest.raises(TableError, match=r"`gate` is no factor of the table; its factors are"):
        read_csv(path, baseline={"gate": "x"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reduction,seed\n2,0\n", "the table lacks the column `val_loss`; it has reduction, seed"),
        ("reduction,seed,val_loss\n2,0,1\n4,0,good\n", "`val_loss` must be a number, but row 3 has 'good'"),
        ("reduction,seed,val_loss\nbig,0,1\n", "must be a number, but row 2 has 'big'"),
        ("reduction,seed,val_loss,metric\n2,0,1,val_loss\n4,0,1,error\n",
         "`metric` must be one and the same, but row 2 has 'val_loss' and row 3 has 'error'"),
        ("reduction,r,val_loss\n2,2,1\n", "the table has the column `attention.reduction` twice"),
        ("reduction,seed,val_loss,hidden\n2,0,1,many\n", "`hidden` must be a list like"),
        (
            'reduction,seed,val_loss,hidden,channels\n2,0,1,"[8, 4]","[16]"\n',
            "one width for each of `channels`, but row 2 has 2 for 1",
        ),
        ("", r"is not a CSV table: it is empty\. What is read: a CSV file"),
        ("seed,val_loss\n0,1\n1,2,3\n", "is not a CSV table: line 3 has 3 cells, but the header has 2"),
    ],
)  # fmt: skip
def test_a_bad_csv_is_told_by_column_and_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_csv(csv(tmp_path, text))


def test_a_run_without_the_ratio_that_others_have_is_told_by_row(tmp_path: Path) -> None:
    path = csv(tmp_path, "reduction,seed,val_loss\n2,0,1\n4,0,1\n2,1,1\n,1,1\n")
    with pytest.raises(
        TableError,
        match=r"`reduction` must be given for every run, but row 5 has none\. Fill it in; a control",
    ):
        read_csv(path)
    failed = csv(tmp_path, "reduction,seed,val_loss,state\n2,0,1,done\n4,0,1,done\n,1,,failed\n")
    assert len(read_csv(failed).complete()) == 2


@pytest.mark.parametrize(
    ("column", "with_ratio", "without"),
    [("placement", "standard", "none"), ("label", "", "no attention"), ("arm", "a", "b"),
     ("attention", "se", "off")],
)  # fmt: skip
def test_a_control_says_that_it_has_no_ratio(
    tmp_path: Path, column: str, with_ratio: str, without: str
) -> None:
    rows = "".join(
        f"2,{s},{1 + s / 100},{with_ratio}\n4,{s},{1.1 + s / 100},{with_ratio}2\n,{s},{1.5 + s / 50},{without}\n"
        for s in range(3)
    )
    rows = rows.replace("standard2", "standard").replace("se2", "se").replace(",2\n", ",\n")
    table = read_csv(csv(tmp_path, f"reduction,seed,val_loss,{column}\n{rows}"))
    fit = fit_reduction(table)
    assert fit.excluded == {"no ratio (control arm)": 3}
    assert any("val_loss +" in line for line in fit_sentences(fit))


def test_the_page_export_of_wandb_is_recognised(tmp_path: Path) -> None:
    text = "Name,State,ID,seed,gate,epochs,val_loss\n" + "".join(
        f"run{i},finished,id{i},{i // 2},{'ab'[i % 2]},3,0.{i + 1}\n" for i in range(6)
    )
    table = read_csv(csv(tmp_path, text), factors=["gate"])
    assert table.factors == ["gate"]
    assert table.frame["state"].unique().tolist() == ["COMPLETE"]
