"""How the images of a data set come to their squares, in training and in validation."""

from dataclasses import dataclass

import torch

from ablations.errors import SettingError
from ablations.subjects.tasks.pictures.frame import Frame, frame


@dataclass(frozen=True, kw_only=True)
class Framing:
    """Size of the squares; whether images are cropped to fill them; whether training flips every other one."""

    size: int
    crop: bool
    flip: bool

    def draw(self, width: int, height: int, *, training: bool) -> Frame:
        """The frame of one image: in training drawn from torch's generator, else from the middle and not flipped."""
        across, down, turn = torch.rand(3).tolist() if training else (0.5, 0.5, 1.0)
        return frame(
            width,
            height,
            size=self.size,
            crop=self.crop,
            at=(across, down),
            flipped=self.flip and turn < 0.5,
        )


def check_sizes(*, size: int, multiple: int, batch_size: int, workers: int) -> None:
    """Refuse numbers out of their range.

    Raises:
        SettingError: If one is.
    """
    if size < multiple or size % multiple:
        raise SettingError(f"`data.size` must be a multiple of {multiple}, but got {size}.")
    for name, value, least in (("batch_size", batch_size, 1), ("workers", workers, 0)):
        if value < least:
            raise SettingError(f"`data.{name} >= {least}` must hold, but got {value}.")
