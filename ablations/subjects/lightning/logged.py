"""What an epoch has logged so far, as plain values: Lightning's checkpoints leave it out."""

from collections.abc import Callable, Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.connectors.logger_connector.result import (
    _Metadata,
    _ResultMetric,
    _Sync,
)
from torch import Tensor
from torch.utils._pytree import tree_map
from torchmetrics import Metric, MetricCollection
from torchmetrics.wrappers.abstract import WrapperMetric

SAID = (
    "fx", "name", "prog_bar", "logger", "on_step", "on_epoch", "enable_graph", "add_dataloader_idx",
    "dataloader_idx", "metric_attribute",
)  # fmt: skip
"""What `self.log` was told, of plain values."""
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "mean": torch.mean, "sum": torch.sum, "min": torch.min, "max": torch.max,
    "builtin sum": sum, "builtin min": min, "builtin max": max,
}  # fmt: skip
SUMS = ("value", "cumulated_batch_size")


def logged_so_far(trainer: pl.Trainer) -> dict[str, Any]:
    """The sums behind each name that was logged in this epoch, and the states of the module's torchmetrics."""
    return {
        "results": {key: _plain(one) for key, one in _fresh(trainer)},
        "metrics": {
            name: {
                "states": {state: getattr(metric, state) for state in metric._defaults},
                "updates": metric._update_count,
            }
            for name, metric in _updated(trainer.lightning_module)
        },
    }


def log_on(trainer: pl.Trainer, found: dict[str, Any]) -> None:
    """Go on from such sums and states."""
    module = trainer.lightning_module
    for name, one in found["metrics"].items():
        metric: Any = module.get_submodule(name)
        for state, value in one["states"].items():
            setattr(metric, state, _on(module.device, value))
        metric._update_count, metric._computed = one["updates"], None
    results = trainer.fit_loop.epoch_loop._results
    results.clear()
    for key, one in found["results"].items():
        results[key] = _result(trainer, one)


def not_to_be_kept(trainer: pl.Trainer) -> str:
    """Why what was logged could not be put back; empty where it can."""
    for one in trainer.lightning_module.modules():
        # Members of a collection share states, and wrappers keep more than states.
        if isinstance(one, MetricCollection | WrapperMetric) and any(
            part._update_count for part in one.modules() if isinstance(part, Metric)
        ):
            return f"its `{type(one).__name__}` is no plain metric"
    if any(one.meta.sync.group is not None for _, one in _fresh(trainer)):
        return "it logs means over a part of its processes"
    return ""


def _fresh(trainer: pl.Trainer) -> Iterator[tuple[str, _ResultMetric]]:
    results = trainer.fit_loop.epoch_loop._results
    return ((key, one) for key, one in results.items() if not one.has_reset)


def _updated(module: pl.LightningModule) -> Iterator[tuple[str, Metric]]:
    return (
        (name, one)
        for name, one in module.named_modules()
        if isinstance(one, Metric) and one._update_count
    )


def _plain(result: _ResultMetric) -> dict[str, Any]:
    meta = result.meta
    return {
        "said": {name: getattr(meta, name) for name in SAID},
        "reduction": next(name for name, one in REDUCTIONS.items() if one is meta.reduce_fx),
        "sync": meta.sync.should,
        "rank_zero_only": meta.sync.rank_zero_only,
        "sums": {name: getattr(result, name) for name in SUMS if name in result._defaults},
        "step": result._forward_cache,
    }


def _result(trainer: pl.Trainer, found: dict[str, Any]) -> _ResultMetric:
    module = trainer.lightning_module
    meta = _Metadata(**found["said"], reduce_fx=REDUCTIONS[found["reduction"]])
    meta.sync = _Sync(
        fn=trainer.strategy.reduce, _should=found["sync"], rank_zero_only=found["rank_zero_only"]
    )
    result = _ResultMetric(meta, is_tensor=bool(found["sums"]))
    for name, value in found["sums"].items():
        setattr(result, name, _on(module.device, value))
    if not found["sums"]:
        assert meta.metric_attribute is not None
        result.value = module.get_submodule(meta.metric_attribute)
    result._forward_cache, result._update_count = _on(module.device, found["step"]), 1
    return result


def _on(device: torch.device, value: Any) -> Any:
    return tree_map(lambda one: one.to(device) if isinstance(one, Tensor) else one, value)
