"""Data of a few images, so that an epoch is six steps of five."""

from typing import Any

import numpy as np


def images(data: Any) -> tuple[Any, Any]:
    """Noise in two classes, 20 images of 8x8 in each."""
    del data
    x = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    return x, np.arange(40) % 2
