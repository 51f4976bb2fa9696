"""The Lightning module: a classifier whose channel attention is set by its parameters."""

import math
from contextlib import AbstractContextManager, nullcontext
from operator import index
from typing import Any, TypeVar

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ablations.errors import SettingError
from ablations.streams import initialise, stream
from ablations.subjects.attention.networks.hosts import position_dims
from ablations.subjects.attention.networks.residual import set_stochastic_depth
from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone, Training
from ablations.subjects.attention.training.mixing import mix
from ablations.subjects.attention.training.optimisers import make_optimiser
from ablations.subjects.attention.training.schedules import make_schedule
from ablations.subjects.lightning.ranks import of_all_ranks, of_this_rank

_S = TypeVar("_S", Backbone, Training)


class AttentionClassifier(pl.LightningModule):
    """A classifier of images (n, in_channels, height, width), or of sequences (n, in_channels, length).

    Works with any `Trainer` and any loader of batches (x, y), y of shape (n,), or (x, y, mask), mask of
    shape (n, length) for padded sequences, not 0 where a sequence is; each row needs a position that counts,
    because the mean over none is NaN (not checked: a look at the numbers would make a GPU wait). y may be soft, of
    shape (n, classes); its accuracy is that of the likeliest class. Logs
    `train_loss`, `val_loss` (nats per example, means over the epoch) and `val_accuracy`, or `test_loss` and
    `test_accuracy`; of several loaders the first one's, and the others' as `val_loss_1`, `val_loss_2`, ... Predicts
    logits. Its hyperparameters are plain values, so a checkpoint loads with `weights_only=True`. What a subclass adds
    is trained with it. `learning_rate` is the recipe's, and may be set, as `Tuner.lr_find` does.

    Args:
        in_channels: Channels of an image or a sequence.
        classes: Number of classes.
        backbone: The host network, `settings.Backbone` or its values.
        training: The recipe, `settings.Training` or its values. Its precision and its accumulation of batches are
            the Trainer's to do (`trainer_options`); all else is done here, by any Trainer.
        seed: Draw initial weights and dropout from the named streams of this seed, so that modules
            with other attention but the same seed are paired; None uses torch's global state.
        image: Side of the images, their height and width, or the length of the sequences; needed only
            where the host is widened to equal multiply-adds.
        attention: The fields of `settings.Attention`: `reduction`, `squeeze`, `gate`, `placement`,
            `order`, ...

    Raises:
        SettingError: If a setting is illegal, or does not fit the network.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        classes: int,
        backbone: Backbone | dict[str, Any] | None = None,
        training: Training | dict[str, Any] | None = None,
        seed: int | None = None,
        image: int | tuple[int, ...] | None = None,
        **attention: Any,
    ) -> None:
        super().__init__()
        host = _values("backbone", Backbone, backbone)
        self.recipe = _values("training", Training, training)
        in_channels, classes = _count("in_channels", in_channels), _count("classes", classes)
        gate = Attention(**attention)
        self.save_hyperparameters(
            {
                "in_channels": in_channels,
                "classes": classes,
                "backbone": host.model_dump(),
                "training": self.recipe.model_dump(),
                "seed": seed,
                "image": image,
                **gate.model_dump(),
            }
        )
        self.seed = seed
        self.network: nn.Module = build_network(
            host, gate, in_channels=in_channels, classes=classes, image=image
        )
        if seed is not None:
            initialise(self.network, seed=seed)
        if self.recipe.stochastic_depth:
            set_stochastic_depth(self.network, self.recipe.stochastic_depth)
        if self.recipe.compile != "none":
            self.network.compile(mode=self.recipe.compile, dynamic=False)
        self._network_name = host.name
        self._sums: dict[str, _Sums] = {"train": _Sums()}
        self._train_loss_is_logged = False
        self._step, self._batch = -1, 0

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning writes this one 40 times a step, and torch's way of setting an attribute is long:
        # 2 % of a step on small images.
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    @property
    def learning_rate(self) -> float:
        """The recipe's."""
        return self.recipe.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self.recipe = Training(**{**self.recipe.model_dump(), "learning_rate": rate})
        self.hparams["training"] = self.recipe.model_dump()

    def forward(self, x: Tensor, *mask: Tensor) -> Tensor:
        """Logits of shape (n, classes); networks for sequences take a mask too, of any type of number."""
        logits: Tensor = self.network(x, *(self._checked_mask(x, given) for given in mask))
        return logits

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        """Mean loss of the batch, label-smoothed and of mixed images if the recipe says so."""
        del batch_idx
        x, y, *mask = batch
        step = self._step_name()
        other, own = y, 1.0
        if self.recipe.mixup or self.recipe.cutmix:
            with self._stream(f"mix/{step}"):
                x, other, own = mix(x, y, self.recipe)
        with self._stream(f"step/{step}", device=x.device):
            logits = self(x, *mask)
        loss = F.cross_entropy(logits, y, label_smoothing=self.recipe.label_smoothing)
        if own < 1:
            rest = F.cross_entropy(logits, other, label_smoothing=self.recipe.label_smoothing)
            loss = loss.lerp(rest, 1 - own)
        self._sums["train"].add(loss.detach() * len(y), len(y))
        return loss

    def validation_step(
        self, batch: tuple[Tensor, ...], batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Adds the batch to the epoch's sums; the validation loss is never smoothed."""
        del batch_idx
        self._measure("val", batch, dataloader_idx)

    def on_validation_epoch_end(self) -> None:
        """Logs the validation means, and the training mean since the last validation of the epoch."""
        self._log_means("val")
        self._log_train_loss()

    def test_step(self, batch: tuple[Tensor, ...], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Adds the batch to the sums of the test, as validation does."""
        del batch_idx
        self._measure("test", batch, dataloader_idx)

    def on_test_epoch_end(self) -> None:
        """Logs the means over all test examples."""
        self._log_means("test")

    def predict_step(
        self, batch: Tensor | tuple[Tensor, ...], batch_idx: int, dataloader_idx: int = 0
    ) -> Tensor:
        """Logits of a batch x, (x,), (x, y) or (x, y, mask)."""
        del batch_idx, dataloader_idx
        x, *rest = (batch,) if isinstance(batch, Tensor) else batch
        logits: Tensor = self(x, *rest[1:])
        return logits

    def on_train_epoch_start(self) -> None:
        """A new epoch, a new mean."""
        self._sums["train"] = _Sums()
        self._train_loss_is_logged = False

    def on_train_epoch_end(self) -> None:
        """Logs the training mean of an epoch without validation."""
        if not self._train_loss_is_logged:
            self._log_train_loss()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Within an epoch, what its training loss is summed up to."""
        loss, _, count = self._sums["train"].values()
        if count:
            checkpoint["train_sums"] = of_all_ranks(self.trainer, {"loss": loss, "count": count})

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the sums up, of an epoch that goes on; without a Trainer the weights alone are wanted."""
        if "train_sums" in checkpoint and self._trainer is not None:
            self._sums["train"].add(**of_this_rank(self.trainer, checkpoint["train_sums"]))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The recipe's optimiser and schedule.

        Raises:
            SettingError: If the Trainer does not know how many steps it will take.
        """
        # Where gradients are scaled, a fused optimiser leaves nothing to clip; of half precision it is not right.
        whole = self.trainer.precision in ("32-true", "64-true")
        optimiser = make_optimiser(self, self.recipe, fused=whole)
        schedule = make_schedule(optimiser, self.recipe, steps=self._steps())
        after = "epoch" if isinstance(schedule, ReduceLROnPlateau) else "step"
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": after, "monitor": "val_loss"},
        }

    def configure_callbacks(self) -> list[pl.Callback]:
        """The average of the weights, if the recipe has one; it stands in for them in validation and at the end."""
        decay = self.recipe.ema_decay
        return [EMAWeightAveraging(decay=decay)] if decay else []

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Shortens the gradient to the recipe's length, or does what the Trainer was told."""
        if self.recipe.clip_norm:
            gradient_clip_val, gradient_clip_algorithm = self.recipe.clip_norm, "norm"
        self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """What `optimizer.zero_grad()` does, without its profiler: nearly 1 % of a step on small images."""
        del epoch, batch_idx
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _step_name(self) -> str:
        """Of the step, and from its second batch on of the batch in it."""
        step = self.global_step
        self._batch = self._batch + 1 if step == self._step else 0
        self._step = step
        return f"{step}/{self._batch}" if self._batch else f"{step}"

    def _stream(
        self, name: str, *, device: torch.device | None = None
    ) -> AbstractContextManager[None]:
        return nullcontext() if self.seed is None else stream(self.seed, name, device=device)

    def _steps(self) -> int:
        steps = self.trainer.estimated_stepping_batches
        # Of a loader without a length Lightning gives `max_steps`, which is -1 where nobody set it.
        if math.isinf(steps) or steps < 0:
            raise SettingError(
                "the learning rate follows a schedule, so the Trainer must know its number of steps: set "
                "`max_epochs` or, for a loader without a length, `max_steps`; but they are "
                f"{self.trainer.max_epochs} and {self.trainer.max_steps}."
            )
        return int(steps)

    def _checked_mask(self, x: Tensor, mask: Tensor) -> Tensor:
        if position_dims(self._network_name) != 1:
            raise SettingError(
                f"a mask needs a network for sequences, but `backbone.name` is {self._network_name!r}; leave the "
                "mask out of the batches, or choose a network like 'sequence_resnet8'."
            )
        if mask.shape != (len(x), x.shape[-1]):
            raise SettingError(
                f"a mask must have shape (n, length), here {(len(x), x.shape[-1])}, but has {tuple(mask.shape)}."
            )
        return mask.bool()

    def _measure(self, part: str, batch: tuple[Tensor, ...], loader: int) -> None:
        x, y, *mask = batch
        logits = self(x, *mask)
        loss = F.cross_entropy(logits, y, reduction="sum")
        sums = self._sums.setdefault(f"{part}_{loader}" if loader else part, _Sums())
        label = y.argmax(1) if y.dim() == 2 else y
        sums.add(loss, len(y), (logits.argmax(1) == label).sum())

    def _log_means(self, part: str) -> None:
        """The first loader's under the plain names, the others' with their places."""
        self._sums.setdefault(part, _Sums())  # ranks log the same, those without a batch too
        for name in sorted(name for name in self._sums if name.partition("_")[0] == part):
            loss, accuracy = self._means(name)
            suffix = name.removeprefix(part)
            self.log_dict({f"{part}_loss{suffix}": loss, f"{part}_accuracy{suffix}": accuracy})

    def _log_train_loss(self) -> None:
        if self._sums["train"].count:
            self.log("train_loss", self._means("train")[0])
            self._sums["train"] = _Sums()
            self._train_loss_is_logged = True

    def _means(self, part: str) -> tuple[Tensor, Tensor]:
        """Mean loss and accuracy over all ranks; afterwards the sums are empty."""
        sums = self._sums.pop(part)
        exact = _exact(self.device.type)
        totals = torch.stack(
            [torch.as_tensor(x, device=self.device, dtype=exact) for x in sums.values()]
        )
        totals = self.trainer.strategy.reduce(totals, reduce_op="sum")
        return (totals[0] / totals[2]).float(), (totals[1] / totals[2]).float()


def _exact(device: str) -> torch.dtype:
    """The longest floats of a kind of device: Apple's have none of 64 bits."""
    return torch.float32 if device == "mps" else torch.float64


class _Sums:
    """Sums over the batches of an epoch; tensors stay on the device until the epoch's end."""

    def __init__(self) -> None:
        self.loss: Tensor | float = 0.0
        self.correct: Tensor | int = 0
        self.count = 0

    def add(self, loss: Tensor, count: int, correct: Tensor | int = 0) -> None:
        self.loss = self.loss + loss
        self.correct = self.correct + correct
        self.count += count

    def values(self) -> tuple[Tensor | float, Tensor | int, int]:
        return self.loss, self.correct, self.count


def _values(name: str, kind: type[_S], given: _S | dict[str, Any] | None) -> _S:
    if not isinstance(given, kind | dict | None):
        raise SettingError(
            f"`{name}` must be a `settings.{kind.__name__}`, or a dict of its values like "
            f"{kind().model_dump(include={next(iter(kind.model_fields))})}, but got {given!r}."
        )
    return kind(**given) if isinstance(given, dict) else given or kind()


def _count(name: str, given: int) -> int:
    """A plain int, because a checkpoint with NumPy's does not load with `weights_only=True`."""
    try:
        count = index(given)
    except TypeError:
        count = 0
    if count < 1:
        raise SettingError(f"`{name}` must be a whole number of at least 1, but got {given!r}.")
    return count
