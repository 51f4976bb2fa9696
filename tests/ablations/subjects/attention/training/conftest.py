from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations.subjects.attention.settings.groups import Arm, Attention, Data, Run, Training


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Makes a run of six steps an epoch."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))

    def run(**recipe: Any) -> Run:
        recipe = {"batch_size": 5, "warmup_epochs": 0, "epochs": 2, **recipe}
        data = Data(name="noise:images", val_fraction=0.2, augmentation="crop_flip+erasing")
        arm = Arm(attention=Attention(reduction=4), data=data, training=Training(**recipe))
        return Run(arm=arm, seed=0)

    return run
