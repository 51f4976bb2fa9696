"""Where labelled examples come from: each source returns all of them, unscaled, before any split.

A source gives x, of shape (n, channels, height, width) for images and (n, channels, length) for sequences, and
labels of shape (n,); for sequences padded to one length also the true lengths, of shape (n,).
"""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError, one_of
from ablations.import_path import load, words_of
from ablations.settings import Data

Values = NDArray[np.float32]
Labels = NDArray[np.int64]
Arrays = tuple[Values, Labels] | tuple[Values, Labels, Labels]
Source = Callable[[Data], Arrays]


@dataclass(frozen=True)
class Content:
    """All examples of a data set."""

    x: Values
    y: Labels
    lengths: Labels | None = None
    """Of sequences that are padded to one length."""


def read(data: Data) -> Content:
    """All examples of the data set that the settings name.

    Raises:
        SettingError: If there is no such data set, its files are missing, or they are not images or
            sequences with a label each.
    """
    if ":" in data.name:
        return _checked(data, *_own(data))
    source = SOURCES.get(data.name)
    if source is None:
        raise SettingError(
            one_of("data.name", data.name, SOURCES)
            + " A function of your own is named `package.module:function`."
        )
    return _checked(data, *source(data))


def digits(data: Data) -> tuple[Values, Labels]:
    """scikit-learn's 1 797 handwritten digits, 8x8 pixels of 0 to 16, bundled with it."""
    del data
    # Found, not imported: `sklearn.datasets` takes seconds to import, in every worker.
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    rows = np.loadtxt(file, delimiter=",", dtype=np.int64)
    return rows[:, :-1].reshape(-1, 1, 8, 8).astype(np.float32), rows[:, -1]


def digits_sequence(data: Data) -> tuple[Values, Labels]:
    """The same digits as sequences: the 64 pixels of each one after another, row by row."""
    x, y = digits(data)
    return x.reshape(len(x), 1, 64), y


def cifar10(data: Data) -> tuple[Values, Labels]:
    """CIFAR-10's 50 000 training images; `root` is the unpacked folder, in either version."""
    return _cifar(data, binary=[f"data_batch_{i}.bin" for i in range(1, 6)], label_bytes=1,
                  python=[f"data_batch_{i}" for i in range(1, 6)], key=b"labels", classes=10)  # fmt: skip


def cifar100(data: Data) -> tuple[Values, Labels]:
    """CIFAR-100's 50 000 training images with their fine labels; `root` as for CIFAR-10."""
    return _cifar(data, binary=["train.bin"], label_bytes=2,
                  python=["train"], key=b"fine_labels", classes=100)  # fmt: skip


def npz(data: Data) -> Arrays:
    """A NumPy archive at `root` with arrays `x`, `y` and, for padded sequences, `lengths`."""
    path = _root(data)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            x, y = archive["x"], archive["y"]
            return (x, y, archive["lengths"]) if "lengths" in archive else (x, y)
    except (KeyError, ValueError, TypeError, OSError, EOFError, BadZipFile) as error:
        raise SettingError(
            f"`data.root` must be an .npz archive with the arrays `x` and `y`, but {str(path)!r}: "
            f"{error}"
        ) from None


def folder(data: Data) -> tuple[Values, Labels]:
    """Images of one size in a folder per class under `root`; classes in the order of their names.

    As 8-bit colour: grey is repeated in three channels, transparency is dropped. Hidden files and folders do
    not count.
    """
    root = _root(data)
    if not root.is_dir():
        raise SettingError(
            f"`data.root` must be a folder that holds a folder of images per class, but {str(root)!r} is a file."
        )
    images: list[NDArray[np.float32]] = []
    labels: list[int] = []
    for label, path in enumerate(path for path in _listed(root) if path.is_dir()):
        files = _listed(path)
        if not files:
            raise SettingError(
                f"each folder in `data.root` must hold the images of one class, but {str(path)!r} is empty; "
                "remove it, or fill it."
            )
        for file in files:
            pixels = _pixels(file)
            if images and pixels.shape != images[0].shape:
                raise SettingError(
                    f"all images must be of one size, but {str(file)!r} is {pixels.shape[:2]} "
                    f"where the first is {images[0].shape[:2]}; resize them first."
                )
            images.append(pixels)
            labels.append(label)
    if not images:
        raise SettingError(
            f"`data.root` must hold a folder of images per class, but {str(root)!r} holds no folder."
        )
    return np.stack(images).transpose(0, 3, 1, 2), np.array(labels, dtype=np.int64)


