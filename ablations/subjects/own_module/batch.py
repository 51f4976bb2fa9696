"""One batch of the user's own data, and how it passes through their module, without a Trainer."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.combined_loader import CombinedLoader
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.data import DataLoader

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.randomness import seed_all, states_kept
from ablations.streams import stream_seed
from ablations.subjects.lightning.fit import Loaders
from ablations.subjects.lightning.trainer import without_notes

FEW = 2
"""Examples that are passed: a shuffled gate needs another one."""


def step_of(module: pl.LightningModule) -> str:
    """The step that a batch passes by: validation where the module has it, since it changes nothing."""
    return "validation_step" if is_overridden("validation_step", module) else "training_step"


def first_batch(module: pl.LightningModule, data: Any, *, step: str) -> Any:
    """The first batch that the step would get, cut to a few examples where all its tensors have as many.

    The data are prepared and set up as a Trainer does it, and read in this process, whatever the loader's
    workers. The shared random states stay as they are.

    Raises:
        SettingError: If there is none.
    """
    kind = "val" if step == "validation_step" else "train"
    with states_kept(), unheard():
        seed_all(stream_seed(0, "example"))
        return few(_transformed(next(batches(module, data, kind=kind)), module, data))


def batches(module: pl.LightningModule, data: Any, *, kind: str) -> Iterator[Any]:
    """The batches of the loader to train or to validate with, read in this process.

    Args:
        module: The user's.
        data: Their DataModule, or their loaders; None where the module has them.
        kind: `train` or `val`.

    Raises:
        SettingError: If there is none, or making it fails.
    """
    owner = data if data is None or isinstance(data, pl.LightningDataModule) else Loaders(data)
    hook = f"{kind}_dataloader"
    theirs = owner is not None and is_overridden(hook, owner, pl.LightningDataModule)
    source = owner if theirs else module
    name = type(source if data is None or theirs else data).__name__
    if owner is not None:
        _prepare(owner)
    try:
        loaders = tree_map(_read_here, getattr(source, hook)())
        if kind == "val" and isinstance(loaders, list | tuple):
            loaders = loaders[0]
        combined = CombinedLoader(loaders, "max_size_cycle" if kind == "train" else "sequential")
        found = (batch for batch, _, _ in iter(combined))
        first = next(found, None)
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(f"`{name}.{hook}` gives no batch: {words_of(error)}.") from error
    if first is None:
        raise SettingError(f"`{name}.{hook}` gives no batch: its data are empty.")
    yield first
    yield from found


def _prepare(data: pl.LightningDataModule) -> None:
    for hook, arguments in {"prepare_data": (), "setup": ("fit",)}.items():
        try:
            getattr(data, hook)(*arguments)
        except SettingError:
            raise
        except Exception as error:
            raise SettingError(
                f"`{type(data).__name__}.{hook}` fails: {words_of(error)}."
            ) from error


def passed(module: pl.LightningModule, batch: Any, *, step: str) -> Any:
    """What the step gives for the batch.

    Raises:
        SettingError: If it fails without a Trainer.
    """
    takes = inspect.signature(getattr(module, step)).parameters
    given = (batch, 0, 0)[: len(takes)]
    try:
        with unheard(), torch.no_grad():
            return getattr(module, step)(*given)
    except Exception as error:
        raise SettingError(
            f"a batch of the data must pass through `{type(module).__name__}.{step}` without a Trainer, but that "
            f"fails: {words_of(error)}. Name a function that passes it: "
            "`attach: {at: ..., forward: package.module:name}`, called with the module and the batch."
        ) from error


def few(batch: Any) -> Any:
    """The batch with its first examples only, where every tensor in it has one row for each example."""
    tensors = [leaf for leaf in tree_leaves(batch) if isinstance(leaf, Tensor)]
    rows = {leaf.shape[0] if leaf.dim() else 0 for leaf in tensors}
    if len(rows) != 1 or len(tensors) != len(tree_leaves(batch)):
        return batch
    return tree_map(lambda leaf: leaf[:FEW], batch)


def examples_in(batch: Any) -> int | None:
    """How many examples a batch has, by the rows of its first tensor; None where it has none."""
    leaf = next((x for x in tree_leaves(batch) if isinstance(x, Tensor) and x.dim()), None)
    return None if leaf is None else int(leaf.shape[0])


@contextmanager
def unheard() -> Iterator[None]:
    """Without Lightning's notes on loaders, and on `self.log` where no Trainer listens."""
    with without_notes(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read_here(loader: Any) -> Any:
    """A copy of a loader that starts no processes; any other iterable as it is."""
    if not isinstance(loader, DataLoader) or loader.num_workers == 0:
        return loader
    mine = copy(loader)
    mine._iterator = None
    mine.num_workers, mine.prefetch_factor, mine.timeout = 0, None, 0
    vars(mine)["persistent_workers"] = False  # the loader itself refuses to be changed
    return mine


def _transformed(batch: Any, module: pl.LightningModule, data: Any) -> Any:
    """The batch after the hooks that a Trainer calls around its way to the device."""
    for hook in ("on_before_batch_transfer", "on_after_batch_transfer"):
        of_data = isinstance(data, pl.LightningDataModule) and is_overridden(
            hook, data, pl.LightningDataModule
        )
        batch = getattr(data if of_data else module, hook)(batch, 0)
    return batch
