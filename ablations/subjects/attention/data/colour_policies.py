"""Colour jitter, RandAugment and TrivialAugment on whole batches, with torchvision's names, ranges and defaults.

torchvision's own take one draw for all images of a batch; here each image has its own, from the generator.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ablations.subjects.attention.data import colour_operations as op
from ablations.subjects.attention.data.colour_operations import Operation

Policy = Callable[[Tensor, torch.Generator], Tensor]
"""Colours (n, channels, height, width) in [0, 1] and where to draw from -> colours."""
BINS = 31
JITTER = 0.4
HUE = 0.1
"""Of the circle, either way; beside `JITTER` what `ColorJitter` is usually given."""


@dataclass(frozen=True)
class Range:
    """An operation and the numbers that it takes at each of `BINS` magnitudes."""

    of: Operation
    values: Callable[[int, int], Tensor]
    """From height and width, (BINS,)."""
    signed: bool = False
    """Half of the draws take the number's negative."""
    beyond: float = 0.0
    """What is added after the sign: a factor of 1 is the image as it is."""


def color_jitter(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """Brightness, contrast and saturation, each by a factor from 0.6 to 1.4, in an order drawn once for the batch."""
    return _jittered(x_nchw, draws, (op.brightness, op.contrast, op.saturation))


def color_jitter_hue(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """The same with the hue, turned by up to a tenth of the circle, in one order of the four."""
    return _jittered(x_nchw, draws, (op.brightness, op.contrast, op.saturation, op.hue))


def rand_augment(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """RandAugment (arXiv 1909.13719): two random operations, one after the other, at magnitude 9 of 0 to 30."""
    for _ in range(2):
        magnitude = torch.full((len(x_nchw),), 9)
        x_nchw = _one_of(RAND_AUGMENT, x_nchw, magnitude, draws)
    return x_nchw


def trivial_augment_wide(x_nchw: Tensor, draws: torch.Generator) -> Tensor:
    """TrivialAugment (arXiv 2103.10158), wide: one random operation at a random magnitude."""
    magnitude = torch.randint(BINS, (len(x_nchw),), generator=draws)
    return _one_of(TRIVIAL_AUGMENT_WIDE, x_nchw, magnitude, draws)


POLICIES: dict[str, Policy] = {
    "color_jitter": color_jitter,
    "color_jitter_hue": color_jitter_hue,
    "rand_augment": rand_augment,
    "trivial_augment_wide": trivial_augment_wide,
}


def _jittered(x_nchw: Tensor, draws: torch.Generator, operations: tuple[Operation, ...]) -> Tensor:
    for k in torch.randperm(len(operations), generator=draws).tolist():
        drawn = torch.rand(len(x_nchw), generator=draws)
        by = HUE * (2 * drawn - 1) if operations[k] is op.hue else 1 - JITTER + 2 * JITTER * drawn
        x_nchw = operations[k](x_nchw, by)
    return x_nchw


def _one_of(
    ranges: tuple[Range | None, ...], x_nchw: Tensor, magnitude: Tensor, draws: torch.Generator
) -> Tensor:
    """Each image by an operation of its own, at its magnitude; None leaves it as it is."""
    which = torch.randint(len(ranges), (len(x_nchw),), generator=draws)
    negative = torch.rand(len(x_nchw), generator=draws) < 0.5
    changed = x_nchw.clone()
    for number, one in enumerate(ranges):
        images = (which == number).nonzero()[:, 0]
        if one is None or len(images) == 0:
            continue
        value = one.values(*x_nchw.shape[2:])[magnitude[images]]
        if one.signed:
            value = torch.where(negative[images], -value, value)
        at = images.to(x_nchw.device)
        changed[at] = one.of(x_nchw[at], (one.beyond + value).to(x_nchw))
    return changed


def _up_to(most: float) -> Callable[[int, int], Tensor]:
    return lambda height, width: torch.linspace(0, most, BINS)


def _bits(fewer: int) -> Callable[[int, int], Tensor]:
    return lambda height, width: 8 - (torch.arange(BINS) / ((BINS - 1) / fewer)).round()


def _thresholds(height: int, width: int) -> Tensor:
    return torch.linspace(255, 0, BINS)


def _ranges(
    *,
    shear: float,
    across: Callable[[int, int], Tensor],
    down: Callable[[int, int], Tensor],
    turn: float,
    factor: float,
    fewer_bits: int,
) -> tuple[Range | None, ...]:
    """In torchvision's order; the first leaves the image as it is."""
    colours = (op.brightness, op.saturation, op.contrast, op.sharpness)
    return (
        None,
        Range(op.shear_x, _up_to(shear), signed=True),
        Range(op.shear_y, _up_to(shear), signed=True),
        Range(op.translate_x, across, signed=True),
        Range(op.translate_y, down, signed=True),
        Range(op.rotate, _up_to(turn), signed=True),
        *(Range(one, _up_to(factor), signed=True, beyond=1) for one in colours),
        Range(op.posterize, _bits(fewer_bits)),
        Range(op.solarize, _thresholds),
        Range(op.autocontrast, _up_to(0)),
        Range(op.equalize, _up_to(0)),
    )


RAND_AUGMENT = _ranges(
    shear=0.3,
    across=lambda height, width: torch.linspace(0, 150 / 331 * width, BINS),
    down=lambda height, width: torch.linspace(0, 150 / 331 * height, BINS),
    turn=30,
    factor=0.9,
    fewer_bits=4,
)
TRIVIAL_AUGMENT_WIDE = _ranges(
    shear=0.99, across=_up_to(32), down=_up_to(32), turn=135, factor=0.99, fewer_bits=6
)
