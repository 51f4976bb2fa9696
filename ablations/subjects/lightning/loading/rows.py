"""Reading a batch of a `TensorDataset` at once: the numbers that torch would read row by row and then stack."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, TensorDataset

from ablations.subjects.lightning.loading.reading import whole


def holds_rows(dataset: Any) -> bool:
    """Whether the data set, or what it is a `Subset` of, is a `TensorDataset` of ordinary tensors.

    Nothing draws while its batches are read and put together.
    """
    found = whole(dataset)
    if type(found) is not TensorDataset:
        return False
    return all(type(one) is Tensor and one.layout == torch.strided for one in found.tensors)


class Rows(Dataset[Any]):
    """A data set that `holds_rows`, read by the batch: `as_read` stands for the loader's `default_collate`.

    Reading 64 rows one by one and stacking them takes as long as a small network's step.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # not there yet while this is unpickled in a spawned worker
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[index]

    def __getitems__(self, indices: Sequence[int]) -> list[Tensor]:
        """The batch."""
        dataset, chosen = self.dataset, list(indices)
        while type(dataset) is Subset:
            chosen = [dataset.indices[index] for index in chosen]
            dataset = dataset.dataset
        where = torch.as_tensor(chosen, dtype=torch.long)
        return [one[where].contiguous() for one in dataset.tensors]


def as_read(batch: Any) -> Any:
    """The batch as it is."""
    return batch
