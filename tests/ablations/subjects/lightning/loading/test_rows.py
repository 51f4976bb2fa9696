import pickle
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from ablations.subjects.lightning.loading.order import Order
from ablations.subjects.lightning.loading.rows import Rows, holds_rows

X = torch.arange(60.0).view(12, 5)
MAPS = torch.randn(12, 3, 4, 4).to(memory_format=torch.channels_last)
DATA: dict[str, Dataset[Any]] = {
    "two tensors": TensorDataset(X, torch.arange(12)),
    "one tensor": TensorDataset(X),
    "not contiguous": TensorDataset(torch.randn(5, 12).t(), MAPS),
    "a part of a part": Subset(Subset(TensorDataset(X), range(2, 12)), [7, 0, 3, 9, 1]),
}


def streamed(loader: DataLoader[Any]) -> list[list[Tensor]]:
    return list(Order(seed=0, epochs_done=lambda: 0).apply(loader, name="val"))


@pytest.mark.parametrize("name", DATA)
def test_batches_are_those_that_torch_reads_row_by_row(name: str) -> None:
    loader = DataLoader(DATA[name], batch_size=4)
    ours, theirs = streamed(loader), list(loader)
    assert len(ours) == len(theirs)
    for mine, plain in zip(ours, theirs, strict=True):
        assert type(mine) is type(plain)
        assert all(map(torch.equal, mine, plain))
        assert [one.stride() for one in mine] == [one.stride() for one in plain]


def test_what_is_no_plain_table_is_read_as_ever() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(2 * one for one in super().__getitem__(index))

    own = Doubled(X)
    assert not holds_rows(own)
    assert torch.equal(streamed(DataLoader(own, batch_size=12))[0][0], 2 * X)
    mine = DataLoader(TensorDataset(X), batch_size=12, collate_fn=len)
    assert streamed(mine) == [12]


def test_a_spawned_worker_can_take_it() -> None:
    again = pickle.loads(pickle.dumps(Rows(TensorDataset(X))))
    assert torch.equal(again.__getitems__([3, 1])[0], X[[3, 1]])
