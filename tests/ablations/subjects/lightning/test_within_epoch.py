"""A user's training that is killed within an epoch goes on with the next batch, and ends as one that was not."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, Sampler
from torchmetrics import MeanMetric, MetricCollection

from ablations.context import Stopped
from ablations.errors import SettingError
from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import Outcome, fit
from ablations.subjects.lightning.pairing.construct import construct
from ablations.subjects.lightning.ranks import of_this_rank

sys.path.insert(0, str(Path(__file__).parent))

from prices import Folder, Houses, Interrupted, Prices, Rows


class Told(Prices):
    """Logs in every way there is, on the first batch only too."""

    def __init__(self, *, lr: float = 0.05) -> None:
        super().__init__(lr=lr)
        self.mean = MeanMetric()

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        loss = super().training_step(batch, number)
        self.mean(loss)
        self.log("mean", self.mean, on_step=False, on_epoch=True)
        self.log("least", loss.detach(), on_epoch=True, on_step=False, reduce_fx=min)
        self.log("last", loss.detach())
        if number == 0:
            self.log("first", loss.detach(), on_epoch=True, reduce_fx="sum")
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """Something that Lightning does after it has told the callbacks of the batch."""
        with torch.no_grad():
            self.net[0].bias.mul_(0.9)


def trained(
    folder: Path,
    *,
    kill_at_step: int = 0,
    make: Callable[[], pl.LightningModule] = Told,
    data: Any = None,
    stopping: Callable[[], bool] = lambda: False,
    **options: Any,
) -> tuple[Outcome, Folder, pl.LightningModule]:
    context = Folder(folder, kill_at_step=kill_at_step)
    module = construct(make, seed=1).module
    outcome = fit(
        module,
        Houses() if data is None else data,
        rule=EpochRule(metric="val_mae", at="best"),
        trainer_options={"max_epochs": 3, **options},
        seed=1,
        context=context,
        checkpoint_seconds=0,
        checkpoint_minutes=0,
        stopping=stopping,
    )
    return outcome, context, module


def nothing() -> dict[str, Any]:
    return {}


def assert_equal_to_whole(
    folder: Path,
    *,
    steps: int,
    killed_at: int = 10,
    how: Callable[[], dict[str, Any]] = nothing,
) -> Outcome:
    """Kill a training in its second epoch; the next attempt takes so many steps."""
    whole, heard, module = trained(folder / "whole", **how())
    with pytest.raises(Interrupted):
        trained(folder / "parts", kill_at_step=killed_at, **how())
    parts, context, resumed = trained(folder / "parts", **how())
    assert context._steps == steps
    a, b = module.state_dict(), resumed.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    plain = [{**record, "seconds": None} for record in context.records]
    assert plain == [{**record, "seconds": None} for record in heard.records[1:]]
    assert (parts.metrics, parts.epoch) == (whole.metrics, whole.epoch)
    return whole


def everything() -> dict[str, Any]:
    return {
        "accumulate_grad_batches": 2,
        "gradient_clip_val": 0.5,
        "precision": "bf16-mixed",
        # Once, after the third of five batches, and so before what is interrupted after the fourth.
        "val_check_interval": 3,
        "limit_train_batches": 5,
        "callbacks": LearningRateMonitor(),
    }


def watched() -> dict[str, Any]:
    """Callbacks of Lightning's that keep what they need."""
    return {"callbacks": [EarlyStopping("val_mae", patience=3), ModelCheckpoint(monitor="val_mae")]}


class Planned(Told):
    """Its schedule asks how many steps there are, for which Lightning looks into the loader."""

    def configure_optimizers(self) -> Any:
        optimiser = torch.optim.SGD(self.parameters(), lr=0.1)
        rate = torch.optim.lr_scheduler.LinearLR(
            optimiser, 1.0, 0.1, int(self.trainer.estimated_stepping_batches)
        )
        return [optimiser], [{"scheduler": rate, "interval": "step"}]


def planned() -> dict[str, Any]:
    return {"make": Planned}


def reduced() -> dict[str, Any]:
    """So fast that `ReduceLROnPlateau` takes a step at the end of the interrupted epoch."""
    return {"make": lambda: Told(lr=1.0)}


@pytest.mark.parametrize(
    ("how", "steps", "killed_at"),
    [
        (nothing, 9, 10),
        (everything, 6, 10),
        *(
            pytest.param(*case, marks=pytest.mark.long)
            for case in [(watched, 9, 10), (planned, 9, 10), (reduced, 9, 10)]
        ),
    ],
)
def test_it_goes_on_with_the_next_batch(
    how: Callable[[], dict[str, Any]], steps: int, killed_at: int, tmp_path: Path
) -> None:
    whole = assert_equal_to_whole(tmp_path, steps=steps, killed_at=killed_at, how=how)
    assert whole.again == ""


