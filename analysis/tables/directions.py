"""Whether a metric is to be made small or large, from its name."""

import re

LARGE_IS_GOOD = frozenset(("auc", "auroc", "f1", "iou", "miou", "precision", "recall"))
"""Beside names whose word ends in `accuracy` or `acc`."""
SMALL_IS_GOOD = frozenset(("loss", "error", "err"))


def direction_of(metric: str) -> str:
    """`maximize` for an accuracy by any of its names (`val_accuracy`, `top1_acc`, `test/auc`), else `minimize`.

    A name that also says loss or error, such as `f1_loss`, is to be made small.
    """
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+\d*|[A-Z]+\d*", metric)}
    if words & SMALL_IS_GOOD:
        return "minimize"
    large = words & LARGE_IS_GOOD or any(
        word.rstrip("0123456789").endswith(("accuracy", "acc")) for word in words
    )
    return "maximize" if large else "minimize"
