"""Why an epoch that was interrupted has to be trained again from its beginning."""

import lightning.pytorch as pl
from lightning.pytorch.callbacks import LearningRateMonitor, ProgressBar
from lightning.pytorch.utilities.model_helpers import is_overridden

EPOCH_HOOKS = ("on_train_epoch_start", "on_train_epoch_end")
SHOWS = (LearningRateMonitor, ProgressBar)
"""Callbacks that have these hooks, and nothing of an epoch that its end would need."""


def why_again(trainer: pl.Trainer, *, watch: pl.Callback) -> str:
    """What of a module and its callbacks a checkpoint within an epoch would lack, a clause; empty where nothing.

    What is done as an epoch begins is not done again where one goes on, and what a hook at its end uses was gathered in
    attributes, if `on_save_checkpoint` or `state_dict` does not say otherwise.
    """
    module = trainer.lightning_module
    name = type(module).__name__
    if trainer.max_steps != -1:
        return "`trainer.max_steps` counts no epochs"
    if not module.automatic_optimization:
        return f"`{name}` steps its optimizers itself"
    if not is_overridden("on_save_checkpoint", module):
        for hook in (*EPOCH_HOOKS, "optimizer_zero_grad"):
            if is_overridden(hook, module):
                return f"`{name}` has `{hook}` without an `on_save_checkpoint`"
    present: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    for one in present:
        if one is watch or isinstance(one, SHOWS):
            continue
        kind, keeps = type(one).__name__, is_overridden("state_dict", one, pl.Callback)
        if is_overridden("on_train_epoch_start", one, pl.Callback):
            return f"the callback `{kind}` does something as an epoch begins"
        if is_overridden("on_train_epoch_end", one, pl.Callback) and not keeps:
            return f"the callback `{kind}` has `on_train_epoch_end` without a `state_dict`"
    return ""
