import random
from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.utilities.combined_loader import CombinedLoader
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    Sampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from ablations.errors import SettingError
from ablations.subjects.lightning.loading.batch_digest import batch_digest
from ablations.subjects.lightning.loading.order import Order, ordered


class Noisy(Dataset[Tensor]):
    """Examples that draw from all three shared states."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Tensor:
        drawn = [float(torch.rand(())), random.random(), np.random.rand()]  # noqa: NPY002
        return torch.tensor([float(index), *drawn])


class Stream(IterableDataset[Tensor]):
    def __iter__(self) -> Iterator[Tensor]:
        for index in range(8):
            yield torch.tensor([float(index), float(torch.rand(()))])


class Backwards(Sampler[int]):
    """Draws as it goes, and knows epochs."""

    epoch = -1

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return 6

    def __iter__(self) -> Iterator[int]:
        for index in range(6):
            yield (index + int(torch.randint(100, ()))) % 20


def order(seed: int = 0, *, epoch: int = 0, **options: Any) -> Order:
    return Order(seed=seed, epochs_done=lambda: epoch, **options)


def read(loader: Any, at: Order, *, name: str = "train", disturb: bool = False) -> list[Tensor]:
    """All batches of one pass; a disturbing step draws between them."""
    batches = []
    for batch in at.apply(loader, name=name):
        batches.append(batch)
        if disturb:
            torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002
    return batches


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(map(torch.equal, first, second))


def shuffled(workers: int = 0, **options: Any) -> DataLoader[Tensor]:
    options = {"batch_size": 4, "shuffle": True, **options}
    return DataLoader(Noisy(), num_workers=workers, **options)


def test_what_is_read_depends_on_seed_and_epoch_and_on_nothing_drawn_in_between() -> None:
    first = read(shuffled(), order())
    torch.rand(7)
    assert same(first, read(shuffled(), order(), disturb=True))
    assert not same(first, read(shuffled(), order(1)))
    assert not same(first, read(shuffled(), order(epoch=1)))
    assert sorted(torch.cat(first)[:, 0].tolist()) == list(range(20))


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True, "prefetch_factor": 3}])
def test_workers_read_the_same_numbers_as_this_process(options: dict[str, Any]) -> None:
    assert same(read(shuffled(), order()), read(shuffled(2, **options), order()))


@pytest.mark.parametrize("part", [Noisy(), Subset(Subset(Noisy(), range(20)), range(20))])
def test_arms_of_other_batch_sizes_see_the_same_examples(part: Dataset[Tensor]) -> None:
    four, five = (read(DataLoader(part, batch_size=size, shuffle=True), order()) for size in (4, 5))
    assert torch.equal(torch.cat(four), torch.cat(five))
    # No two are augmented alike, in an epoch or in two of them.
    again = torch.cat(read(DataLoader(part, batch_size=4, shuffle=True), order(epoch=1)))
    drawn = torch.cat([*four, again])[:, 1:]
    assert all(len(one.unique()) == len(drawn) for one in drawn.T)


def test_tensors_are_read_as_they_are() -> None:
    data = TensorDataset(torch.arange(20.0))
    batches = read(DataLoader(Subset(data, range(10)), batch_size=4, shuffle=True), order())
    assert sorted(torch.cat([batch[0] for batch in batches]).tolist()) == list(range(10))


def test_a_batch_that_is_put_together_by_chance_is_streamed_too() -> None:
    def mixed(rows: list[tuple[Tensor]]) -> Tensor:
        return torch.stack([row[0] for row in rows]) * torch.rand(())

    def loader(workers: int) -> DataLoader[Any]:
        data = TensorDataset(torch.arange(1.0, 21.0))
        return DataLoader(data, batch_size=4, collate_fn=mixed, num_workers=workers)

    first = read(loader(0), order())
    assert same(first, read(loader(2), order()))
    assert same(first, read(loader(0), order(), disturb=True))
    assert not same(first, read(loader(0), order(1)))


def test_what_a_step_draws_depends_on_its_place_alone() -> None:
    def steps(loader: Any, at: Order, *, more: int) -> list[float]:
        drawn = []
        for _ in at.apply(loader, name="train"):
            drawn.append(float(torch.rand(())))
            torch.rand(more)
        return drawn

    assert steps(shuffled(), order(), more=0) == steps(shuffled(2), order(), more=9)
    drawn = steps(shuffled(), order(), more=0)
    assert len(set(drawn)) == len(drawn)


def test_the_persistent_workers_second_epoch_is_that_of_the_epoch() -> None:
    epoch = [0]
    at = Order(seed=0, epochs_done=lambda: epoch[0])
    loader = at.apply(shuffled(2, persistent_workers=True), name="train")
    list(loader)
    epoch[0] = 1
    assert same(list(loader), read(shuffled(), order(epoch=1)))


def test_a_pass_begun_again_in_an_epoch_is_another_and_an_unread_one_the_same() -> None:
    loader = order().apply(shuffled(), name="train")
    iter(loader)
    first, second = list(loader), list(loader)
    assert same(first, read(shuffled(), order()))
    assert not same(first, second)


def test_a_loader_without_shuffling_keeps_its_order() -> None:
    batches = read(shuffled(shuffle=False), order())
    assert torch.cat(batches)[:, 0].tolist() == list(range(20))


def test_weights_a_generator_and_a_sampler_of_the_users_own_are_streamed_too() -> None:
    def loaders() -> list[DataLoader[Tensor]]:
        weighted = WeightedRandomSampler(torch.arange(20.0), 20)
        own = torch.Generator()
        return [
            shuffled(shuffle=False, sampler=weighted),
            shuffled(generator=own),
            shuffled(shuffle=False, sampler=Backwards()),
            DataLoader(Noisy(), batch_sampler=BatchSampler(Backwards(), 2, drop_last=False)),
        ]

    for loader, again, other in zip(loaders(), loaders(), loaders(), strict=True):
        first = read(loader, order())
        assert same(first, read(again, order(), disturb=True))
        assert not same(first, read(other, order(1)))


def test_a_sampler_that_counts_epochs_is_told_before_it_is_asked() -> None:
    sampler = Backwards()
    loader = order(epoch=3).apply(shuffled(shuffle=False, sampler=sampler), name="train")
    iter(loader)
    assert sampler.epoch == 3


def test_a_loader_that_batches_nothing() -> None:
    one = read(DataLoader(Noisy(), batch_size=None, shuffle=True), order())
    assert same(
        one, read(DataLoader(Noisy(), batch_size=None, shuffle=True), order(), disturb=True)
    )
    assert one[0].shape == (4,)
    by_lists = DataLoader(
        TensorDataset(torch.arange(6.0)),
        sampler=BatchSampler(range(6), 3, drop_last=False),  # type: ignore[arg-type]
        batch_size=None,
    )
    assert [batch[0].tolist() for batch in read(by_lists, order())] == [[0, 1, 2], [3, 4, 5]]


def test_an_iterable_data_set_is_seeded_and_what_cannot_be_had_is_said() -> None:
    at = order()
    first = read(DataLoader(Stream(), batch_size=2), at)
    assert same(first, read(DataLoader(Stream(), batch_size=2), order(), disturb=True))
    assert at.limits[0].startswith("`Stream` is iterable: its order is its own")
    with_workers = {"batch_size": 2, "num_workers": 1, "persistent_workers": True}
    first = read(DataLoader(Stream(), **with_workers), at)
    assert same(first, read(DataLoader(Stream(), **with_workers), order()))
    assert at.limits[-1].startswith("the persistent workers of the iterable `Stream` go on")


def test_several_loaders_have_streams_of_their_own() -> None:
    loaders = order().apply({"a": shuffled(), "b": [shuffled()]}, name="train")
    assert not same(list(loaders["a"]), list(loaders["b"][0]))
    combined = order().apply(CombinedLoader([shuffled()], "min_size"), name="train")
    (batch,) = next(iter(combined))[0]
    assert torch.equal(batch, read([shuffled()][0], order(), name="train/0")[0])


def test_the_processes_of_a_run_share_an_epoch() -> None:
    parts = [read(shuffled(batch_size=2), order(rank=rank, world_size=2)) for rank in (0, 1)]
    whole = torch.cat(read(shuffled(), order()))
    assert torch.equal(torch.stack([torch.cat(part) for part in parts], 1).flatten(0, 1), whole)
    with pytest.raises(
        SettingError, match=r"^a `Backwards` cannot be shared among the 2 processes of a run\. Let"
    ):
        order(world_size=2).apply(shuffled(shuffle=False, sampler=Backwards()), name="train")


def test_the_first_batches_are_hashed() -> None:
    at, again = order(), order()
    read(shuffled(), at), read(shuffled(2), again)
    assert len(at.digests) == 2
    assert at.digests == again.digests
    assert at.digests == [batch_digest(batch) for batch in read(shuffled(), order())[:2]]
    other = order(1)
    read(shuffled(), other)
    assert set(at.digests).isdisjoint(other.digests)


def test_a_digest_tells_numbers_shapes_types_and_structures_apart() -> None:
    batches: list[Any] = [
        torch.zeros(4),
        torch.zeros(2, 2),
        torch.zeros(4, dtype=torch.float64),
        torch.tensor([0.0, 0.0, 0.0, 1.0]),
        [torch.zeros(4)],
        {"x": torch.zeros(4)},
        {"x": np.zeros(4)},
        "zeros",
    ]
    assert len({batch_digest(batch) for batch in batches}) == len(batches)
    assert batch_digest({"x": torch.ones(2)}) == batch_digest({"x": torch.ones(2)})


def test_the_loader_of_the_user_is_left_as_it_was_and_seen_through() -> None:
    loader = shuffled()
    sampler, dataset = loader.sampler, loader.dataset
    streamed = order().apply(loader, name="train")
    assert (loader.sampler, loader.dataset) == (sampler, dataset)
    assert (len(streamed), streamed.batch_size, len(streamed.dataset)) == (5, 4, 20)


def test_hooks_are_put_back() -> None:
    class Data(pl.LightningDataModule):
        def train_dataloader(self) -> DataLoader[Tensor]:
            return shuffled()

    data = Data()
    with ordered(data, order()):
        assert not same(list(data.train_dataloader()), list(shuffled()))
        assert set(vars(data)) & {"train_dataloader", "val_dataloader"} == {"train_dataloader"}
    assert "train_dataloader" not in vars(data)
