"""The detector: from boxes to maps and back, its loss, and the task in a few steps."""

import sys

import pytest
import torch
from torch import Tensor

from ablations import SettingError, load_space
from ablations.errors import MissingHere
from ablations.subjects.own_module.two_steps import few_steps
from ablations.subjects.tasks.detection.decode import decode
from ablations.subjects.tasks.detection.loss import SIZE_WEIGHT, detection_loss, focal_loss
from ablations.subjects.tasks.detection.module import BoxFinder
from ablations.subjects.tasks.detection.network import STRIDE, Detector, Maps
from ablations.subjects.tasks.detection.targets import Targets, make_targets


def logit(p: Tensor) -> Tensor:
    return p.clamp(1e-6, 1 - 1e-6).logit()


def perfect(true: Targets, height: int, width: int) -> Maps:
    """The maps that a detector without any error would give."""
    size, offset = torch.zeros(2, len(true.place_nm), 2, height * width)
    for n, row in enumerate(true.there_nm):
        for m in torch.nonzero(row)[:, 0]:
            size[n, :, true.place_nm[n, m]] = true.size_nm2[n, m]
            offset[n, :, true.place_nm[n, m]] = true.offset_nm2[n, m]
    heat = logit((true.heat_nkhw == 1).float())
    maps = (x.reshape(-1, 2, height, width) for x in (size, offset))
    return _maps(heat, *maps)


def _maps(heat: Tensor, size: Tensor, offset: Tensor) -> Maps:
    return Maps(heat_nkhw=heat, size_n2hw=size, offset_n2hw=offset)


def test_targets_by_hand() -> None:
    boxes = torch.tensor([[[4.0, 2.0, 14.0, 8.0], [0.0, 0.0, 0.0, 0.0]]])
    true = make_targets(boxes, torch.tensor([[1, -1]]), classes=2, height=5, width=6)
    assert true.there_nm.tolist() == [[True, False]]
    # the centre (9, 5) lies a quarter of a place behind (2, 1)
    assert true.place_nm[0, 0] == 1 * 6 + 2
    assert true.offset_nm2[0, 0].tolist() == [0.25, 0.25]
    assert true.size_nm2[0, 0].tolist() == [2.5, 1.5]
    assert (true.heat_nkhw[0, 0] == 0).all()
    assert true.heat_nkhw[0, 1, 1, 2] == 1
    beside = torch.exp(-torch.tensor((6 / 2.5) ** 2 / 2))
    assert float(true.heat_nkhw[0, 1, 1, 3]) == pytest.approx(float(beside))
    assert (true.heat_nkhw == 1).sum() == 1


def test_what_is_encoded_is_decoded() -> None:
    draw = torch.Generator().manual_seed(0)
    corner = torch.tensor([[[1.0, 2.0], [30.0, 5.0], [12.0, 33.0]]]).repeat(4, 1, 1)
    corner += 3 * torch.rand(corner.shape, generator=draw)
    boxes = torch.cat((corner, corner + 6 + 9 * torch.rand(corner.shape, generator=draw)), -1)
    labels = torch.randint(0, 3, (4, 3), generator=draw)
    labels[1, 2] = -1
    true = make_targets(boxes, labels, classes=3, height=12, width=12)
    found = decode(perfect(true, 12, 12), most=3)
    for n in range(4):
        there = labels[n] >= 0
        sure = found.scores_nd[n] > 0.5
        assert int(sure.sum()) == int(there.sum())
        pairs = zip(boxes[n][there], labels[n][there], strict=True)
        expected = sorted((label.item(), *box.tolist()) for box, label in pairs)
        pairs = zip(found.boxes_nd4[n][sure], found.labels_nd[n][sure], strict=True)
        got = sorted((label.item(), *box.tolist()) for box, label in pairs)
        for one, other in zip(got, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-4)


def test_the_hottest_place_of_a_neighbourhood_is_found_and_no_other() -> None:
    heat = torch.full((1, 1, 6, 6), -8.0)
    heat[0, 0, 2, 2:5] = torch.tensor([1.0, 2.0, 1.0])
    heat[0, 0, 5, 0] = 0.0
    zero = torch.zeros(1, 2, 6, 6)
    found = decode(_maps(heat, zero + 1, zero + 0.5), most=2)
    assert found.scores_nd[0].tolist() == pytest.approx([0.8808, 0.5], abs=1e-4)
    assert found.boxes_nd4[0].tolist() == [[12.0, 8.0, 16.0, 12.0], [0.0, 20.0, 4.0, 24.0]]


