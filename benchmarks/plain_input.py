"""The usual ways to read a folder of images: torchvision's `ImageFolder`, or `datasets`, in a `DataLoader`.

Where torchvision does not import, the same by hand: decode with Pillow, cut and scale, to a float tensor, standardise,
image by image in the worker processes, stacked by torch's collate function. The benchmark of input imports this;
nobody starts it.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Transform = Callable[[Image.Image], Tensor]


class Folder(Dataset[tuple[Tensor, int]]):
    """`ImageFolder` by hand."""

    def __init__(self, root: Path, transform: Transform) -> None:
        self.files = sorted(path for path in root.rglob("*") if path.is_file())
        names = sorted({path.parent.name for path in self.files})
        self.labels = [names.index(path.parent.name) for path in self.files]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        with Image.open(self.files[place]) as image:
            return self.transform(image.convert("RGB")), self.labels[place]


def plain(root: Path, task: str, *, batch_size: int, workers: int) -> Iterator[Any]:
    """An epoch of batches (x, y) of the usual loader; tasks are `crop32`, `cut224`, `middle224`."""
    try:
        from torchvision.datasets import ImageFolder

        data: Any = ImageFolder(str(root), torchvision_transform(task))
    except (ImportError, RuntimeError):
        data = Folder(root, BY_HAND[task])
    yield from DataLoader(data, batch_size, shuffle=True, num_workers=workers, drop_last=True)


def plain_name() -> str:
    """Which of the two it is."""
    try:
        import torchvision
    except (ImportError, RuntimeError):
        return "ImageFolder and transforms by hand (torchvision does not import here), DataLoader"
    return f"torchvision {torchvision.__version__} ImageFolder and transforms, DataLoader"


def hugging_face(root: Path, task: str, *, batch_size: int, workers: int) -> Iterator[Any]:
    """An epoch of the `datasets` library's `imagefolder` in a `DataLoader`."""
    import datasets

    datasets.disable_progress_bars()
    data = datasets.load_dataset("imagefolder", data_dir=str(root), split="train")
    transform = BY_HAND[task]

    def each(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        return {"x": [transform(x.convert("RGB")) for x in rows["image"]], "y": rows["label"]}

    loader = DataLoader(
        data.with_transform(each), batch_size, shuffle=True, num_workers=workers, drop_last=True
    )
    for batch in loader:
        yield batch["x"], batch["y"]


def torchvision_transform(task: str) -> Any:
    """What a tutorial does before training."""
    from torchvision import transforms as t

    first = {
        "crop32": [t.RandomCrop(32, padding=4), t.RandomHorizontalFlip()],
        "cut224": [t.RandomResizedCrop(224), t.RandomHorizontalFlip()],
        "middle224": [t.Resize(256), t.CenterCrop(224)],
    }[task]
    return t.Compose([*first, t.ToTensor(), t.Normalize(MEAN, SPREAD)])


def _crop32(image: Image.Image) -> Tensor:
    padded = ImageOps.expand(image, 4)
    left, top = random.randrange(9), random.randrange(9)
    return _tensor(_maybe_mirrored(padded.crop((left, top, left + 32, top + 32))))


def _cut224(image: Image.Image) -> Tensor:
    width, height = image.size
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1)
        ratio = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if w <= width and h <= height:
            break
    else:
        w = h = min(width, height)
    left, top = random.randint(0, width - w), random.randint(0, height - h)
    cut = image.crop((left, top, left + w, top + h))
    return _tensor(_maybe_mirrored(cut.resize((224, 224), Image.Resampling.BILINEAR)))


def _middle224(image: Image.Image) -> Tensor:
    scale = 256 / min(image.size)
    image = image.resize(
        (round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR
    )
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    return _tensor(image.crop((left, top, left + 224, top + 224)))


def _maybe_mirrored(image: Image.Image) -> Image.Image:
    return ImageOps.mirror(image) if random.random() < 0.5 else image


def _tensor(image: Image.Image) -> Tensor:
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div(255)
    return x.sub_(torch.tensor(MEAN)[:, None, None]).div_(torch.tensor(SPREAD)[:, None, None])


BY_HAND: dict[str, Transform] = {"crop32": _crop32, "cut224": _cut224, "middle224": _middle224}
