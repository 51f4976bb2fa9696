"""Our operations on colours and torchvision's own, on the same images: `make integration` installs it."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ablations.subjects.attention.data import colour_operations as op
from ablations.subjects.attention.data.colour_policies import (
    RAND_AUGMENT,
    TRIVIAL_AUGMENT_WIDE,
    Range,
)

pytestmark = pytest.mark.integration

NAMES = (
    "Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
    "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize",
)  # fmt: skip
# Smooth, so that a pixel that rounding moves to its neighbour is nearly the same; one image is dark.
X = torch.rand(6, 3, 9, 7, generator=torch.Generator().manual_seed(0))
X = torch.nn.functional.interpolate(X, size=(40, 33), mode="bicubic").clamp(0, 1)
X[0] = X[0] * 0.3
X = (X * 255).round() / 255


@pytest.fixture(scope="module")
def theirs() -> Any:
    """torchvision's augmentation by operations; without its compiled part where that is for another torch."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    if not hasattr(torch.ops.torchvision, "nms"):
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    pytest.importorskip("torchvision")
    from torchvision.transforms import autoaugment

    autoaugment.library = library  # which lives as long as what it defines
    return autoaugment


def one_by_one(theirs: Any, name: str, magnitude: float) -> Tensor:
    from torchvision.transforms import InterpolationMode

    eight = name in ("Posterize", "Equalize", "Solarize")  # torchvision has these of bytes
    images = (X * 255).round().to(torch.uint8) if eight else X
    done = [
        theirs._apply_op(image, name, magnitude, InterpolationMode.NEAREST, None)
        for image in images
    ]
    return torch.stack(done).float() / (255 if eight else 1)


@pytest.mark.parametrize(
    ("ours", "kind"), [(RAND_AUGMENT, "RandAugment"), (TRIVIAL_AUGMENT_WIDE, "TrivialAugmentWide")]
)
@pytest.mark.parametrize("which", range(14))
def test_each_operation_is_torchvisions_at_each_magnitude(
    which: int, ours: tuple[Range | None, ...], kind: str, theirs: Any
) -> None:
    policy = getattr(theirs, kind)()
    space = (
        policy._augmentation_space(31, tuple(X.shape[2:]))
        if kind == "RandAugment"
        else policy._augmentation_space(31)
    )
    assert tuple(space) == NAMES
    magnitudes, signed = space[NAMES[which]]
    one = ours[which]
    if one is None:
        assert NAMES[which] == "Identity"
        return
    values = one.values(*X.shape[2:])
    assert (one.signed, values.numel()) == (signed, 31)
    if magnitudes.ndim:  # AutoContrast and Equalize have one
        assert torch.allclose(values, magnitudes.float())
    for k in (0, 9, 17, 30):
        for sign in (1, -1) if signed else (1,):
            value = sign * values[k]
            found = one.of(X, (one.beyond + value).expand(len(X)))
            wanted = one_by_one(theirs, NAMES[which], float(value))
            apart = (found - wanted).abs() > 1.5e-3
            # Rounding may choose the other one of two pixels that are equally near.
            assert float(apart.float().mean()) < 0.004, (NAMES[which], k, sign)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_jitter_is_torchvisions_for_an_image_of_its_own_factor(name: str, theirs: Any) -> None:
    from torchvision.transforms import functional

    factors = torch.tensor([0.6, 0.8, 1.0, 1.1, 1.3, 1.4])
    found = getattr(op, name)(X, factors)
    wanted = [
        getattr(functional, f"adjust_{name}")(image, float(factor))
        for image, factor in zip(X, factors, strict=True)
    ]
    assert torch.allclose(found, torch.stack(wanted), atol=1e-5)


def test_hue_is_torchvisions_for_an_image_of_its_own_turn(theirs: Any) -> None:
    from torchvision.transforms import functional

    turns = torch.tensor([-0.5, -0.1, 0.0, 0.04, 0.1, 0.5])
    wanted = [
        functional.adjust_hue(image, float(turn)) for image, turn in zip(X, turns, strict=True)
    ]
    assert torch.allclose(op.hue(X, turns), torch.stack(wanted), atol=1e-5)
