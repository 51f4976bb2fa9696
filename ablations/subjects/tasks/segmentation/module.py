"""Semantic segmentation as a LightningModule: a U-Net, cross-entropy and Dice, mean IoU."""

from collections.abc import Mapping

import lightning.pytorch as pl
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassJaccardIndex

from ablations.errors import SettingError
from ablations.subjects.tasks.batch import check_batch
from ablations.subjects.tasks.schedule import cosine
from ablations.subjects.tasks.segmentation.dice import UNLABELLED, dice_loss
from ablations.subjects.tasks.segmentation.unet import UNet

Batch = Mapping[str, Tensor]


class Segmenter(pl.LightningModule):
    """A U-Net that logs `val_iou` and `val_loss`.

    `val_iou` is the mean over classes, background too, of what prediction and truth share of their union, counted over
    all pixels of the validation data; a class that neither has does not count. The rate falls as a half cosine.

    Args:
        classes: Of the pixels, background included.
        channels: Of the images.
        width: Channels of the finest map; twice as many after each halving.
        depth: Resolutions.
        stride: Pixels along each side of what the network sees as one position: with 2 its maps have a quarter of the
            positions, and its logits are interpolated to the pixels.
        dice: Weight of the Dice loss beside the cross-entropy.
        prior: Probability of class 0, the background, at every pixel before learning; many steps are saved where it
            is the share that the background has.
        rate: Of AdamW, at the start.
        weight_decay: Of AdamW.

    Raises:
        SettingError: If a number is out of its range.
    """

    def __init__(
        self,
        classes: int = 11,
        channels: int = 1,
        width: int = 8,
        depth: int = 3,
        stride: int = 1,
        dice: float = 1.0,
        prior: float = 0.9,
        rate: float = 1e-2,
        weight_decay: float = 1e-4,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("classes", classes, 2),
            ("channels", channels, 1),
            ("width", width, 1),
            ("depth", depth, 2),
            ("stride", stride, 1),
            ("dice", dice, 0),
        ):
            if value < least:
                raise SettingError(f"`model.{name} >= {least}` must hold, but got {value}.")
        if not 0 < prior < 1:
            raise SettingError(f"`0 < model.prior < 1` must hold, but got {prior:g}.")
        self.save_hyperparameters()
        self.unet = UNet(channels, classes, width=width, depth=depth, prior=prior, stride=stride)
        self.iou = MulticlassJaccardIndex(
            classes, average="macro", ignore_index=UNLABELLED, validate_args=False
        )

    def forward(self, image_nchw: Tensor) -> Tensor:
        """Images to logits (n, classes, h, w)."""
        logits: Tensor = self.unet(image_nchw)
        return logits

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Cross-entropy of the pixels, and Dice of the classes."""
        self._check(batch)
        return self._loss(self(batch["image"]), batch["mask"])

    def on_validation_epoch_start(self) -> None:
        """Forget what passed before, when the module was looked at without a Trainer."""
        self.iou.reset()

    def validation_step(self, batch: Batch, _: int) -> None:
        """Logs `val_loss` and `val_iou`."""
        self._check(batch)
        logits_nkhw = self(batch["image"])
        self.iou.update(logits_nkhw, batch["mask"])
        self.log("val_loss", self._loss(logits_nkhw, batch["mask"]), batch_size=len(logits_nkhw))
        self.log("val_iou", self.iou, batch_size=len(logits_nkhw))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, to a rate of 0 at the end."""
        return cosine(self, rate=self.hparams["rate"], decay=self.hparams["weight_decay"])

    def _check(self, batch: Batch) -> None:
        """Refuse data for another network."""
        known = self.hparams
        check_batch(
            batch,
            labels="mask",
            channels=known["channels"],
            classes=known["classes"],
            other=UNLABELLED,
        )

    def _loss(self, logits_nkhw: Tensor, mask_nhw: Tensor) -> Tensor:
        # A batch without any labelled pixel has the loss 0 and not 0 / 0.
        labelled = (mask_nhw != UNLABELLED).sum().clamp_min(1)
        entropy = cross_entropy(logits_nkhw, mask_nhw, ignore_index=UNLABELLED, reduction="sum")
        loss: Tensor = entropy / labelled
        if self.hparams["dice"]:
            loss = loss + self.hparams["dice"] * dice_loss(logits_nkhw, mask_nhw)
        return loss
