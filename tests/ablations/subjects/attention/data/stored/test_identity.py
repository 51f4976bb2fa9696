import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ablations.subjects.attention.data.dataset import fingerprint
from ablations.subjects.attention.data.stored import identity
from ablations.subjects.attention.settings.groups import Data

WriteFolder = Callable[..., Path]


def test_few_images_are_told_by_all_their_pixels(write_folder: WriteFolder) -> None:
    image = pytest.importorskip("PIL.Image")
    root = write_folder()
    files = sorted(root.rglob("*.png"))
    x = np.stack([np.asarray(image.open(file)) for file in files]).transpose(0, 3, 1, 2)
    digest = hashlib.sha256(np.ascontiguousarray(x.astype(np.float32)).tobytes())
    digest.update(np.repeat([0, 1], 6).tobytes())
    assert fingerprint(Data(name="folder", root=str(root))) == digest.hexdigest()[:16]


def scaled(root: Path) -> str:
    return fingerprint(Data(name="folder", root=str(root), image_size=4))


def test_others_are_told_by_names_sizes_and_a_sample(write_folder: WriteFolder) -> None:
    root = write_folder()
    before = scaled(root)
    moved = shutil.copytree(root, root.parent / "elsewhere")
    os.utime(moved / "cat" / "000.png", (0, 0))
    assert scaled(moved) == before
    (moved / "cat" / "000.png").rename(moved / "cat" / "0000.png")
    assert scaled(moved) != before
    content = bytearray((root / "cat" / "003.png").read_bytes())
    content[-20] ^= 1
    (root / "cat" / "003.png").write_bytes(content)
    assert scaled(root) != before


def test_content_outside_the_sample_is_not_seen(write_folder: WriteFolder, monkeypatch) -> None:
    monkeypatch.setattr(identity, "SAMPLE", 3)
    root = write_folder()
    assert identity.sample(12).tolist() == [0, 5, 11]
    prints = {scaled(root)}
    for name, seen in (("cat/001.png", False), ("cat/005.png", True), ("dog/005.png", True)):
        content = bytearray((root / name).read_bytes())
        content[-20] ^= 1
        (root / name).write_bytes(content)
        assert (scaled(root) not in prints) == seen
        prints.add(scaled(root))
