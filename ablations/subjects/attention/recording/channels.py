"""The file `channels.json`: of each channel its mean gate by class, its gradient, its usefulness; and the drops.

Numbers have four digits, which keeps a channel at about 7 bytes for each class.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.recording.lines import UNLABELLED, by_class
from ablations.subjects.attention.recording.looking import gates_of
from ablations.subjects.attention.recording.watching import Network
from ablations.subjects.attention.recording.worth import drops, usefulness

FILE = "channels.json"
MOST_CLASSES = 20
"""Whose gates are recorded channel by channel; of more, evenly spread ones."""
BUDGET = 0.25
"""Examples that pass the network for the usefulness, of those that a run trains on ..."""
LEAST_BUDGET = 8192
"""... or so many, where that is more."""


def record_channels(
    network: Network,
    examples: Examples,
    path: Path,
    *,
    trained: int,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Write the file of a classifier; nothing where no block has a gate.

    Args:
        network: From x (and a mask) to logits.
        examples: Validation examples with labels.
        path: The file.
        trained: Examples that the run trained on, all epochs together.
        beat: Called after each pass.
    """
    looks = gates_of(network, examples)
    if not looks:
        return
    beat()
    blocks = {look.name: look.block for look in looks}
    worth = usefulness(
        network,
        examples,
        {look.name: look.g_nc.shape[1] for look in looks},
        blocks,
        budget=max(LEAST_BUDGET, int(BUDGET * trained)),
        beat=beat,
    )
    # A gate of -1 lets as much through as one of 1.
    opened = {look.name: look.g_nc.abs().mean(0) for look in looks}
    dropped = drops(network, examples, opened, blocks, beat=beat)
    write(
        path,
        examples=len(examples),
        blocks=[
            {
                **gates_by_class(look.name, look.g_nc, examples.y),
                "gradient": short(look.gradient_nc.mean(0)),
                "gradient_sign": short(look.gradient_nc.sign().mean(0)),
                "usefulness": short(worth[look.name].mean_c),
                "error": short(worth[look.name].error_c),
            }
            for look in looks
        ],
        drops=[asdict(drop) for drop in dropped],
    )


def gates_by_class(name: str, g_nc: Tensor, y_n: Tensor | None) -> dict[str, Any]:
    """A block's mean gates, all examples together and class by class."""
    classes = by_class(g_nc, y_n)
    labels = list(classes)
    if len(labels) > MOST_CLASSES:
        spread = torch.linspace(0, len(labels) - 1, MOST_CLASSES).round()
        labels = [labels[int(i)] for i in spread]
    means = {UNLABELLED: g_nc.mean(0)} | {label: classes[label].mean(0) for label in labels}
    return {"block": name, "gate": {label: short(g_c) for label, g_c in means.items()}}


def write(
    path: Path,
    *,
    examples: int,
    blocks: Sequence[dict[str, Any]],
    drops: Sequence[dict[str, Any]] = (),
    missing: str = "",
) -> None:
    """The file; `missing` says why there are gates alone, where it is so."""
    content = {"examples": examples, "blocks": blocks, "drops": drops, "missing": missing}
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def short(x_c: Tensor) -> list[float | None]:
    """Four significant digits; None where there is no number."""
    return [float(f"{x:.4g}") if math.isfinite(x) else None for x in x_c.tolist()]
