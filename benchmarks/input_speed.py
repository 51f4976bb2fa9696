"""Images per second of each way in, beside the usual loaders: `python benchmarks/input_speed.py`.

Folders of made images are read, augmented and standardised, batch by batch: by a run's own batches, by torchvision's
`ImageFolder` in a `DataLoader` and, where it is installed, by `datasets`. The ways take turns, with as many worker
processes each; prints the median of the passes and their range, and what input is of a training step.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from made_images import icons, photographs
from plain_input import hugging_face, plain, plain_name

from ablations.subjects.attention.data.augmentation import augmentation
from ablations.subjects.attention.data.batches import Batches
from ablations.subjects.attention.data.dataset import on_device
from ablations.subjects.attention.settings.groups import Attention, Data, Training
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.optimisers import make_optimiser

OURS: dict[str, dict[str, dict[str, Any]]] = {
    "crop32": {
        "ours, resident": {"augmentation": "crop_flip", "stream": "resident"},
        "ours, streamed": {"augmentation": "crop_flip", "stream": "streamed"},
    },
    "cut224": {
        "ours, streamed": {"augmentation": "random_resized_crop+flip", "image_size": 224},
    },
    "middle224": {"ours, streamed": {"stream": "streamed", "image_size": 224}},
}
TITLES = {
    "crop32": "PNG of 32 x 32, padded crop and mirror",
    "cut224": "JPEG of 500 x 375, random resized crop to 224 and mirror",
    "middle224": "JPEG of 500 x 375, the middle scaled to 224",
}


def ours(root: Path, settings: dict[str, Any], *, batch_size: int, workers: int) -> Iterator[Any]:
    """An epoch of a run's own batches; all images but a few train."""
    data = Data(name="folder", root=str(root), val_fraction=0.02, **settings)
    examples = on_device(data, "cpu").train
    return iter(
        Batches(
            examples,
            batch_size=batch_size,
            seed=0,
            augment=augmentation(data.on_batches),
            workers=workers,
        )
    )


def rates(epoch: Callable[[], Iterator[Any]]) -> tuple[float, float]:
    """Images per second, and per second of all processors, of one epoch with the start of its worker processes."""
    began, worked, seen = time.perf_counter(), processor_seconds(), 0
    for batch in epoch():
        seen += len(batch[1])
    return seen / (time.perf_counter() - began), seen / (processor_seconds() - worked)


def processor_seconds() -> float:
    """Of this process and of the workers that it has waited for."""
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system


def compare(root: Path, task: str, *, passes: int, workers: int) -> None:
    """One table: each way's images per second, and its ratio to the plain loader's of the same pass."""
    given = {"batch_size": 64, "workers": workers}
    ways: dict[str, Callable[[], Iterator[Any]]] = {
        "plain": lambda: plain(root, task, **given),
        **{
            name: (lambda settings=settings: ours(root, settings, **given))
            for name, settings in OURS[task].items()
        },
    }
    if find_spec("datasets") is not None:
        ways["datasets"] = lambda: hugging_face(root, task, **given)
    for epoch in ways.values():  # resident reading, the look at all images, the Arrow table: once
        next(iter(epoch()))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(passes):
        for name in list(ways)[:: 1 if number % 2 == 0 else -1]:
            found[name].append(rates(ways[name]))
    print(f"\n{TITLES[task]}, {workers} worker process(es)")
    for name, pairs in found.items():
        told = []
        for kind, unit in enumerate(("images/s", "images per processor second")):
            values = [pair[kind] for pair in pairs]
            ratios = sorted(
                pair[kind] / base[kind] for pair, base in zip(pairs, found["plain"], strict=True)
            )
            told.append(
                f"{statistics.median(values):>8,.0f} {unit}, {statistics.median(ratios):5.2f} "
                f"[{ratios[0]:.2f}, {ratios[-1]:.2f}] times plain"
            )
        print(f"  {name:<15} {'; '.join(told)}")


def share_of_a_step(*, steps: int) -> None:
    """What a batch costs of a step of the smallest network, resident digits of 8 x 8, batches of 64."""
    data = Data(augmentation="crop_flip")
    split = on_device(data, "cpu")
    module = AttentionClassifier(
        in_channels=1,
        classes=split.classes,
        training=Training(),
        **Attention(reduction=4).model_dump(),
    ).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(module.network, module.recipe)
    waits, works = [], []
    batches = iter(Batches(split.train, batch_size=64, seed=0, augment=augmentation("crop_flip")))
    for _ in range(steps):
        began = time.process_time()
        batch = next(batches, None)
        if batch is None:
            batches = iter(
                Batches(split.train, batch_size=64, seed=0, augment=augmentation("crop_flip"))
            )
            continue
        ready = time.process_time()
        optimiser.zero_grad()
        module.training_step(batch, 0).backward()
        optimiser.step()
        waits.append(ready - began)
        works.append(time.process_time() - ready)
    wait, work = statistics.median(waits), statistics.median(works)
    print(
        f"\nA step of SE-ResNet-8 on 64 images of 8 x 8: {1e3 * work:.2f} ms; its batch, padded crop and mirror: "
        f"{1e3 * wait:.3f} ms, {100 * wait / (wait + work):.1f} % of both"
    )


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", nargs="+", choices=list(OURS), default=list(OURS))
    options.add_argument("--photographs", type=int, default=500)
    options.add_argument("--icons", type=int, default=4000)
    options.add_argument("--passes", type=int, default=5)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--steps", type=int, default=400)
    given = options.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, batches of 64")
    print(f"plain: {plain_name()}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = os.environ["HF_HOME"] = f"{folder}/cache"
        for task in given.tasks:
            root = Path(folder) / task
            if task == "crop32":
                icons(root, given.icons)
            else:
                photographs(root, given.photographs)
            compare(root, task, passes=given.passes, workers=given.workers)
    share_of_a_step(steps=given.steps)


if __name__ == "__main__":
    main()
