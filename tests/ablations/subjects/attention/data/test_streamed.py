"""Streamed is resident, bit for bit: whatever the number of workers and ranks, and after an interruption."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.data.augmentation import augmentation
from ablations.subjects.attention.data.batches import Batches
from ablations.subjects.attention.data.dataset import fingerprint, load, on_device, storage
from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.data.stored import stored
from ablations.subjects.attention.data.streamed import StreamedExamples
from ablations.subjects.attention.settings.groups import Arm, Attention, Data, Run, Training
from ablations.subjects.attention.training import chunks
from ablations.subjects.attention.training.run import train

WriteFolder = Callable[..., Path]


def data(root: Path, **settings: Any) -> Data:
    settings = {"augmentation": "crop_flip+erasing", "val_fraction": 0.5, **settings}
    return Data(name="folder", root=str(root), **settings)


def epoch(settings: Data, *, number: int = 0, **share: Any) -> list[tuple[torch.Tensor, ...]]:
    return list(
        Batches(
            on_device(settings, "cpu").train,
            batch_size=4,
            seed=3,
            epoch=lambda: number,
            augment=augmentation(settings.on_batches),
            **share,
        )
    )


def same(a: list[tuple[torch.Tensor, ...]], b: list[tuple[torch.Tensor, ...]]) -> bool:
    return len(a) == len(b) and all(
        torch.equal(one, other) and one.stride() == other.stride()
        for first, second in zip(a, b, strict=True)
        for one, other in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_streamed_batches_are_the_resident_ones(workers: int, write_folder: WriteFolder) -> None:
    root = write_folder(12)
    resident, streamed = (data(root, stream=stream) for stream in ("resident", "streamed"))
    assert isinstance(load(resident).train, Examples)
    assert isinstance(load(streamed).train, StreamedExamples)
    for number in (0, 1):
        ours = epoch(streamed, number=number, workers=workers)
        assert len(ours) == 3
        assert same(ours, epoch(resident, number=number))
    assert not same(epoch(resident, number=1), epoch(resident))


@pytest.mark.parametrize("cut", [{}, {"image_size": 6, "augmentation": "random_resized_crop+flip"}])
def test_ranks_share_streamed_batches_out(cut: dict[str, Any], write_folder: WriteFolder) -> None:
    settings = data(write_folder(12), stream="streamed", **cut)
    whole = epoch(settings)
    parts = [epoch(settings, rank=rank, world_size=2, workers=rank) for rank in range(2)]
    for batch, *shares in zip(whole, *parts, strict=True):
        for rank, share in enumerate(shares):
            for ours, theirs in zip(share, batch, strict=True):
                assert torch.equal(ours, theirs[rank::2])


def test_a_stored_image_is_cut_by_seed_epoch_and_place_only(write_folder: WriteFolder) -> None:
    cut = {"image_size": 6, "augmentation": "random_resized_crop"}
    settings = data(write_folder(12, size=(16, 11)), **cut)
    assert same(epoch(settings), epoch(settings, workers=2))
    train = on_device(settings, "cpu").train
    # One image, alone and in a batch: its part does not depend on what it is read with.
    (alone,) = train.fetched([torch.tensor([5])], draw=(3, 1), workers=0)
    (among,) = train.fetched([torch.tensor([2, 5, 7])], draw=(3, 1), workers=0)
    (later,) = train.fetched([torch.tensor([5])], draw=(3, 2), workers=0)
    (other,) = train.fetched([torch.tensor([5])], draw=(4, 1), workers=0)
    assert torch.equal(alone.x[0], among.x[1])
    assert not torch.equal(alone.x, later.x)
    assert not torch.equal(alone.x, other.x)
    assert not torch.equal(alone.x, train[torch.tensor([5])].x)


@pytest.fixture
def trained(write_folder: WriteFolder) -> Callable[..., Any]:
    root = write_folder(12)

    def run(checkpoint: Path | None = None, on_step: Any = None, **settings: Any) -> Any:
        recipe = Training(epochs=2, warmup_epochs=0, batch_size=4, mixup=0.2)
        arm = Arm(attention=Attention(reduction=4), data=data(root, **settings), training=recipe)
        return train(
            Run(arm=arm, seed=0),
            checkpoint=checkpoint,
            checkpoint_seconds=0,
            checkpoint_minutes=0,
            on_step=on_step,
        )

    return run


def test_training_streamed_equals_training_resident(trained: Callable[..., Any]) -> None:
    resident = trained(stream="resident")
    assert trained(stream="streamed", workers=0) == resident
    assert trained(stream="streamed", workers=2) == resident
    assert trained(stream="resident", augmentation="crop_flip") != resident


class Interrupted(Exception):
    pass


CUT = {"image_size": 6, "augmentation": "random_resized_crop+flip+erasing"}


@pytest.mark.parametrize(
    "settings", [{"stream": "resident"}, {**CUT, "workers": 0}, {**CUT, "workers": 2}]
)
def test_an_epoch_that_was_interrupted_goes_on_to_the_same_end(
    settings: dict[str, Any], trained: Callable[..., Any], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1)
    steps = 0

    def interrupt() -> None:
        nonlocal steps
        steps += 1
        if steps == 6:  # in the second epoch of three steps, whose second one left a checkpoint
            raise Interrupted

    with pytest.raises(Interrupted):
        trained(tmp_path / "last.ckpt", interrupt, **settings)
    assert trained(tmp_path / "last.ckpt", interrupt, **settings) == trained(**settings)
    assert steps == 7


def test_how_images_come_to_the_network_is_in_no_id(write_folder: WriteFolder) -> None:
    root = write_folder()
    for settings in ({}, {"image_size": 6}):
        prints = {
            fingerprint(data(root, stream=stream, workers=workers, **settings))
            for stream, workers in (("auto", None), ("resident", 0), ("streamed", 2))
        }
        assert len(prints) == 1


def test_size_decides_where_the_settings_do_not(write_folder: WriteFolder, monkeypatch) -> None:
    small, large = write_folder(), write_folder(7, name="more")
    monkeypatch.setattr(stored, "RESIDENT_BYTES", 12 * 8 * 8 * 3 * 4)
    assert storage(data(small))[0] == "Resident: 9.22 kB in the memory of each process that trains"
    assert isinstance(load(data(small)).train, Examples)
    assert isinstance(load(data(large)).train, StreamedExamples)
    assert isinstance(load(data(large, stream="resident")).train, Examples)


def test_what_shows_says_streamed_or_resident_and_why(write_folder: WriteFolder) -> None:
    root = write_folder()
    size = sum(path.stat().st_size for path in root.rglob("*.png"))
    by_pixels = "The images are told from others by all their pixels"
    assert storage(data(root, stream="streamed", workers=2)) == (
        f"Streamed (as `data.stream` says, 9.22 kB if it were resident): {size / 1000:.3g} kB read in each epoch; "
        "worker processes: 2",
        by_pixels,
    )
    cut = data(root, image_size=6, augmentation="random_resized_crop")
    assert storage(cut) == (
        f"Streamed (another part is cut out of each image in each epoch): {size / 1000:.3g} kB read in each epoch; "
        "worker processes: as many as a run has threads",
        "The images are told from others by the names, sizes and labels of all 12, and the content of all",
    )
    (root / "cat" / "001.png").write_bytes(b"")
    assert storage(data(root, skip_corrupt=True))[1:] == (
        by_pixels,
        f"1 image that cannot be read is left out: '{root / 'cat' / '001.png'}'",
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_that_changes_during_a_study_is_told(
    workers: int, write_folder: WriteFolder
) -> None:
    root = write_folder()
    settings = data(root, stream="streamed")
    examples = on_device(settings, "cpu").train
    changed = sorted(root.rglob("*.png"))[examples.places[0]]
    content = changed.read_bytes()
    batches = Batches(examples, batch_size=2, seed=0, workers=workers)

    def told(why: str) -> str:
        return (
            f"^the data must stay as they are while a study runs, but '{changed}' cannot be read as it was: {why}\\. "
            "Restore it, or start another study\\.$"
        )

    changed.unlink()
    with pytest.raises(SettingError, match=told(r"it cannot be opened \(No such file.*\)")):
        list(batches)
    changed.write_bytes(content)
    with pytest.raises(SettingError, match=told("it was written since the data were listed")):
        list(batches)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"image_size": 6, "augmentation": "flip+random_resized_crop"},
            r"`data\.augmentation` must begin with 'random_resized_crop' where",
        ),
        (
            {"image_size": 6, "augmentation": "random_resized_crop", "stream": "resident"},
            r"`data\.stream` must be 'auto' or 'streamed' where 'random_resized_crop' cuts",
        ),
        ({"stream": "steamed"}, r"`stream` must be one of 'auto', .* Did you mean 'streamed'\?"),
        ({"workers": -1}, r"`workers >= 0` must hold, but got -1\."),
        (
            {"image_size": 0},
            r"`image_size >= 1` must hold, but got 0\. Images that are of one size",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Data(name="folder", root=os.devnull, **settings)


@pytest.mark.parametrize(
    "settings", [{"image_size": 8}, {"stream": "streamed"}, {"skip_corrupt": True}]
)
def test_arrays_are_not_streamed(settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(SettingError, match=f"`data.{name}` must be left out for 'digits'"):
        load(Data(**settings))


def test_standardised_pixels_are_those_of_the_formula(write_folder: WriteFolder) -> None:
    image = pytest.importorskip("PIL.Image")
    root = write_folder()
    pixels = np.stack([np.asarray(image.open(path)) for path in sorted(root.rglob("*.png"))])
    split = load(data(root))
    # The labels are sorted, and so are the parts.
    train, val = split.train.x.permute(0, 2, 3, 1), split.val.x.permute(0, 2, 3, 1)
    both = torch.cat([train, val]).numpy()
    chosen = {tuple(one.ravel().round(4)) for one in train.numpy()}
    assert split.colours is not None
    spread, middle = split.colours.spread.numpy(), split.colours.middle.numpy()
    high = pixels.max()
    back = {tuple(np.rint((one * spread + middle) * high).astype(int).ravel()) for one in both}
    assert back == {tuple(one.astype(int).ravel()) for one in pixels}
    assert len(chosen) == 6
    assert np.allclose(train.mean((0, 1, 2)), 0, atol=1e-6)
    assert np.allclose(train.std((0, 1, 2), correction=0), 1, atol=1e-6)
