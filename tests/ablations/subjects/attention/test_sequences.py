"""Sequences from the file to the trained run, padded ones among them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ablations.errors import SettingError
from ablations.subjects.attention.cost.cost import cost
from ablations.subjects.attention.data.batches import Batches
from ablations.subjects.attention.data.dataset import fingerprint, load, shape
from ablations.subjects.attention.data.examples import Examples
from ablations.subjects.attention.data.sources.read import read
from ablations.subjects.attention.networks.hosts import positions
from ablations.subjects.attention.settings.groups import (
    Arm,
    Attention,
    Backbone,
    Data,
    Run,
    Training,
)
from ablations.subjects.attention.training.run import train

RNG = np.random.default_rng(0)
N, CHANNELS, LENGTH = 40, 2, 24
LABELS = np.arange(N) % 2
LENGTHS = RNG.integers(8, LENGTH + 1, N)
# Class 0 swings slowly, class 1 fast; what is beyond a sequence's length must not matter.
WAVES = np.stack(
    [
        np.sin(np.arange(LENGTH) * (0.3 + 0.9 * label) + RNG.normal(size=(CHANNELS, 1)))
        for label in LABELS
    ]
)
INSIDE = np.arange(LENGTH) < LENGTHS[:, None]


def archive(path: Path, padding: float = 0.0, **other: object) -> Data:
    x = np.where(INSIDE[:, None], WAVES, padding)
    np.savez(path, **{"x": x, "y": LABELS, "lengths": LENGTHS, **other})
    return Data(name="npz", root=str(path))


def run(data: Data, *, epochs: int = 2, **attention: object) -> Run:
    return Run(
        arm=Arm(
            attention=Attention(**{"reduction": 4, **attention}),
            backbone=Backbone(name="sequence_resnet8", width=8),
            data=data,
            training=Training(epochs=epochs, warmup_epochs=0, batch_size=8, record_gates=True),
        ),
        seed=0,
    )


def test_padded_positions_are_zero_and_do_not_count_in_the_statistics(tmp_path: Path) -> None:
    split = load(archive(tmp_path / "a.npz", padding=1e6))
    x, mask = split.train.x, split.train.mask
    assert mask is not None
    values = x.transpose(0, 1)[:, mask]
    assert values.shape == (CHANNELS, int(mask.sum()))
    assert values.mean(dim=1).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert values.std(dim=1, correction=0).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert not x.transpose(1, 2)[~mask].any()
    assert (split.in_channels, split.size) == (CHANNELS, (LENGTH,))


def test_what_the_padding_holds_changes_nothing(tmp_path: Path) -> None:
    zeros = train(run(archive(tmp_path / "zeros.npz")))
    noise = train(run(archive(tmp_path / "noise.npz", padding=7.0)))
    assert zeros == noise


def test_the_mask_reaches_the_network(tmp_path: Path) -> None:
    data = archive(tmp_path / "a.npz")
    whole = archive(tmp_path / "whole.npz", lengths=np.full(N, LENGTH))
    assert train(run(data)).val_loss != train(run(whole)).val_loss


def test_a_network_learns_padded_sequences_and_records_their_gates(tmp_path: Path) -> None:
    gates = tmp_path / "gates.jsonl"
    outcome = train(run(archive(tmp_path / "a.npz"), epochs=12), gates=gates)
    assert outcome.val_loss < 0.5 * math.log(2)
    blocks = {json.loads(line)["block"] for line in gates.read_text().splitlines()}
    assert blocks == {"layers.0.0", "layers.1.0", "layers.2.0"}


def test_digits_as_sequences_are_their_rows_one_after_another() -> None:
    images, rows = read(Data()), read(Data(name="digits_sequence"))
    assert rows.x.shape == (1797, 1, 64)
    assert np.array_equal(rows.x[5, 0, 8:16], images.x[5, 0, 1])
    assert fingerprint(Data()) == fingerprint(Data(name="digits_sequence"))
    assert load(Data(name="digits_sequence")).train.mask is None


def test_batches_share_the_mask_out_with_the_sequences() -> None:
    x = torch.arange(6.0).reshape(6, 1, 1).repeat(1, 1, 3)
    mask = torch.arange(6).reshape(6, 1) >= torch.tensor([0, 3, 9])
    examples = Examples(x, torch.arange(6), mask)
    for seed in (None, 0):
        for rank in (0, 1):
            batches = Batches(examples, batch_size=4, seed=seed, rank=rank, world_size=2)
            for found, y, its_mask in batches:
                assert found[:, 0, 0].tolist() == y.tolist()
                assert torch.equal(its_mask, mask[y])


def test_lengths_are_part_of_the_content(tmp_path: Path) -> None:
    longer = np.where(LENGTHS < LENGTH, LENGTHS + 1, LENGTHS)
    assert fingerprint(archive(tmp_path / "a.npz")) != fingerprint(
        archive(tmp_path / "b.npz", lengths=longer)
    )


@pytest.mark.parametrize(
    ("name", "image", "message"),
    [
        (
            "resnet18",
            (64,),
            r"`backbone\.name` 'resnet18' takes images, but the data are sequences of size 64; use a network "
            r"for sequences \(--set backbone\.name=sequence_resnet8\)\.",
        ),
        (
            "sequence_resnet8",
            (8, 8),
            r"'sequence_resnet8' takes sequences, but the data are images of size 8x8; use a network for images "
            r"\(--set backbone\.name=cifar_resnet8\)\.",
        ),
    ],
)
def test_a_network_of_the_other_kind_is_refused(name, image, message) -> None:
    with pytest.raises(SettingError, match=message):
        cost(Backbone(name=name), Attention(), image=image, in_channels=1, classes=10)
    assert positions(name, 16) == (16,) * (3 - len(image))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"lengths": LENGTHS[:-1]},
            r"`lengths` of data set 'npz' must have shape \(n,\), beside sequences of shape \(n, channels, "
            r"length\), but have \(39,\) beside \(40, 2, 24\)\.",
        ),
        (
            {"lengths": LENGTHS + 1},
            r"`lengths` of data set 'npz' must be from 1 to 24, but are from 9 to 25\.",
        ),
        (
            {"lengths": LENGTHS - 0.5},
            r"`lengths` of data set 'npz' must be whole numbers, but are \[",
        ),
        (
            {"y": LABELS + 0.25},
            r"labels of data set 'npz' must be whole numbers, but are \[0\.25, 1\.25, ",
        ),
        (
            # 0.1 is no float32: its standard deviation is not exactly 0.
            {"x": np.concatenate([WAVES, np.full((N, 1, LENGTH), 0.1)], axis=1)},
            r"channel 2 of the data has one value in all training examples, so it cannot be standardised; "
            r"leave it out\.",
        ),
    ],
)
def test_arrays_that_are_no_padded_sequences_are_refused(changes, message, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=message):
        load(archive(tmp_path / "a.npz", **changes))


def test_sequences_are_not_augmented_as_images_are() -> None:
    with pytest.raises(
        SettingError,
        match=r"`data\.augmentation` must be 'none' for sequences, but is 'shift': it moves images\.",
    ):
        load(Data(name="digits_sequence", augmentation="shift"))


def test_images_need_not_be_square(tmp_path: Path) -> None:
    np.savez(tmp_path / "wide.npz", x=RNG.normal(size=(40, 1, 8, 12)), y=LABELS)
    data = Data(name="npz", root=str(tmp_path / "wide.npz"))
    assert shape(data) == (1, (8, 12), 2)
    price = cost(Backbone(), Attention(reduction=4), image=(8, 12), in_channels=1, classes=2)
    assert price.blocks[0].size == (8, 12)
    assert math.isfinite(
        train(
            Run(
                arm=Arm(data=data, training=Training(epochs=1, warmup_epochs=0, batch_size=8)),
                seed=0,
            )
        ).val_loss
    )
