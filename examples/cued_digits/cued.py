"""Two digits side by side in depth, and a cue that says which of them counts."""

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

CHOICES = 8


def load(data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Images of 8 digits, one in each channel, and of 8 cues; the label is the digit of the channel that is cued.

    The cue is one of 8 faint channels that is a little brighter everywhere: to be seen in the mean of the map,
    and acted on in other channels.
    """
    random = np.random.default_rng(0)
    digits, labels = load_digits(return_X_y=True)
    digits = digits.reshape(-1, 8, 8) / 16
    n = 3000
    drawn = random.integers(len(digits), size=(n, CHOICES))
    cue = random.integers(CHOICES, size=n)
    cues = random.normal(0, 1, size=(n, CHOICES, 8, 8))
    cues[np.arange(n), cue] += 1
    x = np.concatenate([digits[drawn], cues], axis=1)
    return x.astype(np.float32), labels[drawn[np.arange(n), cue]]
