"""From a data set's content to its parts: standardised with the training examples' statistics."""

import numpy as np
import torch
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.subjects.attention.data.examples import Examples, Labelled, Split
from ablations.subjects.attention.data.parts import Chosen, Parts
from ablations.subjects.attention.data.sources.content import Content
from ablations.subjects.attention.data.standard import Channel, colours
from ablations.subjects.attention.data.stored.stored import Stored
from ablations.subjects.attention.data.streamed import channels_of_stored, examples_of_stored

AT_A_TIME = 1000
"""Examples."""


def split_into(
    parts: Parts, content: Content | Stored, *, test: Content | Stored | None = None
) -> Split:
    """The parts of the content, and a test set of its own where there is one.

    Raises:
        SettingError: If a channel cannot be standardised.
    """
    channels = _channels(content, parts.train)
    train, val, drawn = (
        _examples(content, chosen, channels) for chosen in (parts.train, parts.val, parts.test)
    )
    if test is not None:
        drawn = _examples(test, np.ones(len(test.y), dtype=bool), channels)
    return Split(
        train,
        val,
        classes=int(content.y.max()) + 1,
        test=drawn if len(drawn) else None,
        colours=colours(channels),
    )


def _channels(content: Content | Stored, train: Chosen) -> list[Channel]:
    if isinstance(content, Stored):
        return channels_of_stored(content, train)
    mask = _mask(content)
    inside = None if mask is None else mask[train]
    found = []
    for number in range(content.x.shape[1]):
        # Contiguous, so that the order in memory changes no sum.
        values = np.ascontiguousarray(content.x[train, number], dtype=np.float64)
        found.append(Channel.of(values if inside is None else values[inside], number))
    return found


def _examples(content: Content | Stored, chosen: Chosen, channels: list[Channel]) -> Labelled:
    if isinstance(content, Stored):
        return examples_of_stored(content, chosen, channels)
    mask = _mask(content)
    mask = None if mask is None else mask[chosen]
    x = _standardised(content.x[chosen], mask, channels)
    y = torch.from_numpy(content.y[chosen])
    return Examples(torch.from_numpy(x), y, None if mask is None else torch.from_numpy(mask))


def _mask(content: Content) -> NDArray[np.bool_] | None:
    if content.lengths is None:
        return None
    mask: NDArray[np.bool_] = np.arange(content.x.shape[2]) < content.lengths[:, None]
    return mask


def _standardised(
    x: NDArray[np.float32] | NDArray[np.float64],
    mask: NDArray[np.bool_] | None,
    channels: list[Channel],
) -> NDArray[np.float32]:
    """Each channel by its own numbers; padded positions are 0."""
    scaled = np.empty(x.shape, dtype=np.float32)
    for number, channel in enumerate(channels):
        # In float64, and some examples of one channel at a time, because that is twice the memory of what is read.
        for first in range(0, len(x), AT_A_TIME):
            some = slice(first, first + AT_A_TIME)
            with np.errstate(all="ignore"):  # what becomes infinite is told below
                standard = channel.standard(x[some, number].astype(np.float64))
                scaled[some, number] = (
                    standard if mask is None else np.where(mask[some], standard, 0)
                )
        if not np.isfinite(scaled[:, number]).all():
            raise SettingError(
                f"channel {number} of the data must be finite at mean 0 and deviation 1, as float32, but some of "
                "it is not: its numbers differ by more than float32 can hold. Take outliers out, or take logarithms."
            )
    return scaled
