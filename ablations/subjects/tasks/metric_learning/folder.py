"""Identities of the user's own: a folder of images for each."""

import math

import torch

from ablations.errors import SettingError
from ablations.streams import generator
from ablations.subjects.attention.data.layouts.folder import class_folders, folder
from ablations.subjects.attention.data.stored.stored import read_stored
from ablations.subjects.attention.settings.groups import Data
from ablations.subjects.tasks.metric_learning.identities import Identities, Parts

MOST_PAIRED = 5000
"""Held-out images; all their pairs are compared, 12 million here."""


class IdentityFolder(Identities):
    """One folder of images for each identity under `root`, all images of one size (aligned crops).

    `model.identities` must be how many are trained on, and `model.channels` 3.

    Args:
        root: The folder of folders.
        held_out: Share of the identities that are held out.
        split_seed: Draws which.
        batch_size: Images of a step.
    """

    def __init__(
        self, root: str, held_out: float = 0.3, split_seed: int = 0, batch_size: int = 64
    ) -> None:
        super().__init__(batch_size)
        if not 0 < held_out < 1:
            raise SettingError(f"`0 < held_out < 1` must hold, but got {held_out:g}.")
        self.root, self.share, self.split_seed = root, held_out, split_seed

    def parts(self) -> Parts:
        """Read, and split by identity.

        Raises:
            SettingError: If the folder is not as it must be; with the path.
        """
        data = Data(name="folder", root=self.root, stream="resident")
        read = read_stored(data, folder(data))
        x = torch.from_numpy(read.pixels).permute(0, 3, 1, 2).contiguous().float() / 255
        y = torch.from_numpy(read.y)
        counts = y.bincount()
        for path, count in zip(class_folders(data), counts.tolist(), strict=True):
            if count < 2:
                raise SettingError(
                    f"each identity must have two images or more, since one makes no pair, but {str(path)!r} has "
                    f"{count}; add images, or remove it."
                )
        held = math.ceil(self.share * len(counts))
        if held < 2 or len(counts) - held < 2:
            raise SettingError(
                f"two identities or more must be trained on and as many held out, but {self.root!r} has "
                f"{len(counts)}, of which `held_out={self.share:g}` holds out {held}."
            )
        order = torch.randperm(len(counts), generator=generator(self.split_seed, "identities"))
        place = order.argsort()[y]
        mine = place < len(counts) - held
        if (count := int((~mine).sum())) > MOST_PAIRED:
            raise SettingError(
                f"all pairs of the held-out images are compared, so at most {MOST_PAIRED:,} can be, but {self.root!r} "
                f"has {count:,}; hold out a smaller share (`data.held_out`)."
            )
        return Parts(train=(x[mine], place[mine]), held_out=(x[~mine], place[~mine]))
