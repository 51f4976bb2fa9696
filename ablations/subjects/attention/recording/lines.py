"""The lines of `gates.jsonl`: of each block the distribution of its gates by class, variance, saturation, gradient.

The questions are those of the SENet paper, section 7.2 (arXiv 1709.01507): are the gates specific to the
class, and do they saturate? Notation: g_nc, gates of shape (examples, channels).
"""

from typing import Any

import torch
from torch import Tensor

from ablations.subjects.attention.recording.looking import variances
from ablations.subjects.attention.recording.watching import Gated, gate_range

BINS = 20
SATURATED = 0.05
"""Of the gate's range, from either end."""
UNLABELLED = "all"
"""Instead of classes, where the examples have none."""


def line(
    name: str, block: Gated, g_nc: Tensor, y_n: Tensor | None, *, gradient_norm: float | None
) -> dict[str, Any]:
    """What is recorded of one block.

    Args:
        name: Its place.
        block: The block.
        g_nc: Its gates.
        y_n: Class of each example; None where they have none.
        gradient_norm: Of the loss at the gates, if it was computed.
    """
    low, high = gate_range(block)
    edge = SATURATED * (high - low)
    between, within = (None, None) if y_n is None else variances(g_nc, y_n)
    return {
        "block": name,
        "stage": f"{g_nc.shape[1]} channels",
        "low": low,
        "high": high,
        "counts": {
            label: _counts(g, low=low, high=high) for label, g in by_class(g_nc, y_n).items()
        },
        "mean": float(g_nc.mean()),
        "between": between,
        "within": within,
        "saturated_low": float((g_nc < low + edge).float().mean()),
        "saturated_high": float((g_nc > high - edge).float().mean()),
        "above_one": float((g_nc > 1).float().mean()) if high > 1 else None,
        "gradient_norm": gradient_norm,
    }


def by_class(g_nc: Tensor, y_n: Tensor | None) -> dict[str, Tensor]:
    """The gates of each class's examples, or all together where the examples have none."""
    if y_n is None:
        return {UNLABELLED: g_nc}
    return {str(label): g_nc[y_n == label] for label in sorted(set(y_n.tolist()))}


def _counts(g: Tensor, *, low: float, high: float) -> list[int]:
    inside = g.clamp(low, high).float().cpu()
    return [int(n) for n in torch.histc(inside, BINS, low, high)]