@pytest.mark.long
def test_loaders_with_workers_go_on_with_the_next_batch(tmp_path: Path) -> None:
    whole = assert_equal_to_whole(tmp_path, steps=9, how=lambda: {"data": Houses(workers=2)})
    assert whole.again == ""


class Gathers(Prices):
    """What it has seen is in a list, as in many programs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        loss = super().training_step(batch, number)
        self.seen.append(float(loss.detach()))
        return loss

    def on_train_epoch_end(self) -> None:
        self.log("mean", sum(self.seen) / len(self.seen))
        self.seen = []


class Own(Sampler[int]):
    def __len__(self) -> int:
        return 48

    def __iter__(self) -> Any:
        return iter(torch.randperm(48).tolist())


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(Rows()[index] for index in range(16))


class Collected(Prices):
    def __init__(self) -> None:
        super().__init__()
        self.metrics = MetricCollection({"mean": MeanMetric()})

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        loss = super().training_step(batch, number)
        self.metrics(loss)
        self.log_dict(self.metrics)
        return loss


class Manual(Prices):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)

    def training_step(self, batch: list[Tensor], number: int) -> Tensor:
        loss = super().training_step(batch, number)
        step: Any = self.optimizers()
        step.zero_grad()
        self.manual_backward(loss)
        step.step()
        return loss


class Before(pl.Callback):
    def on_train_epoch_start(self, *_: Any) -> None:
        """Something."""


class After(pl.Callback):
    def on_train_epoch_end(self, *_: Any) -> None:
        """Something."""


def loaders(**how: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"data": (DataLoader(batch_size=8, **how), DataLoader(Rows(noise=0), 16))}


AGAIN: dict[str, Callable[[], dict[str, Any]]] = {
    "`Gathers` has `on_train_epoch_end` without an `on_save_checkpoint`": lambda: {"make": Gathers},
    "`Own` draws an order of its own": loaders(dataset=Rows(), sampler=Own()),
    "`Stream` is iterable, without places to go on at": loaders(dataset=Stream()),
    "its `MetricCollection` is no plain metric": lambda: {"make": Collected},
    "`Manual` steps its optimizers itself": lambda: {"make": Manual},
    "`trainer.max_steps` counts no epochs": lambda: {"max_steps": 2},
    "the callback `Before` does something as an epoch begins": lambda: {"callbacks": Before()},
    "the callback `After` has `on_train_epoch_end` without a `state_dict`": lambda: {
        "callbacks": After()
    },
    "it trains on several loaders at once": lambda: {
        "data": ({"one": DataLoader(Rows(), 8)}, DataLoader(Rows(noise=0), 16)), "make": Nested,
    },
}  # fmt: skip


class Nested(Prices):
    def training_step(self, batch: Any, number: int) -> Tensor:
        return super().training_step(batch["one"], number)


@pytest.mark.parametrize("again", AGAIN)
def test_no_checkpoint_is_written_within_an_epoch_that_it_would_lack_something_of(
    again: str, tmp_path: Path
) -> None:
    short = {"max_epochs": 1, "limit_train_batches": 2, "limit_val_batches": 1}
    outcome, _, _ = trained(tmp_path, **AGAIN[again](), **short)
    assert outcome.again == again
    assert not (tmp_path / "checkpoint.ckpt").exists()


def test_a_run_goes_on_within_an_epoch_with_as_many_processes_as_it_had() -> None:
    of_two: Any = SimpleNamespace(world_size=2, global_rank=1)
    assert of_this_rank(of_two, ["first", "second"]) == "second"
    with pytest.raises(
        SettingError, match=r"as many processes as it had, 3, but has 2 now\. Give it as many GPUs"
    ):
        of_this_rank(of_two, ["first", "second", "third"])


def test_an_epoch_that_is_gathered_in_a_list_is_trained_again(tmp_path: Path) -> None:
    assert_equal_to_whole(tmp_path, steps=12, how=lambda: {"make": Gathers})


def test_a_training_that_is_asked_to_stop_does_so_within_its_epoch(tmp_path: Path) -> None:
    asked = iter([False, False, False, True])
    with pytest.raises(Stopped):
        trained(tmp_path, stopping=lambda: next(asked))
    _, context, module = trained(tmp_path)
    assert context._steps == 18 - 4
    _, _, whole = trained(tmp_path / "whole")
    assert torch.equal(module.net[0].weight, whole.net[0].weight)


def test_torchs_samplers_are_taken_up_and_others_named(tmp_path: Path) -> None:
    sampled = RandomSampler(Rows(), replacement=True, num_samples=48)
    whole = assert_equal_to_whole(tmp_path, steps=9, how=loaders(dataset=Rows(), sampler=sampled))
    assert whole.again == ""
