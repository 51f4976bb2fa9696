import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

WriteFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def encoded(pixels: np.ndarray, kind: str = "png") -> bytes:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.fromarray(pixels).save(out, format=kind)
    return out.getvalue()


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Writes noise in two classes, n images of each, as PNG."""

    def write(n: int = 6, *, size: tuple[int, int] = (8, 8), name: str = "images") -> Path:
        rng = np.random.default_rng(0)
        root = tmp_path / name
        for label in ("cat", "dog"):
            (root / label).mkdir(parents=True)
            for i in range(n):
                pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
                (root / label / f"{i:03d}.png").write_bytes(encoded(pixels))
        return root

    return write
