"""COCO's average precision against one written out by hand, on random boxes."""

import numpy as np
import pytest

from ablations.subjects.tasks.detection.average_precision import Image, average_precision

OVERLAPS = np.linspace(0.5, 0.95, 10)


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 40, (count, 2))
    return np.hstack([corner, corner + rng.uniform(5, 25, (count, 2))])


def image(rng: np.random.Generator, classes: int) -> Image:
    """Some boxes; what was found are most of them, shifted, and others."""
    true = boxes(rng, int(rng.integers(0, 6)))
    kept = true[rng.random(len(true)) < 0.8]
    found = np.vstack([kept + rng.normal(0, 1.5, kept.shape), boxes(rng, int(rng.integers(0, 4)))])
    return Image(
        boxes_t4=true,
        labels_t=rng.integers(classes, size=len(true)),
        crowd_t=np.zeros(len(true), dtype=bool),
        found_d4=found,
        found_labels_d=rng.integers(classes, size=len(found)),
        scores_d=rng.random(len(found)),
    )


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    both = max(across, 0) * max(down, 0)
    return both / (sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)) - both)


def hits(one: Image, label: int, least: float) -> list[tuple[float, bool]]:
    """Score of each box that was found, and whether it is the surest one that found a box which is there."""
    left = [box for box, its in zip(one.boxes_t4, one.labels_t, strict=True) if its == label]
    told = []
    for at in np.argsort(-one.scores_d):
        if one.found_labels_d[at] != label:
            continue
        shares = [overlap(one.found_d4[at], box) for box in left]
        is_hit = bool(shares) and max(shares) >= least
        if is_hit:
            left.pop(int(np.argmax(shares)))
        told.append((one.scores_d[at], is_hit))
    return told


def by_hand(images: list[Image], label: int, least: float) -> float:
    """Mean over the recalls 0, 0.01, ..., 1 of the best precision at that recall or beyond."""
    there = sum(int((one.labels_t == label).sum()) for one in images)
    told = sorted((hit for one in images for hit in hits(one, label, least)), reverse=True)
    right = np.cumsum([is_hit for _, is_hit in told])
    recall, precision = right / there, right / np.arange(1, len(told) + 1)
    best = [precision[recall >= r].max(initial=0.0) for r in np.linspace(0, 1, 101)]
    return float(np.mean(best))


@pytest.mark.parametrize("seed", range(8))
def test_it_agrees_with_the_definition_written_out(seed) -> None:
    rng = np.random.default_rng(seed)
    images = [image(rng, classes=3) for _ in range(12)]
    labels = sorted({int(x) for one in images for x in one.labels_t})
    table = [[by_hand(images, label, least) for label in labels] for least in OVERLAPS]
    found = average_precision(images)
    assert found.ap == pytest.approx(np.mean(table), abs=1e-9)
    assert found.ap50 == pytest.approx(np.mean(table[0]), abs=1e-9)
    assert 0 < found.ap < found.ap50 < 1


def case(true: list[list[float]], found: list[list[float]], *, crowd: bool = False) -> Image:
    return Image(
        boxes_t4=np.array(true).reshape(-1, 4),
        labels_t=np.zeros(len(true), dtype=int),
        crowd_t=np.array([crowd and row == true[-1] for row in true], dtype=bool),
        found_d4=np.array(found).reshape(-1, 4),
        found_labels_d=np.zeros(len(found), dtype=int),
        scores_d=np.linspace(0.9, 0.5, len(found)),
    )


ONE, OTHER = [0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]


@pytest.mark.parametrize(
    ("images", "ap"),
    [
        ([case([ONE, OTHER], [OTHER, ONE])], 1.0),
        ([case([ONE, OTHER], [])], 0.0),
        ([case([], [ONE])], 0.0),
        ([], 0.0),
        ([case([ONE], []), case([OTHER], [OTHER])], 51 / 101),
        ([case([ONE, OTHER], [OTHER, ONE], crowd=True)], 1.0),
    ],
)
def test_cases_that_are_known(images, ap) -> None:
    assert average_precision(images).ap == pytest.approx(ap)


def test_a_crowds_member_is_no_mistake_and_another_box_is_one() -> None:
    member = [20.0, 20.0, 25.0, 25.0]
    judged = [
        average_precision([case([ONE, OTHER], [member, ONE], crowd=c)]).ap for c in (True, False)
    ]
    assert judged == pytest.approx([1.0, 0.5 * 51 / 101])
