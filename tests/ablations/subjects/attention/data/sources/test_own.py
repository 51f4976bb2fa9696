import errno
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data

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


def opens(data):
    open("not/here.npz")
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
        (
            "raises",
            "it failed: FileNotFoundError: there is no such file (own_data_of_a_test.py, line 49).",
        ),
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


@pytest.mark.usefixtures("in_own_folder")
def test_a_file_that_it_misses_is_an_error_of_the_place_and_names_the_function() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"_test:opens' must name .*not/here\.npz"
    ) as raised:
        read(Data(name="own_data_of_a_test:opens"))
    assert raised.value.errno == errno.ENOENT


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
