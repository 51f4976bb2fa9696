"""The gates of a module of the user's own, on batches of their validation data.

Where a batch is (x, y) with whole numbers y (N,), and the module's `forward`, or what passes a batch, gives
logits (N, K), everything is measured as in a classifier of the framework's, the loss being the cross-entropy. A module
whose `forward` gives something else of that form says `gives_logits = False`.
Otherwise the gates alone are recorded, as a batch passes: by class where there are labels, else by channel only.
"""

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.recording.channels import (
    FILE,
    gates_by_class,
    record_channels,
    write,
)
from ablations.subjects.attention.recording.lines import line
from ablations.subjects.attention.recording.looking import gates_of
from ablations.subjects.attention.recording.sample import MOST_EXAMPLES
from ablations.subjects.attention.recording.watching import (
    NO_GATES,
    Through,
    evaluating,
    gated_blocks,
    per_channel,
    watched,
)

NOT_MEASURED = "Gates are recorded by channel{classes}, but not their gradient and use: {why}"


def record_module(
    module: nn.Module,
    batches: Iterable[Any],
    folder: Path,
    *,
    passes: Callable[[nn.Module, Any], Any],
    epoch: int,
    trained: int,
    beat: Callable[[], None],
) -> None:
    """Write `gates.jsonl` and `channels.json` of a trained module; says in the run's log what it cannot record.

    Args:
        module: With its attention.
        batches: Of the validation data.
        folder: The attempt's.
        passes: How a batch passes through the module.
        epoch: The last one's number.
        trained: Examples that the run trained on, all epochs together.
        beat: Called after each pass.
    """
    blocks = gated_blocks(module)
    if not blocks:
        logging.getLogger(__name__).warning(NO_GATES)
        return
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    some = [_moved(batch, device) for batch in _first(batches)]
    examples, why = _examples(some)
    logits = None if examples is None else _logits(module, examples, passes)
    if examples is not None and logits is not None:
        network = Through(module, logits)
        record_channels(network, examples, folder / FILE, trained=trained, beat=beat)
        looks = gates_of(network, examples)
        lines = [
            line(k.name, k.block, k.g_nc, examples.y, gradient_norm=k.gradient_norm) for k in looks
        ]
    else:
        gates, y_n = _gates(module, some, passes, beat)
        classes = "" if y_n is None else " and class"
        missing = NOT_MEASURED.format(classes=classes, why=why)
        logging.getLogger(__name__).warning(missing)
        lines = [line(n, blocks[n], g_nc, y_n, gradient_norm=None) for n, g_nc in gates.items()]
        write(
            folder / FILE,
            examples=max(map(len, gates.values()), default=0),
            blocks=[gates_by_class(name, g_nc, y_n) for name, g_nc in gates.items()],
            missing=missing,
        )
    (folder / "gates.jsonl").write_text(
        "".join(json.dumps({"epoch": epoch, **one}) + "\n" for one in lines), encoding="utf-8"
    )


def labels_of(batch: Any) -> Tensor | None:
    """The second of a pair or more, where it is a whole number for each example of the first."""
    if not isinstance(batch, list | tuple) or len(batch) < 2:
        return None
    x, y = batch[:2]
    if not (isinstance(x, Tensor) and isinstance(y, Tensor)) or y.dim() != 1 or len(x) != len(y):
        return None
    return None if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool else y.long()


def _first(batches: Iterable[Any]) -> Iterable[Any]:
    """As many batches as have the most examples, or the first."""
    count = 0
    for batch in batches:
        yield batch
        count += next((len(x) for x in tree_leaves(batch) if isinstance(x, Tensor) and x.dim()), 1)
        if count >= MOST_EXAMPLES:
            return


def _moved(batch: Any, device: torch.device) -> Any:
    return tree_map(lambda leaf: leaf.to(device) if isinstance(leaf, Tensor) else leaf, batch)


def _examples(batches: list[Any]) -> tuple[Examples | None, str]:
    """Labelled examples of one size, or why there are none; and what is missing where no logits are found for them."""
    labels = [labels_of(batch) for batch in batches]
    if any(y is None or len(batch) > 2 for y, batch in zip(labels, batches, strict=True)):
        return None, "a batch is not (x, y) with a whole number y for each example."
    found = [y for y in labels if y is not None]
    if len({batch[0].shape[1:] for batch in batches}) > 1:
        return None, "the examples of one batch and of another differ in size."
    examples = Examples(torch.cat([batch[0] for batch in batches]), torch.cat(found))
    return examples[:MOST_EXAMPLES], (
        "neither the module's forward nor the function that passes a batch gives a logit for each class. Write "
        "`forward(self, x)` so, or name a function of the module and a batch that does: "
        "`attach: {forward: package.module:name}`."
    )


def _logits(
    module: nn.Module, examples: Examples, passes: Callable[[nn.Module, Any], Any]
) -> Callable[[Tensor], Tensor] | None:
    """From x to logits of all classes: the module's forward, or the way that batches pass; None where neither does."""

    def as_batches_pass(x: Tensor) -> Tensor:
        found: Tensor = passes(module, (x, torch.zeros_like(examples.y[: len(x)])))
        return found

    # An embedding has the form of logits; who gives some says so.
    is_forward = getattr(module, "gives_logits", True)
    for way in (module, as_batches_pass) if is_forward else (as_batches_pass,):
        try:
            with evaluating(module), torch.no_grad():
                logits = way(examples.x[:2])
        except Exception:
            continue
        fits = isinstance(logits, Tensor) and logits.dim() == 2 and logits.is_floating_point()
        if fits and 0 <= int(examples.y.min()) <= int(examples.y.max()) < logits.shape[1]:
            return way
    return None


def _gates(
    module: nn.Module,
    batches: list[Any],
    passes: Callable[[nn.Module, Any], Any],
    beat: Callable[[], None],
) -> tuple[dict[str, Tensor], Tensor | None]:
    """The gates of each block as the batches pass, and the classes where every batch has them."""
    blocks = gated_blocks(module)
    seen_n: dict[str, list[Tensor]] = {name: [] for name in blocks}
    with evaluating(module), torch.no_grad():
        for batch in batches:
            with watched(blocks) as seen:
                passes(module, batch)
            for name, g in seen.items():
                seen_n[name].append(per_channel(g))
            beat()
    gates = {name: torch.cat(found) for name, found in seen_n.items() if found}
    labels = [y for batch in batches if (y := labels_of(batch)) is not None]
    whole = len(labels) == len(batches) and all(
        len(g) == sum(map(len, labels)) for g in gates.values()
    )
    return gates, torch.cat(labels) if whole else None
