"""Whether a metric is to be made small or large, from its name."""

import itertools
import re
from typing import Literal, get_args

from analysis.errors import TableError

Direction = Literal["minimize", "maximize"]
LARGE = frozenset((
    "accuracy", "acc", "auc", "auroc", "auprc", "ap", "map", "mar", "f1", "fbeta", "dice", "iou", "miou",
    "giou", "jaccard", "precision", "recall", "sensitivity", "specificity", "r2", "psnr", "ssim", "msssim",
    "sdr", "sisdr", "snr", "pesq", "stoi", "mos", "bleu", "rouge", "meteor", "cider", "spice", "chrf", "score",
    "exactmatch", "ndcg", "mrr", "hits", "hit", "map50", "map75", "map5095", "kappa", "mcc", "spearman",
    "pearson", "kendall", "correlation", "reward", "return", "success", "winrate", "elo", "throughput",
    "likelihood", "loglikelihood", "elbo", "pck", "pcp", "ari", "nmi", "homogeneity", "completeness",
    "silhouette", "uplift",
))  # fmt: skip
"""Words of larger-is-better names."""
SMALL = frozenset((
    "loss", "error", "err", "mse", "rmse", "mae", "mape", "smape", "nrmse", "rmsle", "nll", "ce", "bce", "xent",
    "crossentropy", "entropy", "perplexity", "ppl", "bpc", "bpb", "wer", "cer", "eer", "fid", "kid", "lpips",
    "brier", "ece", "mce", "hinge", "huber", "regret", "risk", "cost", "distance", "dist", "deviation",
    "divergence", "kl", "seconds", "time", "latency", "runtime", "duration", "memory", "flops", "macs",
    "params", "parameters", "energy", "misclassification", "fpr", "fnr", "hausdorff", "hd95", "assd",
    "violation", "penalty", "residual",
))  # fmt: skip
"""Words of smaller-is-better names; they win: `accuracy_error` and `f1_loss` are to be made small."""
NEGATED = frozenset(("neg", "negative", "minus", "inverse"))
"""Words that turn a name round, or not: nobody knows."""
WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


def direction_named(metric: str) -> Direction | None:
    """The direction that a metric's name says; None where it says none.

    The name is taken apart into its words (`val_mAP`, `test/top1-acc`, `diceScore`).
    """
    words = _words(metric)
    if words & NEGATED:
        return None
    if words & SMALL:
        return "minimize"
    large = words & LARGE or any(word.endswith(("accuracy", "acc")) for word in words)
    return "maximize" if large else None


def direction_of(metric: str, given: str | None = None) -> Direction:
    """The direction of a metric: the given one, else what its name says.

    Raises:
        TableError: If neither says it, or the given word is none.
    """
    if given is not None:
        for known in get_args(Direction):
            if given == known:
                return known  # type: ignore[no-any-return]
        raise TableError(f"`direction` must be minimize or maximize, but got {given!r}.")
    found = direction_named(metric)
    if found is None:
        raise TableError(
            f"whether `{metric}` is to be made small or large is not known from its name; say it with "
            "--direction minimize or --direction maximize (direction=... from Python)."
        )
    return found


def _words(metric: str) -> set[str]:
    """The words of a name in lower case, each as it is and without its number; neighbours also joined.

    `mAP50` is `map50`, `m` and `ap`; `log_likelihood` is `loglikelihood`, too.
    """
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", metric) if part]
    words = [word.lower() for part in parts for word in WORD.findall(part)]
    joined = [a + b for a, b in itertools.pairwise(words)]
    whole = [part.lower() for part in parts]
    found = {*words, *joined, *whole}
    return found | {word.rstrip("0123456789") for word in found} - {""}