SOURCES: dict[str, Source] = {
    "digits": digits,
    "digits_sequence": digits_sequence,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "npz": npz,
    "folder": folder,
}


def _listed(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))


def _pixels(file: Path) -> NDArray[np.float32]:
    """(height, width, 3), from 0 to 255."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise SettingError(
            "the data set `folder` needs Pillow: pip install 'ablations[images]'."
        ) from None
    if file.is_dir():
        raise SettingError(
            f"`data.root` must hold a folder per class with nothing but its images, but {str(file)!r} is a folder "
            f"in one. If the classes are the folders in {str(file.parent)!r}, set `data.root` to that."
        )
    try:
        with Image.open(file) as image:
            _check_depth(image.mode, file)
            return np.asarray(image.convert("RGB"), dtype=np.float32)
    except SettingError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SettingError(
            f"`data.root` must hold images only, but {str(file)!r} cannot be read as one: {words_of(error)}. "
            "Mend or remove it."
        ) from error


def _check_depth(mode: str, file: Path) -> None:
    # Pillow's modes of whole numbers and floats, which its conversion to colour cuts at 255.
    if mode.startswith(("I", "F")):
        raise SettingError(
            f"images must have 8 bits per channel, but {str(file)!r} has more (Pillow's mode {mode!r}); scale them "
            "to 8 bits, or put their numbers into an archive (`data.name=npz`)."
        )


def _own(data: Data) -> Arrays:
    """What the user's own function gives, which `_checked` looks into."""
    rule = (
        f"`data.name` {data.name!r} must name a function that takes the `Data` settings and returns x, y and, "
        "for padded sequences, lengths, but"
    )
    module, _, function = data.name.partition(":")
    if not module or not function:
        raise SettingError(f"{rule} that is no `package.module:function`.")
    try:
        source = load(data.name)
    except SettingError as error:
        raise SettingError(f"`data.name` {error}") from error
    if not callable(source):
        raise SettingError(f"{rule} it is {source!r}.")
    try:
        given = source(data)
    except (SettingError, MemoryError):  # memory may be there at another attempt
        raise
    except Exception as error:
        raise SettingError(f"{rule} it failed: {words_of(error)}.") from error
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        many = (
            f"a {type(given).__name__} of {len(given)}" if isinstance(given, tuple | list) else None
        )
        kind = "None" if given is None else many or f"one {type(given).__name__}"
        raise SettingError(f"{rule} it returned {kind}.")
    return tuple(given)


def _checked(data: Data, values: Any, labels: Any, lengths: Any = None) -> Content:
    x, given = _numbers(data, "x", values), _numbers(data, "labels", labels)
    if x.ndim not in (3, 4) or given.shape != (len(x),):
        raise SettingError(
            f"data set {data.name!r} must give x of shape (n, channels, height, width) or "
            f"(n, channels, length) and labels of shape (n,), but gave {x.shape} and {given.shape}."
        )
    x, y = np.asarray(x, dtype=np.float32), _whole(data, "labels", given)
    if not np.isfinite(x).all():
        raise SettingError(f"the x of data set {data.name!r} must be finite, but some are not.")
    if len(y) == 0 or set(np.unique(y)) != set(range(int(y.max(initial=0)) + 1)):
        raise SettingError(
            f"the labels of data set {data.name!r} must be 0, 1, ... without a gap, but are "
            f"{np.unique(y)[:12].tolist()}."
        )
    return Content(x, y, None if lengths is None else _checked_lengths(data, x, lengths))


def _numbers(data: Data, what: str, given: Any) -> NDArray[Any]:
    rule = f"`data.name` {data.name!r} must give {what} as an array of numbers, but"
    try:
        array = np.asarray(given)
    except Exception as error:  # of rows of several lengths, of a tensor on a GPU
        raise SettingError(f"{rule} it is none: {words_of(error)}.") from error
    if array.dtype.kind not in "biuf":
        raise SettingError(f"{rule} it is of type {array.dtype}.")
    return array


