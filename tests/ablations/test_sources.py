import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ablations.errors import SettingError
from ablations.settings import Data
from ablations.sources import read

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
Y = np.arange(20, dtype=np.uint8) % 10


def test_digits_are_what_scikit_learn_loads() -> None:
    content = read(Data())
    theirs, classes = load_digits(return_X_y=True)
    assert np.array_equal(content.x.reshape(-1, 64), theirs)
    assert np.array_equal(content.y, classes)


def test_digits_have_the_published_size_and_range() -> None:
    x, y = pair(Data())
    assert (x.shape, x.min(), x.max()) == ((1797, 1, 8, 8), 0, 16)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def pair(data: Data):
    content = read(data)
    return content.x, content.y


def write_binary(root: Path) -> None:
    for i in range(5):
        rows = slice(4 * i, 4 * i + 4)
        records = np.concatenate([Y[rows, None], X[rows].reshape(4, -1)], axis=1)
        (root / f"data_batch_{i + 1}.bin").write_bytes(records.tobytes())


def write_python(root: Path) -> None:
    for i in range(5):
        rows = slice(4 * i, 4 * i + 4)
        batch = {b"data": X[rows].reshape(4, -1), b"labels": Y[rows].tolist()}
        (root / f"data_batch_{i + 1}").write_bytes(pickle.dumps(batch, protocol=2))


@pytest.mark.parametrize("write", [write_binary, write_python])
def test_both_versions_of_cifar_give_the_same_images(write, tmp_path: Path) -> None:
    write(tmp_path)
    x, y = pair(Data(name="cifar10", root=str(tmp_path)))
    assert (x == X).all()
    assert (y == Y).all()


def test_cifar_100_has_fine_labels(tmp_path: Path) -> None:
    coarse = np.zeros(20, dtype=np.uint8)
    records = np.concatenate([coarse[:, None], Y[:, None], X.reshape(20, -1)], axis=1)
    (tmp_path / "train.bin").write_bytes(records.tobytes())
    x, y = pair(Data(name="cifar100", root=str(tmp_path)))
    assert (x == X).all()
    assert (y == Y).all()


def test_a_malicious_cifar_file_runs_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return (canary.write_text, ("ran",))

    write_python(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(SettingError, match="a CIFAR file must hold arrays only, but names"):
        read(Data(name="cifar10", root=str(tmp_path)))
    assert not canary.exists()


def test_an_archive_of_arrays_is_a_data_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x=X, y=Y)
    x, y = pair(Data(name="npz", root=str(tmp_path / "mine.npz")))
    assert (x == X).all()
    assert (y == Y).all()


