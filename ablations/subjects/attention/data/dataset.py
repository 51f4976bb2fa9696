"""The data set that the settings name: its split, the fingerprint of its content, its shape."""

import hashlib

import numpy as np

from ablations.errors import SettingError
from ablations.subjects.attention.data.examples import Split
from ablations.subjects.attention.data.layouts.layouts import LAYOUTS
from ablations.subjects.attention.data.layouts.listing import Listing
from ablations.subjects.attention.data.parts import parts_of, varies
from ablations.subjects.attention.data.remembered import remembered
from ablations.subjects.attention.data.sources.content import Content
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.data.split import split_into
from ablations.subjects.attention.data.stored.identity import (
    by_pixels,
    update_with_pixels,
    update_with_sample,
)
from ablations.subjects.attention.data.stored.sentences import (
    identity_in_words,
    in_words,
    left_out_in_words,
)
from ablations.subjects.attention.data.stored.stored import Stored, view_of
from ablations.subjects.attention.data.test_set import own_test_set, test_listing
from ablations.subjects.attention.settings.groups import Data


def load(data: Data, *, seed: int = 0) -> Split:
    """The split that the settings name; where each seed has its own, that of this seed.

    Raises:
        SettingError: If there is no such data set, a class is too small to be split, a channel is
            constant, sequences are to be augmented as images are, or the test set is of another kind.
    """
    content = _read(data)
    if len(content.shape) == 2 and data.augmentation != "none":
        raise SettingError(
            f"`data.augmentation` must be 'none' for sequences, but is {data.augmentation!r}: it moves images."
        )
    return split_into(parts_of(content.y, data, seed=seed), content, test=_read_test(data))


def on_device(data: Data, device: str, seed: int = 0) -> Split:
    """The split of a run with this seed, kept on the device from one run of a worker to the next."""
    # One that no other seed shares is of use to the run after it only, and as large as the data set.
    return _of_seed(data, device, seed) if varies(data) else _of_all(data, device)


@remembered(most=4)
def _of_all(data: Data, device: str) -> Split:
    return load(data).to(device)


@remembered(most=1)
def _of_seed(data: Data, device: str, seed: int) -> Split:
    return load(data, seed=seed).to(device)


@remembered(most=8)
def fingerprint(data: Data) -> str:
    """Sixteen hexadecimal digits of the content of the data set, before any split.

    Of stored images that are many or scaled they are of names, sizes and a sample of the content.
    """
    digest = hashlib.sha256()
    if data.name in LAYOUTS and not by_pixels(listing := _listing(_as_read(data)), view_of(data)):
        update_with_sample(digest, listing)
        if data.test == "own":
            update_with_sample(digest, test_listing(data))
        return digest.hexdigest()[:16]
    for content in (_read(data), _read_test(data)):
        if isinstance(content, Stored):
            update_with_pixels(digest, content)
        elif content is not None:
            digest.update(np.ascontiguousarray(content.x).tobytes())
            digest.update(np.ascontiguousarray(content.y).tobytes())
            if content.lengths is not None:
                digest.update(np.ascontiguousarray(content.lengths).tobytes())
    return digest.hexdigest()[:16]


def shape(data: Data) -> tuple[int, tuple[int, ...], int]:
    """Channels and size of an example, and the number of classes."""
    return _facts(data)[0]


def sizes(data: Data) -> tuple[int, int]:
    """How many examples train, and how many validate; where each seed has a split of its own, the first's."""
    return _facts(data)[1][:2]


def size_of_test_set(data: Data) -> int:
    """How many examples test; 0 where no test set is declared."""
    return _facts(data)[1][2]


@remembered(most=8)
def _facts(data: Data) -> tuple[tuple[int, tuple[int, ...], int], tuple[int, int, int]]:
    split = load(data)
    shape = split.in_channels, split.size, split.classes
    return shape, (len(split.train), len(split.val), len(split.test or ()))


def storage(data: Data) -> tuple[str, ...]:
    """Sentences on how stored images come to the network, by what they are told from others, and which are left out."""
    if data.name not in LAYOUTS:
        return ()
    found, view = _read(data), view_of(data)
    assert isinstance(found, Stored)
    test = _read_test(data)
    missing = found.left_out + (test.left_out if isinstance(test, Stored) else ())
    return (
        in_words(data, found),
        identity_in_words(found.listing, view),
        *([left_out_in_words(missing)] if missing else []),
    )


def _read(data: Data) -> Content | Stored:
    return _content(_as_read(data))


def _read_test(data: Data) -> Content | Stored | None:
    return None if data.test != "own" else _test_content(_as_read(data))


def _as_read(data: Data) -> Data:
    """Settings of stored images that differ in what is done with them only are read once."""
    if data.name not in LAYOUTS:
        return data
    cut = {"augmentation": "random_resized_crop" if data.cuts_stored_images else "none"}
    kept = (
        "name",
        "root",
        "test",
        "test_root",
        "image_size",
        "image_share",
        "stream",
        "skip_corrupt",
    )
    return Data(**{name: getattr(data, name) for name in kept}, **cut)


@remembered(most=2)
def _content(data: Data) -> Content | Stored:
    return read(data)


@remembered(most=2)
def _test_content(data: Data) -> Content | Stored:
    return own_test_set(data, _read(data))


@remembered(most=2)
def _listing(data: Data) -> Listing:
    return LAYOUTS[data.name](data)
