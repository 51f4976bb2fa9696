import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.settings.groups import Data


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
