import pandas as pd
import pytest

from analysis.effects.effects import effects
from analysis.effects.effects_words import sentences
from analysis.errors import TableError
from analysis.tables.csv_table import from_frame
from analysis.tables.directions import direction_of
from analysis.tradeoff.tradeoff import fit_reduction


@pytest.mark.parametrize(
    "name",
    ["val_accuracy", "val_acc", "Accuracy", "valAcc", "top1_acc", "acc@1", "acc_top5", "test/auc", "F1"],
)  # fmt: skip
def test_a_metric_whose_name_says_accuracy_is_to_be_made_large(name: str) -> None:
    assert direction_of(name) == "maximize"


@pytest.mark.parametrize(
    "name", ["val_loss", "error", "top1_err", "f1_loss", "accuracy_error", "rmse", "accident_cost"]
)
def test_any_other_metric_is_to_be_made_small(name: str) -> None:
    assert direction_of(name) == "minimize"


def test_a_trade_off_of_an_accuracy_is_refused_for_a_table_too() -> None:
    rows = [
        {"reduction": r, "seed": s, "val_accuracy": 0.9 - 1e-4 * r**2 + 0.001 * s}
        for s in range(4)
        for r in (2, 4, 8, 16)
    ]
    table = from_frame(pd.DataFrame(rows), metric="val_accuracy")
    with pytest.raises(
        TableError,
        match=r"needs a metric that is minimised, but val_accuracy is maximised; use the loss or the error",
    ):
        fit_reduction(table)


def test_effects_on_an_accuracy_say_which_way_it_goes() -> None:
    rows = [
        {
            "gate": g,
            "seed": s,
            "val_accuracy": 0.9 - 0.1 * (g == "b") + 0.001 * s * (1 + (g == "a")),
        }
        for s in range(4)
        for g in "ab"
    ]
    found = effects(from_frame(pd.DataFrame(rows), metric="val_accuracy"))
    assert sentences(found)[0].startswith("gate=b matters: it lowers val_accuracy, -0.10")