def _whole(data: Data, what: str, given: NDArray[Any]) -> Labels:
    with np.errstate(invalid="ignore"):  # NaN is none, which is told below
        whole = given.astype(np.int64)
    if not np.array_equal(whole, given):
        raise SettingError(
            f"{what} of data set {data.name!r} must be whole numbers, but are {given.ravel()[:5].tolist()}, ..."
        )
    return whole


def _checked_lengths(data: Data, x: Values, lengths: Any) -> Labels:
    checked = _whole(data, "`lengths`", _numbers(data, "`lengths`", lengths))
    if x.ndim != 3 or checked.shape != (len(x),):
        raise SettingError(
            f"`lengths` of data set {data.name!r} must have shape (n,), beside sequences of shape "
            f"(n, channels, length), but have {checked.shape} beside {x.shape}."
        )
    if checked.min() < 1 or checked.max() > x.shape[2]:
        raise SettingError(
            f"`lengths` of data set {data.name!r} must be from 1 to {x.shape[2]}, but are from "
            f"{checked.min()} to {checked.max()}."
        )
    return checked


def _root(data: Data) -> Path:
    if data.root is None:
        raise SettingError(
            f"data set {data.name!r} must be told where it lies: set `data.root` "
            "(--set data.root=PATH)."
        )
    path = Path(data.root).expanduser()
    if not path.exists():
        raise SettingError(f"`data.root` must exist, but there is no {str(path)!r}.")
    return path


def _cifar(
    data: Data, *, binary: list[str], label_bytes: int, python: list[str], key: bytes, classes: int
) -> tuple[Values, Labels]:
    root = _root(data)
    if all((root / name).exists() for name in binary):
        parts = [_cifar_binary(root / name, label_bytes=label_bytes) for name in binary]
        names = binary
    elif all((root / name).exists() for name in python):
        parts = [_cifar_python(root / name, key=key) for name in python]
        names = python
    else:
        raise SettingError(
            f"`data.root` must hold {binary[0]} or {python[0]} of {data.name}, but {str(root)!r} "
            "holds neither; unpack the archive and name the folder inside it."
        )
    for name, (_, labels) in zip(names, parts, strict=True):
        wrong = labels[(labels < 0) | (labels >= classes)]
        if len(wrong):
            raise SettingError(
                f"the labels of {data.name} must be from 0 to {classes - 1}, but {str(root / name)!r} holds "
                f"{wrong[0]}; unpack the archive again."
            )
    pixels = np.concatenate([pixels for pixels, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    return pixels.reshape(-1, 3, 32, 32).astype(np.float32), labels


def _cifar_binary(path: Path, *, label_bytes: int) -> tuple[NDArray[np.uint8], Labels]:
    content = np.fromfile(path, dtype=np.uint8)
    record = label_bytes + 3072
    if len(content) == 0 or len(content) % record:
        raise SettingError(
            f"a binary CIFAR file must hold whole records of {record} bytes, but {str(path)!r} has "
            f"{len(content)} bytes; unpack the archive again."
        )
    rows = content.reshape(-1, record)
    return rows[:, label_bytes:], rows[:, label_bytes - 1].astype(np.int64)


def _cifar_python(path: Path, *, key: bytes) -> tuple[NDArray[np.uint8], Labels]:
    try:
        batch = _ArraysOnly(io.BytesIO(path.read_bytes())).load()
        labels = np.asarray(batch[key], dtype=np.int64)
        return np.asarray(batch[b"data"], dtype=np.uint8).reshape(len(labels), 3072), labels
    except Exception as error:  # what a broken pickle raises is open
        why = str(error) if isinstance(error, SettingError) else f"{words_of(error)}."
        raise SettingError(
            f"{str(path)!r} cannot be read as a file of CIFAR's Python version: {why} Unpack the archive again."
        ) from error


class _ArraysOnly(pickle.Unpickler):
    """Reads the pickles of CIFAR's Python version without running what else a pickle may hold."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding="bytes")

    def find_class(self, module: str, name: str) -> Any:
        is_array = module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype")
        if is_array or (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise SettingError(f"a CIFAR file must hold arrays only, but names {module}.{name}.")
