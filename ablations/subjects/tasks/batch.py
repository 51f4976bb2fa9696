"""Does a batch fit the network that it is for?"""

from collections.abc import Mapping

from torch import Tensor

from ablations.errors import SettingError


def check_batch(
    batch: Mapping[str, Tensor], *, labels: str, channels: int, classes: int, other: int
) -> None:
    """Refuse images of other channels, and classes that the network does not have.

    Args:
        batch: With `image` (n, c, h, w), and classes under the name `labels`.
        labels: `mask` or `labels`.
        channels: Of the network's input.
        classes: That it tells apart.
        other: What stands in `labels` for no class.

    Raises:
        SettingError: If it does not fit.
    """
    missing = {"image", labels} - batch.keys()
    if missing:
        raise SettingError(
            f"a batch must have `image` and `{labels}`, but has {', '.join(map(repr, batch))}. Name data for this "
            "task."
        )
    found = batch["image"].shape[1]
    if found != channels:
        raise SettingError(
            f"the network takes images of {channels} channels, but the data's have {found}: set "
            f"`model.channels={found}`."
        )
    known = batch[labels]
    highest = int(known.masked_fill(known == other, -1).max()) if known.numel() else -1
    if highest >= classes:
        raise SettingError(
            f"the network tells {classes} classes apart, 0 to {classes - 1}, but the data have class {highest}: set "
            "`model.classes` to their number."
        )
