"""scikit-learn's handwritten digits, as images and as sequences."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ablations.subjects.attention.data.layouts.listing import Labels
from ablations.subjects.attention.data.sources.content import Values
from ablations.subjects.attention.settings.groups import Data


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
