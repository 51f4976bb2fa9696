"""A test set that the data set has of its own: CIFAR's test images, or files that the settings name."""

from collections.abc import Callable
from pathlib import Path

from ablations.errors import SettingError
from ablations.subjects.attention.data.layouts.cifar import cifar10_test, cifar100_test
from ablations.subjects.attention.data.layouts.folder import class_names
from ablations.subjects.attention.data.layouts.layouts import LAYOUTS
from ablations.subjects.attention.data.layouts.listing import Listing
from ablations.subjects.attention.data.sources.content import Content
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.data.stored.stored import Stored, read_stored
from ablations.subjects.attention.settings.groups import Data

IN_ITS_FILES: dict[str, Callable[[Data], Listing]] = {
    "cifar10": cifar10_test,
    "cifar100": cifar100_test,
}
"""Data sets whose own files have a test set."""
WITHOUT_FILES = ("digits", "digits_sequence")


def own_test_set(data: Data, others: Content | Stored) -> Content | Stored:
    """The test examples of a data set, of the kind of its others.

    Raises:
        SettingError: If there are none, or they are of another shape or of other classes.
    """
    test = _read(data)
    if test.shape != others.shape:
        raise SettingError(
            f"the test examples must be of the shape of the others, {others.shape}, but are of "
            f"{test.shape}; bring them to one size first."
        )
    classes, tested = int(others.y.max()) + 1, int(test.y.max()) + 1
    if tested > classes:
        raise SettingError(
            f"the test examples must be of the {classes} classes of the others, but are of {tested}."
        )
    if (test.lengths is None) != (others.lengths is None):
        raise SettingError(
            "the test examples must have `lengths` where the others have them, but one of the two has none."
        )
    return test


def test_listing(data: Data) -> Listing:
    """Where the test images of stored images lie.

    Raises:
        SettingError: If the settings do not say so, or classes have other names than those of the others.
    """
    if data.name in IN_ITS_FILES:
        return IN_ITS_FILES[data.name](data)
    elsewhere = _elsewhere(data)
    if data.name == "folder":
        _check_names(data, elsewhere)
    return LAYOUTS[data.name](elsewhere)


def _read(data: Data) -> Content | Stored:
    if data.name in LAYOUTS:
        return read_stored(data, test_listing(data))
    if data.name in WITHOUT_FILES:
        raise SettingError(
            f"`data.test` must be a share of the examples for {data.name!r}, which has no test set of its own, but is "
            "'own'; for example data.test=0.2."
        )
    return read(_elsewhere(data))


def _elsewhere(data: Data) -> Data:
    """The settings of the test examples."""
    if data.test_root is None:
        raise SettingError(
            f"`data.test='own'` of data set {data.name!r} must be told where the test examples lie: set "
            "`data.test_root` (--set data.test_root=PATH), or take a share of the others (data.test=0.2)."
        )
    if data.root is not None and _place(data.test_root) == _place(data.root):
        raise SettingError(
            f"`data.test_root` must be other files than `data.root`, but both are {data.root!r}: a run would be "
            "tested on what it was trained on."
        )
    return data.model_copy(update={"root": data.test_root})


def _place(path: str) -> Path:
    return Path(path).expanduser().resolve()


def _check_names(data: Data, elsewhere: Data) -> None:
    """Classes are numbered by the order of their folders: a missing one would rename those behind it."""
    train, test = class_names(data), class_names(elsewhere)
    if train != test:
        odd = sorted(set(train) ^ set(test))
        raise SettingError(
            f"`data.test_root` must hold the folders of classes that `data.root` holds, but {odd[0]!r} is in one of "
            f"the two only ({len(odd)} such)."
        )