def test_a_folder_of_images_is_a_data_set(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
    image.fromarray(X[0].transpose(1, 2, 0)).save(tmp_path / "dog" / "a.png")
    image.fromarray(X[1].transpose(1, 2, 0)).save(tmp_path / "cat" / "b.png")
    x, y = pair(Data(name="folder", root=str(tmp_path)))
    assert (x == X[[1, 0]]).all()
    assert y.tolist() == [0, 1]


def write_images(root: Path, *names: str) -> None:
    image = pytest.importorskip("PIL.Image")
    for i, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(X[i].transpose(1, 2, 0)).save(root / name)


def test_hidden_files_and_folders_are_no_images_and_no_classes(tmp_path: Path) -> None:
    write_images(tmp_path, "cat/a.png", "dog/b.png", ".ipynb_checkpoints/c.png")
    (tmp_path / "cat" / ".DS_Store").write_text("no image")
    x, y = pair(Data(name="folder", root=str(tmp_path)))
    assert (x == X[:2]).all()
    assert y.tolist() == [0, 1]


def test_grey_is_repeated_and_transparency_dropped(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "a").mkdir()
    image.fromarray(X[0, 0]).save(tmp_path / "a" / "0.png")
    see_through = np.concatenate([X[1], np.zeros((1, 32, 32), np.uint8)])
    image.fromarray(see_through.transpose(1, 2, 0)).save(tmp_path / "a" / "1.png")
    x, _ = pair(Data(name="folder", root=str(tmp_path)))
    assert (x[0] == X[0, :1]).all()
    assert (x[1] == X[1]).all()


@pytest.mark.parametrize(
    ("kind", "name", "mode"),
    [("uint16", "0.tiff", "I;16"), ("int32", "0.tiff", "I"), ("float32", "0.tiff", "F")],
)
def test_images_of_more_than_8_bits_are_refused(
    kind: str, name: str, mode: str, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "a").mkdir()
    image.fromarray(1000 * X[0, 0].astype(kind)).save(tmp_path / "a" / name)
    message = (
        f"images must have 8 bits per channel, but '{tmp_path / 'a' / name}' has more (Pillow's mode '{mode}'); "
        "scale them to 8 bits, or put their numbers into an archive (`data.name=npz`)."
    )
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name="folder", root=str(tmp_path)))


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (
            "notes",
            "`data.root` must hold images only, but '{}/notes/a/0.txt' cannot be read as one: "
            "UnidentifiedImageError: cannot identify image file",
        ),
        (
            "cut",
            "`data.root` must hold images only, but '{}/cut/a/0.png' cannot be read as one: OSError: ",
        ),
        (
            "empty",
            "each folder in `data.root` must hold the images of one class, but '{}/empty/b' is empty; remove it, "
            "or fill it.",
        ),
        (
            "nested",
            "`data.root` must hold a folder per class with nothing but its images, but '{}/nested/train/a' is a "
            "folder in one. If the classes are the folders in '{}/nested/train', set `data.root` to that.",
        ),
        (
            "nested/train/a/0.png",
            "`data.root` must be a folder that holds a folder of images per class, but '{}/nested/train/a/0.png' "
            "is a file.",
        ),
        (
            "empty/b",
            "`data.root` must hold a folder of images per class, but '{}/empty/b' holds no folder.",
        ),
    ],
)
def test_a_folder_of_something_else_is_told(root: str, message: str, tmp_path: Path) -> None:
    write_images(tmp_path, "cut/a/0.png", "empty/a/0.png", "nested/train/a/0.png")
    cut = tmp_path / "cut" / "a" / "0.png"
    cut.write_bytes(cut.read_bytes()[:1000])
    (tmp_path / "notes" / "a").mkdir(parents=True)
    (tmp_path / "notes" / "a" / "0.txt").write_text("no image")
    (tmp_path / "empty" / "b").mkdir()
    with pytest.raises(SettingError, match=re.escape(message.replace("{}", str(tmp_path)))):
        read(Data(name="folder", root=str(tmp_path / root)))


def test_a_binary_cifar_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    write_binary(tmp_path)
    path = tmp_path / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-5])
    message = (
        f"a binary CIFAR file must hold whole records of 3073 bytes, but '{path}' has {4 * 3073 - 5} bytes; "
        "unpack the archive again."
    )
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name="cifar10", root=str(tmp_path)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no pickle", "UnpicklingError: "),
        (b"", "EOFError: "),
        (pickle.dumps({b"data": X[:2].reshape(2, -1)}), "KeyError: b'labels'."),
        (
            pickle.dumps({b"data": X[:2].reshape(2, -1), b"labels": [1]}),
            "ValueError: cannot reshape",
        ),
    ],
)
def test_a_python_cifar_file_that_is_broken_is_told(
    content: bytes, why: str, tmp_path: Path
) -> None:
    write_python(tmp_path)
    path = tmp_path / "data_batch_3"
    path.write_bytes(content)
    message = f"'{path}' cannot be read as a file of CIFAR's Python version: {why}"
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name="cifar10", root=str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "file", "labels", "most"),
    [("cifar10", "data_batch_1.bin", [10], 9), ("cifar100", "train.bin", [0, 100], 99)],
)
def test_labels_that_cifar_does_not_have_are_told(
    name: str, file: str, labels: list[int], most: int, tmp_path: Path
) -> None:
    write_binary(tmp_path)
    (tmp_path / file).write_bytes(bytes(labels) + X[0].tobytes())
    message = (
        f"the labels of {name} must be from 0 to {most}, but '{tmp_path / file}' holds {most + 1}; unpack the "
        "archive again."
    )
    with pytest.raises(SettingError, match=re.escape(message)):
        read(Data(name=name, root=str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "root", "message"),
    [
        (
            "cifr10",
            None,
            r"`data\.name` must be one of .*but got 'cifr10'\. Did you mean 'cifar10'\?",
        ),
        ("cifar10", None, r"must be told where it lies: set `data\.root`"),
        ("cifar10", "no/such", r"`data\.root` must exist, but there is no 'no/such'"),
        ("cifar10", ".", r"must hold data_batch_1\.bin or data_batch_1 of cifar10"),
        ("npz", "pyproject.toml", r"must be an \.npz archive with the arrays `x` and `y`"),
        (
            "no_such_module:f",
            None,
            r"`data\.name` 'no_such_module:f' cannot be imported: No module named 'no_such_module'\. Check the "
            r"spelling, and that the package is installed or lies in the current folder\.",
        ),
        ("json:f", None, r"`data\.name` 'json:f': module 'json' has no 'f'\."),
    ],
)
def test_a_data_set_that_cannot_be_read_says_why(name: str, root: str | None, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read(Data(name=name, root=root))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            np.zeros((4, 8)),
            np.zeros(4),
            r"must give x of shape .* but gave \(4, 8\) and \(4,\)",
        ),
        (np.full((2, 1, 2, 2), np.nan), [0, 1], "must be finite, but some are not"),
        (np.zeros((2, 1, 2, 2)), [0, 2], r"must be 0, 1, \.\.\. without a gap, but are \[0, 2\]"),
    ],
)
def test_arrays_that_are_no_labelled_images_are_refused(x, y, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", x=x, y=np.asarray(y))
    with pytest.raises(SettingError, match=message):
        read(Data(name="npz", root=str(tmp_path / "bad.npz")))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", None])
def test_a_file_that_is_no_archive_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    if content is None:
        np.save(tmp_path / "one.npy", X)
        (tmp_path / "one.npy").rename(path)
    else:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"must be an \.npz archive with the arrays `x` and `y`"):
        read(Data(name="npz", root=str(path)))


