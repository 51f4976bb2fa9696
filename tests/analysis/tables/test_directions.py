import pandas as pd
import pytest

from analysis.effects.effects import estimate_effects
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


LARGE = (
    "accuracy acc dice diceScore miou mIoU val_mIoU mean_iou map mAP mAP50 mAP@50 ap AP75 auc auroc AUPRC f1 "
    "f1_score r2 R2 psnr ssim bleu BLEU-4 rougeL rouge recall recall@5 precision ndcg ndcg@10 hits@10 mrr reward "
    "episode_return iou kappa mcc spearman pearson top5_accuracy jaccard sensitivity specificity log_likelihood "
    "throughput success_rate win_rate elo"
)


@pytest.mark.parametrize("name", LARGE.split())
def test_the_fields_larger_is_better_names_are_known(name: str) -> None:
    assert direction_of(name) == "maximize"


SMALL = "val_loss error top1_err f1_loss accuracy_error rmse accident_cost fid_score perplexity wer nll mae brier_score"


@pytest.mark.parametrize("name", SMALL.split())
def test_a_metric_whose_name_says_loss_or_error_is_to_be_made_small(name: str) -> None:
    assert direction_of(name) == "minimize"


@pytest.mark.parametrize("name", ["quality", "foo", "neg_log_likelihood", "y", "negative_mse"])
def test_what_is_not_known_is_asked_for(name: str) -> None:
    with pytest.raises(
        TableError, match=f"whether `{name}` is to be made small or large is not known"
    ):
        direction_of(name)
    assert direction_of(name, "maximize") == "maximize"
    with pytest.raises(TableError, match="`direction` must be minimize or maximize, but got 'up'"):
        direction_of(name, "up")


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
    found = estimate_effects(from_frame(pd.DataFrame(rows), metric="val_accuracy"))
    assert sentences(found)[0].startswith("gate=b matters: it lowers val_accuracy, -0.10")
