"""What each of the processes that train a run together has of its own, gathered into one checkpoint and given back."""

from typing import Any, TypeVar

import lightning.pytorch as pl
import torch.distributed

from ablations.errors import SettingError

_T = TypeVar("_T")


def of_all_ranks(trainer: pl.Trainer, mine: _T) -> list[_T]:
    """Every process's, by rank; all of them must ask."""
    if trainer.world_size == 1:
        return [mine]
    each: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(each, mine)
    return each


def of_this_rank(trainer: pl.Trainer, each: list[_T]) -> _T:
    """This process's of what a checkpoint within an epoch holds.

    Raises:
        SettingError: If other numbers of processes wrote it: each has sums of its own shares of the batches.
    """
    if len(each) != trainer.world_size:
        raise SettingError(
            f"a run that was interrupted within an epoch goes on with as many processes as it had, {len(each)}, but "
            f"has {trainer.world_size} now. Give it as many GPUs as before, or remove its checkpoint.ckpt to train it "
            "from its beginning."
        )
    return each[trainer.global_rank]