OWN = """
import numpy as np

X, Y = np.arange(64.0).reshape(4, 1, 4, 4), np.arange(4) % 2
number = 3


def good(data):
    return [X.tolist(), Y]


def padded(data):
    return X[:, 0], Y, [4, 3, 2, 1]


def nothing(data):
    pass


def one(data):
    return X


def four(data):
    return X, Y, Y, Y


def named(data):
    return {"x": X, "y": Y}


def ragged(data):
    return [[1, 2], [3]], [0, 1]


def ragged_lengths(data):
    return X[:, 0], Y, [[1, 2], [3]]


def words(data):
    return X.astype(str), Y


def no_argument():
    return X, Y


def raises(data):
    raise FileNotFoundError("there is no such file")
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_data_of_a_test.py").write_text(OWN)
    return folder


@pytest.fixture
def in_own_folder(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As in the script `ablate`, which does not have the current folder on its path.
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.chdir(own)


@pytest.mark.usefixtures("in_own_folder")
def test_a_function_in_the_current_folder_is_a_data_set() -> None:
    content = read(Data(name="own_data_of_a_test:good"))
    assert content.x[3, 0].tolist() == np.arange(48.0, 64).reshape(4, 4).tolist()
    assert content.y.tolist() == [0, 1, 0, 1]
    assert content.lengths is None
    padded = read(Data(name="own_data_of_a_test:padded"))
    assert padded.lengths is not None
    assert padded.lengths.tolist() == [4, 3, 2, 1]


@pytest.mark.usefixtures("in_own_folder")
@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("nothing", "it returned None."),
        ("one", "it returned one ndarray."),
        ("four", "it returned a tuple of 4."),
        ("named", "it returned one dict."),
        ("number", "it is 3."),
        ("", "that is no `package.module:function`."),
        (
            "no_argument",
            "it failed: TypeError: no_argument() takes 0 positional arguments but 1 was given.",
        ),
        ("raises", "it failed: FileNotFoundError: there is no such file."),
    ],
)
def test_what_is_no_function_of_a_data_set_says_what_it_must_be(
    function: str, message: str
) -> None:
    rule = (
        f"`data.name` 'own_data_of_a_test:{function}' must name a function that takes the `Data` settings and "
        "returns x, y and, for padded sequences, lengths, but "
    )
    with pytest.raises(SettingError, match=re.escape(rule + message)):
        read(Data(name=f"own_data_of_a_test:{function}"))


def test_a_function_without_a_module_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"^`data\.name` ':good' must name a function .*, but that is no "
    ):
        read(Data(name=":good"))


@pytest.mark.usefixtures("in_own_folder")
@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("ragged", r"x as an array of numbers, but it is none: ValueError: .* inhomogeneous shape"),
        ("ragged_lengths", r"`lengths` as an array of numbers, but it is none: ValueError: "),
        ("words", r"x as an array of numbers, but it is of type <U\d+\."),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(function: str, message: str) -> None:
    rule = rf"`data\.name` 'own_data_of_a_test:{function}' must give "
    with pytest.raises(SettingError, match=rule + message):
        read(Data(name=f"own_data_of_a_test:{function}"))
