"""Which examples train, which validate and which test: by class, by the settings and the seed.

The test set is drawn first and by nothing that a study can choose from: no split's training or validation examples
are in it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablations.errors import SettingError
from ablations.streams import stream_seed
from ablations.subjects.attention.data.layouts.listing import Labels
from ablations.subjects.attention.settings.groups import Data

Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Parts:
    """True where an example is of the part; each shape (n,)."""

    train: Chosen
    val: Chosen
    test: Chosen


def parts_of(labels: Labels, data: Data, *, seed: int) -> Parts:
    """The parts that a run with this seed has; one seed's are the same for all arms.

    Raises:
        SettingError: If a class is too small to be in every part.
    """
    test = np.zeros(len(labels), dtype=bool)
    if not isinstance(data.test, str):
        test = _share(labels, data.test, seed=stream_seed(0, "test"), name="data.test")
    rest = np.flatnonzero(~test)
    val = np.zeros(len(labels), dtype=bool)
    val[rest[_held_out(labels[rest], data, seed)]] = True
    return Parts(train=~test & ~val, val=val, test=test)


def varies(data: Data) -> bool:
    """Whether each seed has a split of its own."""
    return data.split != "fixed"


def _held_out(labels: Labels, data: Data, seed: int) -> Chosen:
    if data.split == "folds":
        again, which = divmod(seed, data.folds)
        drawn = stream_seed(again, f"folds/{data.split_seed}")
        return _fold(labels, which, folds=data.folds, seed=drawn)
    drawn = stream_seed(seed, f"split/{data.split_seed}") if varies(data) else data.split_seed
    return _share(labels, data.val_fraction, seed=drawn, name="val_fraction")


def _share(labels: Labels, share: float, *, seed: int, name: str) -> Chosen:
    """`share` of each class, rounded to the nearest whole example."""
    chosen = np.zeros(len(labels), dtype=bool)
    for label, members in _shuffled(labels, seed):
        count = round(share * len(members))
        if not 0 < count < len(members):
            to = "test" if name == "data.test" else "validate"
            raise SettingError(
                f"`{name}` must leave examples of class {label} on both sides, but "
                f"{share:g} of {len(members)} leaves {count} to {to}; choose another share."
            )
        chosen[members[:count]] = True
    return chosen


def _fold(labels: Labels, which: int, *, folds: int, seed: int) -> Chosen:
    """One of `folds` parts of each class; what cannot be shared out evenly goes to another fold for each class."""
    chosen = np.zeros(len(labels), dtype=bool)
    for label, members in _shuffled(labels, seed):
        if folds > len(members):
            raise SettingError(
                f"`data.folds` must be at most {len(members)}, the examples of class {label}, so that each fold "
                f"validates with every class, but is {folds}. Use fewer folds."
            )
        chosen[members[(np.arange(len(members)) + label) % folds == which]] = True
    return chosen


def _shuffled(labels: Labels, seed: int) -> list[tuple[int, NDArray[np.intp]]]:
    """Each class with its members in random order."""
    rng = np.random.default_rng(seed)
    return [(int(x), rng.permutation(np.flatnonzero(labels == x))) for x in np.unique(labels)]
