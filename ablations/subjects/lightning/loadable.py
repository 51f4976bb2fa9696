"""Whether hyperparameters fit a checkpoint that runs no code when it is loaded, said before the first epoch."""

import io
from collections.abc import Mapping
from typing import Any

import torch

from ablations.errors import SettingError


def refuse_unloadable(hyperparameters: Mapping[str, Any], *, of: str) -> None:
    """Check what `save_hyperparameters` of a module or a DataModule holds.

    Raises:
        SettingError: If a value could not be read back with `weights_only=True`.
    """
    for name, value in hyperparameters.items():
        if not _loads(value):
            raise SettingError(
                f"`{of}` saves the hyperparameter `{name}` = {value!r:.60}, a {type(value).__name__}, which a "
                "checkpoint that runs no code when it is loaded cannot hold, so the run could not go on after an "
                f"interruption. Leave it out, `self.save_hyperparameters(ignore=[{name!r}])`, or pass plain text or a "
                "number."
            )


def _loads(value: Any) -> bool:
    content = io.BytesIO()
    try:
        torch.save(value, content)
        content.seek(0)
        torch.load(content, weights_only=True)
    except Exception:  # what cannot be pickled raises whatever its class likes
        return False
    return True
