"""Identities made of scikit-learn's bundled digits: ten classes, or every image an identity of its own."""

import torch
from torch import Tensor

from ablations.errors import SettingError
from ablations.streams import generator
from ablations.subjects.attention.data.sources.digits import digits
from ablations.subjects.attention.settings.groups import Data
from ablations.subjects.tasks.metric_learning.identities import Identities, Parts

CANVAS = 12
"""Side of the canvas that a digit of 8x8 is moved about on."""


class DigitClasses(Identities):
    """The ten digits as identities: the first `trained` to train on, the others held out."""

    def __init__(self, trained: int = 6, batch_size: int = 64) -> None:
        super().__init__(batch_size)
        if not 2 <= trained <= 8:
            raise SettingError(
                f"`2 <= trained <= 8` must hold, so that two digits or more are held out, but got {trained}."
            )
        self.trained = trained

    def parts(self) -> Parts:
        """By class."""
        x, y = _digits()
        mine = y < self.trained
        return Parts(train=(x[mine], y[mine]), held_out=(x[~mine], y[~mine]))


class DigitViews(Identities):
    """Each digit image as an identity, seen in `views` images: moved, brighter or darker, with noise.

    Args:
        identities: To train on.
        held_out: Not seen in training.
        views: Images of each identity.
        noise: Deviation of a pixel's noise, where ink is 1.
        batch_size: Images of a step.
    """

    def __init__(
        self,
        identities: int = 200,
        held_out: int = 60,
        views: int = 8,
        noise: float = 0.1,
        batch_size: int = 64,
    ) -> None:
        super().__init__(batch_size)
        if views < 2:
            raise SettingError(f"`views >= 2` must hold, since one makes no pair, but got {views}.")
        if held_out < 2 or identities < 2:
            raise SettingError(
                f"`identities >= 2` and `held_out >= 2` must hold, but got {identities} and {held_out}."
            )
        self.identities, self.held, self.views, self.noise = identities, held_out, views, noise

    def parts(self) -> Parts:
        """Drawn from streams of their own: always the same images."""
        x, _ = _digits()
        count = self.identities + self.held
        if count > len(x):
            raise SettingError(
                f"`identities + held_out <= {len(x)}` must hold, the digits that there are, but got {count}."
            )
        draw = generator(0, "digit views")
        mine = x[torch.randperm(len(x), generator=draw)[:count]]
        images = self._seen(mine.repeat_interleave(self.views, 0), draw)
        y = torch.arange(count).repeat_interleave(self.views)
        train = y < self.identities
        return Parts(train=(images[train], y[train]), held_out=(images[~train], y[~train]))

    def _seen(self, x_n1hw: Tensor, draw: torch.Generator) -> Tensor:
        n, side = len(x_n1hw), x_n1hw.shape[-1]
        down, across = torch.randint(0, CANVAS - side + 1, (2, n, 1), generator=draw)
        # The pixel of the canvas at (i, j) is the digit's at (i - down, j - across); outside it there is no ink.
        axis = torch.arange(CANVAS)
        row, column = axis - down, axis - across
        inside = ((row >= 0) & (row < side))[:, :, None] & ((column >= 0) & (column < side))[
            :, None
        ]
        row, column = row.clamp(0, side - 1), column.clamp(0, side - 1)
        moved = x_n1hw[torch.arange(n)[:, None, None], 0, row[:, :, None], column[:, None]] * inside
        bright = 0.6 + 0.8 * torch.rand(n, 1, 1, generator=draw)
        noise = self.noise * torch.randn(moved.shape, generator=draw)
        seen: Tensor = (bright * moved + noise)[:, None]
        return seen


def _digits() -> tuple[Tensor, Tensor]:
    """Ink from 0 to 1 (n, 1, 8, 8), and the digits (n,)."""
    x, y = digits(Data())
    return torch.from_numpy(x).float() / 16, torch.from_numpy(y)
