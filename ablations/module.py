"""The Lightning module: a classifier whose channel attention is set by its parameters."""

from typing import Any, TypeVar

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from ablations.networks.build import build_network
from ablations.optimisers import make_optimiser, warmup_cosine
from ablations.settings import Attention, Backbone, Training
from ablations.streams import initialise, stream

_S = TypeVar("_S", Backbone, Training)


class AttentionClassifier(pl.LightningModule):
    """A classifier of images (n, in_channels, height, width), or of sequences (n, in_channels, length).

    Works with any `Trainer` and any loader of batches (x, y), y of shape (n,), or (x, y, mask), mask of
    shape (n, length) for padded sequences. Logs `train_loss`, `val_loss` (nats per
    example, means over the epoch) and `val_accuracy`. Its hyperparameters are plain values, so a
    checkpoint loads with `weights_only=True`.

    Args:
        in_channels: Channels of an image or a sequence.
        classes: Number of classes.
        backbone: The host network, `settings.Backbone` or its values.
        training: The recipe, `settings.Training` or its values.
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
        host = _values(Backbone, backbone)
        self.recipe = _values(Training, training)
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
        if self.recipe.compile != "none":
            self.network.compile(mode=self.recipe.compile, dynamic=False)
        self._sums = {"train": _Sums(), "val": _Sums()}

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning writes this one 40 times a step, and torch's way of setting an attribute is long:
        # 2 % of a step on small images.
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def forward(self, x: Tensor, *mask: Tensor) -> Tensor:
        """Logits of shape (n, classes); networks for sequences take a mask too."""
        logits: Tensor = self.network(x, *mask)
        return logits

    def training_step(self, batch: tuple[Tensor, ...], _: int) -> Tensor:
        """Mean loss of the batch, label-smoothed if the recipe says so."""
        x, y, *mask = batch
        if self.seed is None:
            logits = self(x, *mask)
        else:
            with stream(self.seed, f"step/{self.global_step}", device=x.device):
                logits = self(x, *mask)
        loss = F.cross_entropy(logits, y, label_smoothing=self.recipe.label_smoothing)
        self._sums["train"].add(loss.detach() * len(y), len(y))
        return loss

    def validation_step(self, batch: tuple[Tensor, ...], _: int) -> None:
        """Adds the batch to the epoch's sums; the validation loss is never smoothed."""
        x, y, *mask = batch
        logits = self(x, *mask)
        loss = F.cross_entropy(logits, y, reduction="sum")
        self._sums["val"].add(loss, len(y), (logits.argmax(1) == y).sum())

    def on_validation_epoch_end(self) -> None:
        """Logs the validation means, and the training mean of the epoch so far."""
        loss, accuracy = self._means("val")
        self.log_dict({"val_loss": loss, "val_accuracy": accuracy})
        if self._sums["train"].count:
            self.log("train_loss", self._means("train")[0])

    def on_train_epoch_start(self) -> None:
        """A new epoch, a new mean."""
        self._sums["train"] = _Sums()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The recipe's optimiser; linear warm-up, then a cosine to zero, counted in steps."""
        optimiser = make_optimiser(self.network, self.recipe)
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = steps * self.recipe.warmup_epochs // self.recipe.epochs
        schedule = LambdaLR(optimiser, warmup_cosine(steps=steps, warmup=warmup))
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """What `optimizer.zero_grad()` does, without its profiler: nearly 1 % of a step on small images."""
        del epoch, batch_idx
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _means(self, part: str) -> tuple[Tensor, Tensor]:
        """Mean loss and accuracy over all ranks; afterwards the sums are empty."""
        sums, self._sums[part] = self._sums[part], _Sums()
        totals = torch.stack(
            [torch.as_tensor(x, device=self.device, dtype=torch.float64) for x in sums.values()]
        )
        totals = self.trainer.strategy.reduce(totals, reduce_op="sum")
        return (totals[0] / totals[2]).float(), (totals[1] / totals[2]).float()


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


def _values(kind: type[_S], given: _S | dict[str, Any] | None) -> _S:
    return kind(**given) if isinstance(given, dict) else given or kind()