def test_the_focal_loss_by_hand() -> None:
    heat = logit(torch.tensor([[[[0.7, 0.4, 0.2]]]]))
    true = torch.tensor([[[[1.0, 0.5, 0.0]]]])
    parts = torch.tensor(
        [0.3**2 * -torch.log(torch.tensor(0.7)),
         0.5**4 * 0.4**2 * -torch.log(torch.tensor(0.6)),
         0.2**2 * -torch.log(torch.tensor(0.8))]
    )  # fmt: skip
    assert float(focal_loss(heat, true)) == pytest.approx(float(parts.sum()), rel=1e-5)


def test_the_loss_is_that_of_heat_size_and_offset_at_the_centres() -> None:
    boxes = torch.tensor([[[4.0, 4.0, 12.0, 12.0], [9.0, 9.0, 9.0, 9.0]]])
    true = make_targets(boxes, torch.tensor([[0, -1]]), classes=1, height=4, width=4)
    maps = perfect(true, 4, 4)
    none = float(detection_loss(maps, true))
    assert none == pytest.approx(float(focal_loss(maps.heat_nkhw, true.heat_nkhw)), abs=1e-6)
    wrong = _maps(maps.heat_nkhw, maps.size_n2hw + 2, maps.offset_n2hw - 0.5)
    assert float(detection_loss(wrong, true)) - none == pytest.approx(
        SIZE_WEIGHT * 4 + 1.0, rel=1e-4
    )


def test_an_image_without_boxes_has_a_finite_loss() -> None:
    true = make_targets(torch.zeros(1, 2, 4), torch.full((1, 2), -1), classes=3, height=4, width=4)
    maps = Detector(1, 3, width=4, deep=1)(torch.rand(1, 1, 16, 16))
    assert maps.heat_nkhw.shape == (1, 3, 16 // STRIDE, 16 // STRIDE)
    detection_loss(maps, true).backward()


def test_a_crowd_is_not_learnt() -> None:
    torch.manual_seed(0)
    module = BoxFinder(classes=2, width=4, deep=0).eval()
    batch = {
        "image": torch.rand(1, 1, 16, 16),
        "boxes": torch.tensor([[[0.0, 0.0, 8.0, 8.0], [4.0, 4.0, 12.0, 12.0]]]),
        "labels": torch.tensor([[0, 1]]),
        "crowd": torch.tensor([[False, True]]),
    }
    without = {**batch, "labels": torch.tensor([[0, -1]]), "crowd": torch.zeros(1, 2).bool()}
    assert torch.equal(module.training_step(batch, 0), module.training_step(without, 0))


def test_without_pycocotools_the_extra_is_named_before_anything_is_trained(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(
        MissingHere,
        match=r"^average precision needs pycocotools: pip install 'ablations\[detection\]'\.$",
    ):
        BoxFinder()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("classes", 0, r"`model\.classes >= 1` must hold, but got 0\."),
        ("deep", -1, r"`model\.deep >= 0` must hold, but got -1\."),
    ],
)
def test_numbers_out_of_their_range_are_refused(name, value, message) -> None:
    with pytest.raises(SettingError, match=f"^{message}$"):
        BoxFinder(**{name: value})


@pytest.mark.parametrize(
    "change", [{}, {"attention.kind": "cbam"}, {"attention.placement": "none"}]
)
def test_an_arm_of_the_preset_takes_its_first_steps(change) -> None:
    space = load_space("tasks/detection", {"data.train": 8, "data.val": 4, "data.batch_size": 4})
    arm = {**space.baseline, **change}
    steps = few_steps(space.subject, space.program, arm)
    places = [name for name in steps.modules if name.endswith("channel_attention")]
    assert len(places) == (0 if change.get("attention.placement") == "none" else 3)
    assert dict(steps.numbers).keys() >= {"val_ap", "val_ap50", "val_loss"}
