from pathlib import Path

import numpy as np
import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.data.dataset import fingerprint, load, sizes
from ablations.subjects.attention.settings.groups import Data


def test_the_split_seed_changes_the_split_and_not_the_content() -> None:
    assert torch.equal(load(Data()).val.y, load(Data()).val.y)
    assert not torch.equal(load(Data()).val.x, load(Data(split_seed=1)).val.x)
    assert fingerprint(Data()) == fingerprint(Data(split_seed=1))


def test_an_unknown_data_set_gets_the_nearest_name() -> None:
    with pytest.raises(SettingError, match=r"but got 'digit'\. Did you mean 'digits'\?"):
        load(Data(name="digit"))


def test_a_file_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    x, y = np.random.default_rng(0).random((20, 1, 4, 4)), np.repeat([0, 1], 10)
    np.savez(path, x=x, y=y)
    data = Data(name="npz", root=str(path))
    before = fingerprint(data)
    assert fingerprint(data) == before
    np.savez(path, x=np.concatenate([x, x]), y=np.concatenate([y, y]))
    assert fingerprint(data) != before
    assert sizes(data) == (28, 12)
