"""Folders of images as the benchmarks of input read them: photograph-like JPEG, and small PNG; nobody starts it."""

from pathlib import Path

import numpy as np
from PIL import Image


def photographs(root: Path, count: int, *, classes: int = 2) -> Path:
    """Folders of JPEG of 500 x 375 pixels in quality 90, of clouds with some grain, 58 kB each."""
    rng = np.random.default_rng(0)
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC), dtype=np.int16)
        grain = rng.integers(-12, 13, smooth.shape, dtype=np.int16)
        pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        _save(Image.fromarray(pixels), root, i, classes, "jpg", quality=90)
    return root


def icons(root: Path, count: int, *, classes: int = 2) -> Path:
    """Folders of PNG of 32 x 32 pixels of noise, 3 kB each."""
    rng = np.random.default_rng(0)
    for i in range(count):
        pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        _save(Image.fromarray(pixels), root, i, classes, "png", compress_level=1)
    return root


def _save(image: Image.Image, root: Path, i: int, classes: int, kind: str, **options: int) -> None:
    folder = root / f"{i % classes:03d}"
    folder.mkdir(parents=True, exist_ok=True)
    image.save(folder / f"{i:07d}.{kind}", **options)
