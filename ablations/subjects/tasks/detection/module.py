"""Detection as a LightningModule: an anchor-free detector, its loss, average precision."""

from collections.abc import Mapping

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from ablations.errors import SettingError
from ablations.subjects.tasks.batch import check_batch
from ablations.subjects.tasks.detection.average_precision import (
    MOST,
    Image,
    average_precision,
    pycocotools,
)
from ablations.subjects.tasks.detection.decode import Boxes, decode
from ablations.subjects.tasks.detection.loss import detection_loss
from ablations.subjects.tasks.detection.network import Detector, Maps
from ablations.subjects.tasks.detection.targets import make_targets
from ablations.subjects.tasks.schedule import cosine

Batch = Mapping[str, Tensor]
NONE = -1
"""The label of a row without a box."""


class BoxFinder(pl.LightningModule):
    """A detector without anchors that logs `val_ap`, `val_ap50` and `val_loss`.

    Each box is found as the centre of heat of its class, with its size and the centre's offset (CenterNet, arXiv
    1904.07850). `val_ap` is COCO's AP, the mean over classes and overlaps of 0.5 to 0.95. The rate falls as a half
    cosine.

    Args:
        classes: Of the boxes.
        channels: Of the images.
        width: Channels at half the resolution; twice as many at a quarter, where boxes are found.
        deep: Residual units at a quarter of the resolution behind the first one.
        rate: Of AdamW, at the start.
        weight_decay: Of AdamW.

    Raises:
        SettingError: If a number is out of its range, or pycocotools is not installed.
    """

    def __init__(
        self,
        classes: int = 10,
        channels: int = 1,
        width: int = 16,
        deep: int = 2,
        rate: float = 1e-2,
        weight_decay: float = 1e-4,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("classes", classes, 1),
            ("channels", channels, 1),
            ("width", width, 1),
            ("deep", deep, 0),
        ):
            if value < least:
                raise SettingError(f"`model.{name} >= {least}` must hold, but got {value}.")
        pycocotools()  # before the first run, and not after its first epoch
        self.save_hyperparameters()
        self.detector = Detector(channels, classes, width=width, deep=deep)
        self._seen: list[Image] = []

    def forward(self, image_nchw: Tensor) -> Maps:
        """Images to maps of centres, sizes and offsets."""
        maps: Maps = self.detector(image_nchw)
        return maps

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """The loss of heat, sizes and offsets."""
        return self._loss(batch)[0]

    def on_validation_epoch_start(self) -> None:
        """Forget what passed before, when the module was looked at without a Trainer."""
        self._seen.clear()

    def validation_step(self, batch: Batch, _: int) -> None:
        """Logs `val_loss`, and keeps the boxes."""
        loss, maps = self._loss(batch)
        self.log("val_loss", loss, batch_size=len(batch["image"]))
        self._seen += _images(batch, decode(maps, most=MOST))

    def on_validation_epoch_end(self) -> None:
        """Logs `val_ap` and `val_ap50`."""
        found = average_precision(self._seen)
        self._seen.clear()
        self.log("val_ap", found.ap)
        self.log("val_ap50", found.ap50)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, to a rate of 0 at the end."""
        return cosine(self, rate=self.hparams["rate"], decay=self.hparams["weight_decay"])

    def _loss(self, batch: Batch) -> tuple[Tensor, Maps]:
        known = self.hparams
        check_batch(
            batch,
            labels="labels",
            channels=known["channels"],
            classes=known["classes"],
            other=NONE,
        )
        maps = self(batch["image"])
        height, width = maps.size_n2hw.shape[2:]
        # A crowd is no box to be found.
        labels_nm = batch["labels"].masked_fill(_crowd(batch), NONE)
        true = make_targets(
            batch["boxes"], labels_nm, classes=known["classes"], height=height, width=width
        )
        return detection_loss(maps, true), maps


def _crowd(batch: Batch) -> Tensor:
    return batch.get("crowd", torch.zeros_like(batch["labels"], dtype=torch.bool))


def _images(batch: Batch, found: Boxes) -> list[Image]:
    """The batch's boxes and those that were found, image by image, as COCO's evaluation takes them."""
    boxes, labels, crowd = (
        x.cpu().numpy() for x in (batch["boxes"], batch["labels"], _crowd(batch))
    )
    scores = found.scores_nd.float().cpu().numpy()
    found_boxes, found_labels = found.boxes_nd4.float().cpu().numpy(), found.labels_nd.cpu().numpy()
    images = []
    for i, there in enumerate(labels != NONE):
        some = scores[i] > 0  # no peak has the score 0
        images.append(
            Image(
                boxes_t4=boxes[i][there],
                labels_t=labels[i][there],
                crowd_t=crowd[i][there],
                found_d4=found_boxes[i][some],
                found_labels_d=found_labels[i][some],
                scores_d=scores[i][some],
            )
        )
    return images
