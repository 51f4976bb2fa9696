"""Sources of identities: none is in both parts, and what is wrong with a folder is told with its path."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ablations import SettingError
from ablations.subjects.tasks.metric_learning.digits import DigitClasses, DigitViews
from ablations.subjects.tasks.metric_learning.folder import IdentityFolder

Image = pytest.importorskip("PIL.Image")


def test_held_out_digits_are_never_trained_on() -> None:
    data = DigitClasses(trained=6)
    data.setup("fit")
    x, y = data.train.tensors
    assert sorted(set(y.tolist())) == list(range(6))
    assert sorted(set(data.held_out.tensors[1].tolist())) == [6, 7, 8, 9]
    assert len(data.train) + len(data.held_out) == 1797
    assert abs(float(x.mean())) < 1e-5
    assert float(x.std()) == pytest.approx(1, abs=1e-4)


def test_views_are_moved_images_of_one_digit() -> None:
    parts = DigitViews(identities=5, held_out=3, views=4, noise=0.0).parts()
    x, y = parts.train
    assert x.shape == (20, 1, 12, 12)
    assert y.tolist() == [i for i in range(5) for _ in range(4)]
    assert sorted(set(parts.held_out[1].tolist())) == [5, 6, 7]
    digits = {ink.tobytes() for ink in map(cropped, load_digits().images / 16)}
    # Every view is a digit, brighter or darker, and all of an identity are the same one.
    shapes = [cropped(image[0].numpy().astype(float)) for image in x]
    for first, other in zip(shapes[::4], shapes[1::4], strict=True):
        np.testing.assert_allclose(first / first.max(), other / other.max(), atol=1e-6)
    brightest = [(shape / shape.max() * 16).round() / 16 for shape in shapes]
    assert sum(shape.tobytes() in digits for shape in brightest) >= 12  # those with ink of 16 of 16
    assert len({image.numpy().tobytes() for image in x}) == 20


def cropped(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(ink)
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].copy()


def test_views_are_always_the_same() -> None:
    first, again, other = (DigitViews(3, 2, 2, noise=n).fingerprint() for n in (0.2, 0.2, 0.1))
    assert first == again != other


def faces(
    root: Path, *, identities: int = 5, images: int = 3, size: tuple[int, int] = (6, 8)
) -> Path:
    rng = np.random.default_rng(0)
    for i in range(identities):
        (root / f"id{i}").mkdir()
        for j in range(images):
            pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / f"id{i}" / f"{j}.png")
    return root


def test_a_folder_is_split_by_identity(tmp_path: Path) -> None:
    data = IdentityFolder(str(faces(tmp_path)), held_out=0.4)
    parts = data.parts()
    assert parts.train[0].shape == (9, 3, 6, 8)  # images need not be square
    assert sorted(set(parts.train[1].tolist())) == [0, 1, 2]
    assert sorted(set(parts.held_out[1].tolist())) == [3, 4]
    assert 0 <= float(parts.train[0].min()) < float(parts.train[0].max()) <= 1
    other = IdentityFolder(str(tmp_path), held_out=0.4, split_seed=1)
    assert data.fingerprint() == IdentityFolder(str(tmp_path), 0.4).fingerprint()
    assert data.fingerprint() != other.fingerprint()


def alone(root: Path) -> None:
    for name in ("1.png", "2.png"):
        (root / "id2" / name).unlink()


def truncated(root: Path) -> None:
    whole = (root / "id1/0.png").read_bytes()
    (root / "id1/0.png").write_bytes(whole[: len(whole) // 2])


def larger(root: Path) -> None:
    Image.new("RGB", (9, 9)).save(root / "id3/0.png")


def empty(root: Path) -> None:
    (root / "id9").mkdir()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (alone, r"two images or more, since one makes no pair, but '.*id2' has 1; add images, or remove it\."),
        (truncated, r"'.*id1/0\.png' cannot be read as one"),
        (larger, r"all images must be of one size, but '.*id3/0\.png' is \(9, 9\)"),
        (empty, r"'.*id9' is empty; remove it, or fill it\."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_told_with_its_path(
    spoil: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    spoil(faces(tmp_path))
    with pytest.raises(SettingError, match=told):
        IdentityFolder(str(tmp_path)).parts()


def test_a_folder_must_be_there_and_have_enough_identities(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"`data\.root` must exist, but there is no '.*nowhere'"):
        IdentityFolder(str(tmp_path / "nowhere")).parts()
    with pytest.raises(SettingError, match="holds no folder"):
        IdentityFolder(str(tmp_path)).parts()
    with pytest.raises(SettingError, match=rf"{re.escape(repr(str(tmp_path)))} has 3, of which"):
        IdentityFolder(str(faces(tmp_path, identities=3))).parts()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: DigitClasses(trained=9), r"`2 <= trained <= 8` must hold, .* but got 9\."),
        (lambda: DigitViews(views=1), r"`views >= 2` must hold, .* but got 1\."),
        (lambda: DigitViews(held_out=1), r"`held_out >= 2` must hold, but got 200 and 1\."),
        (lambda: DigitViews(identities=1790).parts(), r"`identities \+ held_out <= 1797` .* got 1850\."),
        (lambda: IdentityFolder("x", held_out=1.0), r"`0 < held_out < 1` must hold, but got 1\."),
    ],
)  # fmt: skip
def test_an_illegal_setting_is_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        make()


def test_torch_keeps_its_random_state() -> None:
    before = torch.get_rng_state()
    DigitViews(3, 2, 2).parts()
    assert torch.equal(before, torch.get_rng_state())
