"""From a data set's content to its parts: standardised with the training examples' statistics."""

import numpy as np
import torch
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.subjects.attention.data.colours import Colours
from ablations.subjects.attention.data.examples import Examples, Split
from ablations.subjects.attention.data.parts import Chosen, Parts
from ablations.subjects.attention.data.sources.content import Content


def split_into(parts: Parts, content: Content, *, test: Content | None = None) -> Split:
    """The parts of the content, and a test set of its own where there is one.

    Raises:
        SettingError: If a channel cannot be standardised.
    """
    contents = [content] if test is None else [content, test]
    scaled, colours = _standardised(contents, parts.train)
    examples = [_examples(x, one) for x, one in zip(scaled, contents, strict=True)]
    train, val, drawn = (
        examples[0][torch.from_numpy(chosen)] for chosen in (parts.train, parts.val, parts.test)
    )
    return Split(
        train,
        val,
        classes=int(content.y.max()) + 1,
        test=examples[1] if test is not None else drawn if len(drawn) else None,
        colours=colours,
    )


def _examples(x: NDArray[np.float32], content: Content) -> Examples:
    mask = _mask(content)
    return Examples(
        torch.from_numpy(x),
        torch.from_numpy(content.y),
        None if mask is None else torch.from_numpy(mask),
    )


def _mask(content: Content) -> NDArray[np.bool_] | None:
    if content.lengths is None:
        return None
    mask: NDArray[np.bool_] = np.arange(content.x.shape[2]) < content.lengths[:, None]
    return mask


def _standardised(
    contents: list[Content], train: Chosen
) -> tuple[list[NDArray[np.float32]], Colours]:
    """Mean 0 and deviation 1 for each channel of the first content's training examples.

    Padded positions are 0 and do not count.
    """
    masks = [_mask(content) for content in contents]
    scaled = [np.empty(content.x.shape, dtype=np.float32) for content in contents]
    channels = []
    for channel in range(contents[0].x.shape[1]):
        # In float64, and one channel at a time, because that is twice the memory of what is read. Contiguous, so
        # that the order in memory changes no sum.
        columns = [np.ascontiguousarray(one.x[:, channel], dtype=np.float64) for one in contents]
        seen = columns[0][train]
        found = _Channel(seen if masks[0] is None else seen[masks[0][train]], channel)
        channels.append(found)
        for to, values, mask in zip(scaled, columns, masks, strict=True):
            with np.errstate(all="ignore"):  # what becomes infinite is told below
                to[:, channel] = found.standard(values, mask)
            if not np.isfinite(to[:, channel]).all():
                raise SettingError(
                    f"channel {channel} of the data must be finite at mean 0 and deviation 1, as float32, but some of "
                    "it is not: its numbers differ by more than float32 can hold. Take outliers out, or take "
                    "logarithms."
                )
    return scaled, _colours(channels)


class _Channel:
    """What is known of a channel's numbers in the training examples."""

    def __init__(self, seen: NDArray[np.float64], channel: int) -> None:
        self.low, self.high = float(seen.min()), float(seen.max())
        if self.high == self.low:
            raise SettingError(
                f"channel {channel} of the data has one value in all training examples, so it "
                "cannot be standardised; leave it out."
            )
        # Squares of 1e200 are infinite, and those of 1e-200 are 0.
        self.unit = np.abs(seen).max()
        self.mean, self.deviation = (seen / self.unit).mean(), (seen / self.unit).std()

    def standard(
        self, values: NDArray[np.float64], mask: NDArray[np.bool_] | None
    ) -> NDArray[np.float64]:
        standard: NDArray[np.float64] = (values / self.unit - self.mean) / self.deviation
        return standard if mask is None else np.where(mask, standard, 0)


def _colours(channels: list[_Channel]) -> Colours:
    low = min(0.0, *(one.low for one in channels))
    high = max(one.high for one in channels)
    with np.errstate(all="ignore"):  # of numbers near the largest that there are; no image has them
        whole = np.float64(high) - low
        return Colours(
            spread=torch.tensor([float(x.deviation * x.unit / whole) for x in channels]),
            middle=torch.tensor([float((x.mean * x.unit - low) / whole) for x in channels]),
        )
