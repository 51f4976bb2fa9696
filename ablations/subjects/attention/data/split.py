"""From a data set's content to its two parts: split by class, standardised."""

import numpy as np
import torch
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.subjects.attention.data.examples import Examples, Split
from ablations.subjects.attention.data.sources.content import Content, Labels, Values


def split_by_class(content: Content, *, val_fraction: float, seed: int) -> Split:
    """The share of each class that the seed draws validates, the others train.

    Raises:
        SettingError: If a class is too small to be split, or a channel cannot be standardised.
    """
    held_out = _stratified(content.y, share=val_fraction, seed=seed)
    mask = _mask(content)
    x, y = torch.from_numpy(_standardised(content.x, mask, ~held_out)), torch.from_numpy(content.y)
    examples = Examples(x, y, None if mask is None else torch.from_numpy(mask))
    keep, out = torch.from_numpy(~held_out), torch.from_numpy(held_out)
    return Split(examples[keep], examples[out], classes=int(y.max()) + 1)


def _mask(content: Content) -> NDArray[np.bool_] | None:
    if content.lengths is None:
        return None
    mask: NDArray[np.bool_] = np.arange(content.x.shape[2]) < content.lengths[:, None]
    return mask


def _standardised(
    x: Values, mask: NDArray[np.bool_] | None, train: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Mean 0 and deviation 1 for each channel of the training examples; padded positions are 0 and do not count."""
    scaled = np.empty(x.shape, dtype=np.float32)
    for channel in range(x.shape[1]):
        # In float64, and one channel at a time, because that is twice the memory of what is read. Contiguous, so
        # that the order in memory changes no sum.
        values = np.ascontiguousarray(x[:, channel], dtype=np.float64)
        with np.errstate(all="ignore"):  # what becomes infinite is told below
            scaled[:, channel] = _standard(values, mask, train, channel=channel)
        if not np.isfinite(scaled[:, channel]).all():
            raise SettingError(
                f"channel {channel} of the data must be finite at mean 0 and deviation 1, as float32, but some of "
                "it is not: its numbers differ by more than float32 can hold. Take outliers out, or take logarithms."
            )
    return scaled


def _standard(
    values: NDArray[np.float64],
    mask: NDArray[np.bool_] | None,
    train: NDArray[np.bool_],
    *,
    channel: int,
) -> NDArray[np.float64]:
    seen = values[train] if mask is None else values[train][mask[train]]
    if seen.max() == seen.min():
        raise SettingError(
            f"channel {channel} of the data has one value in all training examples, so it "
            "cannot be standardised; leave it out."
        )
    # Squares of 1e200 are infinite, and those of 1e-200 are 0.
    unit = np.abs(seen).max()
    mean = (seen / unit).mean()
    standard: NDArray[np.float64] = (values / unit - mean) / (seen / unit).std()
    return standard if mask is None else np.where(mask, standard, 0)


def _stratified(labels: Labels, *, share: float, seed: int) -> NDArray[np.bool_]:
    """True for the held-out examples: `share` of each class, rounded to the nearest whole example."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = round(share * len(members))
        if not 0 < count < len(members):
            raise SettingError(
                f"`val_fraction` must leave examples of class {label} on both sides, but "
                f"{share:g} of {len(members)} leaves {count} to validate; choose another share."
            )
        held_out[members[:count]] = True
    return held_out
