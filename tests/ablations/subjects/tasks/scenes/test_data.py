import pytest
import torch

from ablations import SettingError
from ablations.subjects.tasks.scenes.data import DigitScenes


def test_a_batch_has_images_masks_and_padded_boxes() -> None:
    data = DigitScenes(train=6, val=4, batch_size=4)
    first, second = data.train_dataloader()
    assert first["image"].shape == (4, 1, 32, 32)
    assert first["image"].dtype == torch.float32
    assert float(first["image"].max()) <= 1
    assert first["mask"].shape == (4, 32, 32)
    assert int(first["mask"].max()) <= 10
    assert first["boxes"].shape == (4, 3, 4)
    assert first["labels"].shape == (4, 3)
    assert len(second["image"]) == 2


def test_what_the_scenes_are_tells_them_apart() -> None:
    first = DigitScenes(train=4, val=4).fingerprint()
    assert first == DigitScenes(train=4, val=4, batch_size=2).fingerprint()
    assert first != DigitScenes(train=4, val=4, scene_seed=1).fingerprint()
    assert first != DigitScenes(train=4, val=5).fingerprint()


@pytest.mark.parametrize("name", ["train", "val", "batch_size"])
def test_no_scenes_are_refused(name) -> None:
    with pytest.raises(SettingError, match=rf"^`data\.{name} >= 1` must hold, but got 0\.$"):
        DigitScenes(**{name: 0})
