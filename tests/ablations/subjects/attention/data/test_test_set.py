from pathlib import Path

import numpy as np
import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.data.dataset import fingerprint, load
from ablations.subjects.attention.settings.groups import Data

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
Y = np.arange(40, dtype=np.uint8) % 10


def archive(path: Path, *, size: int = 4, classes: int = 4, count: int = 40, add: float = 0) -> str:
    x = RNG.normal(size=(count, 2, size, size)) + add
    np.savez(path, x=x, y=np.arange(count) % classes)
    return str(path)


def test_cifars_own_test_images_are_its_test_set(tmp_path: Path) -> None:
    for i in range(5):
        rows = slice(8 * i, 8 * i + 8)
        records = np.concatenate([Y[rows, None], X[rows].reshape(8, -1)], axis=1)
        (tmp_path / f"data_batch_{i + 1}.bin").write_bytes(records.tobytes())
    flipped = 255 - X[:20]
    records = np.concatenate([Y[:20, None], flipped.reshape(20, -1)], axis=1)
    (tmp_path / "test_batch.bin").write_bytes(records.tobytes())
    data = Data(name="cifar10", root=str(tmp_path), test="own")
    split = load(data)
    assert split.test is not None
    assert split.colours is not None
    assert split.test.y.tolist() == Y[:20].tolist()
    shown = split.colours.of(split.test.x) * 255
    assert torch.allclose(shown, torch.from_numpy(flipped).float(), atol=1e-2)
    assert fingerprint(data) != fingerprint(data.model_copy(update={"test": "none"}))
    # The others are as they are without it.
    assert torch.equal(split.val.x, load(data.model_copy(update={"test": "none"})).val.x)


def test_a_test_set_lies_at_its_root_and_enters_no_statistic(tmp_path: Path) -> None:
    root, test_root = archive(tmp_path / "a.npz"), archive(tmp_path / "b.npz", count=12, add=9)
    split = load(Data(name="npz", root=root, test="own", test_root=test_root))
    assert split.test is not None
    assert len(split.test) == 12
    assert float(split.test.x.mean()) == pytest.approx(9, abs=0.5)
    assert float(split.train.x.mean()) == pytest.approx(0, abs=1e-6)


def test_a_new_test_set_at_the_same_place_is_read_again(tmp_path: Path) -> None:
    root, test_root = archive(tmp_path / "a.npz"), archive(tmp_path / "b.npz", count=12)
    data = Data(name="npz", root=root, test="own", test_root=test_root)
    before = fingerprint(data)
    archive(tmp_path / "b.npz", count=16)
    assert fingerprint(data) != before


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"size": 5}, r"the test examples must be of the shape of the others, \(2, 4, 4\), but are of \(2, 5, 5\)"),
        ({"classes": 5}, r"the test examples must be of the 4 classes of the others, but are of 5"),
    ],
)  # fmt: skip
def test_a_test_set_of_another_kind_is_refused(
    test: dict[str, int], message: str, tmp_path: Path
) -> None:
    root, test_root = archive(tmp_path / "a.npz"), archive(tmp_path / "b.npz", **test)
    with pytest.raises(SettingError, match=message):
        load(Data(name="npz", root=root, test="own", test_root=test_root))


def test_what_was_trained_on_is_no_test_set(tmp_path: Path) -> None:
    root = archive(tmp_path / "a.npz")
    with pytest.raises(
        SettingError, match=r"`data.test_root` must be other files than `data.root`"
    ):
        load(Data(name="npz", root=root, test="own", test_root=str(tmp_path / "." / "a.npz")))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits", "`data.test` must be a share of the examples for 'digits', which has no test set of its own"),
        ("npz", r"`data.test='own'` of data set 'npz' must be told where the test examples lie: set `data.test_root`"),
    ],
)  # fmt: skip
def test_a_data_set_without_a_test_set_says_what_to_do(
    name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=message):
        load(Data(name=name, root=archive(tmp_path / "a.npz"), test="own"))


def test_folders_of_other_classes_are_refused(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for part, names in (("train", "abc"), ("val", "ac")):
        for name in names:
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for i in range(4):
                pixels = RNG.integers(0, 256, (6, 6, 3), dtype=np.uint8)
                image.fromarray(pixels).save(folder / f"{i}.png")
    data = Data(name="folder", root=str(tmp_path / "train"), test="own", test_root=str(tmp_path / "val"))  # fmt: skip
    with pytest.raises(SettingError, match=r"but 'b' is in one of the two only \(1 such\)"):
        load(data)
