"""The U-Net, its loss and its metric, and the task in a few steps."""

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from ablations import SettingError, load_space
from ablations.subjects.own_module.two_steps import few_steps
from ablations.subjects.tasks.segmentation.dice import UNLABELLED, dice_loss
from ablations.subjects.tasks.segmentation.module import Segmenter
from ablations.subjects.tasks.segmentation.unet import UNet


@pytest.mark.parametrize("seed", range(12))
def test_mean_iou_agrees_with_scikit_learns_jaccard_score(seed) -> None:
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 8))
    some = rng.integers(classes, size=max(1, classes - 2))  # some classes are in neither
    true, found = (rng.choice(some, size=(4, 9, 7)) for _ in range(2))
    unlabelled = rng.random(true.shape) < 0.2
    logits = torch.nn.functional.one_hot(torch.from_numpy(found), classes).movedim(-1, 1).float()
    mask = torch.from_numpy(np.where(unlabelled, UNLABELLED, true))
    metric = Segmenter(classes=classes).iou
    for part in (slice(0, 3), slice(3, 4)):  # counted over all batches together
        metric.update(logits[part], mask[part])
    known = ~unlabelled
    expected = jaccard_score(true[known], found[known], average="macro")
    assert float(metric.compute()) == pytest.approx(expected, abs=1e-6)


def test_dice_by_hand() -> None:
    probabilities = torch.tensor([[[[0.8, 0.6]], [[0.2, 0.4]]]])  # of two classes at two pixels
    mask = torch.tensor([[[0, 1]]])
    first = 2 * 0.8 / (1.4 + 1)
    second = 2 * 0.4 / (0.6 + 1)
    expected = 1 - (first + second) / 2
    assert float(dice_loss(probabilities.log(), mask)) == pytest.approx(expected)
    # a class that the batch does not show has no part
    alone = torch.tensor([[[0, 0]]])
    assert float(dice_loss(probabilities.log(), alone)) == pytest.approx(1 - 2 * 1.4 / (1.4 + 2))


def test_pixels_without_a_label_change_no_loss() -> None:
    torch.manual_seed(0)
    module = Segmenter(classes=3)
    logits, mask = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    mask[:, 1] = UNLABELLED
    before = module._loss(logits, mask)
    logits[:, :, 1] += 5 * torch.randn(2, 3, 4)
    assert torch.equal(module._loss(logits, mask), before)
    labelled = mask != UNLABELLED
    entropy = torch.nn.functional.cross_entropy(logits.movedim(1, -1)[labelled], mask[labelled])
    assert float(before) == pytest.approx(float(entropy + dice_loss(logits, mask)), rel=1e-5)
    assert float(module._loss(logits, torch.full_like(mask, UNLABELLED))) == 1  # of Dice: nothing


def test_the_background_has_its_prior_before_learning() -> None:
    network = UNet(1, 5, width=4, depth=2, prior=0.9)
    probabilities = network.head.bias.softmax(0)
    assert probabilities.tolist() == pytest.approx([0.9, 0.025, 0.025, 0.025, 0.025])


@pytest.mark.parametrize(
    ("depth", "stride", "multiple"), [(2, 1, 2), (3, 1, 4), (4, 1, 8), (2, 2, 4), (3, 4, 16)]
)
def test_the_network_gives_logits_of_its_images_size_and_refuses_others(
    depth, stride, multiple
) -> None:
    network = UNet(3, 5, width=2, depth=depth, prior=0.5, stride=stride)
    assert network(torch.rand(2, 3, 2 * multiple, multiple)).shape == (2, 5, 2 * multiple, multiple)
    patches = f"sees {stride} pixels as one and " if stride > 1 else ""
    with pytest.raises(
        SettingError,
        match=rf"^height and width of the images must be multiples of {multiple}, since the U-Net {patches}halves "
        rf"them {depth - 1} times, but they are {multiple + 1} and {multiple}: set another size, or a smaller "
        r"`model\.depth`\.$",
    ):
        network(torch.rand(1, 3, multiple + 1, multiple))


def test_with_a_stride_every_pixel_is_seen_and_logits_lie_between_those_of_the_positions() -> None:
    torch.manual_seed(0)
    network = UNet(1, 3, width=4, depth=2, prior=0.5, stride=2).eval()
    image = torch.rand(1, 1, 8, 8, requires_grad=True)
    coarse: list[torch.Tensor] = []
    network.head.register_forward_hook(lambda _module, _given, found: coarse.append(found))
    logits = network(image)
    logits.square().sum().backward()
    assert image.grad is not None
    assert bool((image.grad != 0).all())
    assert coarse[0].shape == (1, 3, 4, 4)
    # Between four positions a pixel's logits are 9, 3, 3 and 1 sixteenths of theirs.
    near = coarse[0][0, :, 1:3, 1:3]
    expected = (9 * near[:, 0, 0] + 3 * near[:, 0, 1] + 3 * near[:, 1, 0] + near[:, 1, 1]) / 16
    assert torch.allclose(logits[0, :, 3, 3], expected, atol=1e-6)


def test_what_passed_before_is_not_judged() -> None:
    module = Segmenter()
    module.iou.update(torch.zeros(1, 11, 4, 4), torch.ones(1, 4, 4, dtype=torch.long))
    module.on_validation_epoch_start()
    assert int(module.iou.confmat.sum()) == 0


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (
            {"image": torch.rand(2, 3, 8, 8), "mask": torch.zeros(2, 8, 8, dtype=torch.long)},
            r"the network takes images of 1 channels, but the data's have 3: set `model\.channels=3`\.",
        ),
        (
            {"image": torch.rand(2, 1, 8, 8), "mask": torch.full((2, 8, 8), 11)},
            r"the network tells 11 classes apart, 0 to 10, but the data have class 11: set `model\.classes` to "
            r"their number\.",
        ),
        (
            {"image": torch.rand(2, 1, 8, 8), "boxes": torch.zeros(2, 1, 4)},
            r"a batch must have `image` and `mask`, but has 'image', 'boxes'\. Name data for this task\.",
        ),
    ],
)
def test_data_for_another_network_are_refused(batch, message) -> None:
    with pytest.raises(SettingError, match=f"^{message}$"):
        Segmenter().training_step(batch, 0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("classes", 1, r"`model\.classes >= 2` must hold, but got 1\."),
        ("depth", 1, r"`model\.depth >= 2` must hold, but got 1\."),
        ("stride", 0, r"`model\.stride >= 1` must hold, but got 0\."),
        ("dice", -1.0, r"`model\.dice >= 0` must hold, but got -1\.0\."),
        ("prior", 1.0, r"`0 < model\.prior < 1` must hold, but got 1\."),
    ],
)
def test_numbers_out_of_their_range_are_refused(name, value, message) -> None:
    with pytest.raises(SettingError, match=f"^{message}$"):
        Segmenter(**{name: value})


@pytest.mark.parametrize(
    "change", [{}, {"attention.kind": "scse"}, {"attention.placement": "none"}]
)
def test_an_arm_of_the_preset_takes_its_first_steps(change) -> None:
    space = load_space("tasks/segmentation", {"data.train": 8, "data.val": 4, "data.batch_size": 4})
    arm = {**space.baseline, **change}
    steps = few_steps(space.subject, space.program, arm)
    places = [name for name in steps.modules if name.endswith("channel_attention")]
    assert len(places) == (0 if change.get("attention.placement") == "none" else 3)
    assert 0 < steps.metric < 1
    assert dict(steps.numbers).keys() >= {"val_iou", "val_loss"}
