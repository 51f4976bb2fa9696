import numpy as np
from sklearn.datasets import load_digits

from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data


def test_digits_are_what_scikit_learn_loads() -> None:
    content = read(Data())
    theirs, classes = load_digits(return_X_y=True)
    assert np.array_equal(content.x.reshape(-1, 64), theirs)
    assert np.array_equal(content.y, classes)


def test_digits_have_the_published_size_and_range() -> None:
    content = read(Data())
    x, y = content.x, content.y
    assert (x.shape, x.min(), x.max()) == ((1797, 1, 8, 8), 0, 16)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
