"""Memory and start of a streamed data set by its number of files: `python benchmarks/input_memory.py`.

For each number a folder of small JPEG is made, and in a process of its own listed, told from others (fingerprint),
looked at image by image, and streamed in an epoch's first training batches. Prints the seconds of each, and the peak of
what the process and its workers hold: proportional set size, in which a page that is shared counts once.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image


def make(root: Path, count: int, *, size: int, classes: int) -> None:
    """Files of noise, each with other bytes: one encoded image in `classes` x 50, with a number behind its end."""
    rng = np.random.default_rng(0)
    kinds = []
    for _ in range(50):
        out = io.BytesIO()
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((size, size)).save(out, format="jpeg", quality=85)
        kinds.append(out.getvalue())
    for label in range(classes):
        (root / f"{label:04d}").mkdir(parents=True)
    for i in range(count):
        path = root / f"{i % classes:04d}" / f"image_{i:08d}.jpeg"
        path.write_bytes(kinds[i % 50] + i.to_bytes(4, "big"))


@contextmanager
def peak() -> Iterator[list[int]]:
    """The largest sum over this process and its children, in bytes, looked at every 50 ms."""
    found, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            found[0] = max(found[0], held(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def held(process: int) -> int:
    """Proportional set size of a process and those it started, in bytes."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has ended
        return 0
    kilobytes = next(
        int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")
    )
    return 1024 * kilobytes + sum(held(int(child)) for child in children)


def measure(root: str, *, workers: int, side: int, batches: int) -> None:
    """What a process of its own does; prints its record."""
    import torch

    from ablations.subjects.attention.data import remembered
    from ablations.subjects.attention.data.batches import Batches
    from ablations.subjects.attention.data.dataset import fingerprint, on_device
    from ablations.subjects.attention.settings.groups import Data

    torch.set_num_threads(1)
    data = Data(
        name="folder",
        root=root,
        image_size=side,
        augmentation="random_resized_crop+flip",
        val_fraction=0.1,
    )
    record: dict[str, float] = {"before": held(os.getpid())}
    steps = {
        "stamp": lambda: remembered._walked(Path(root)),
        "fingerprint": lambda: fingerprint(data),
        "look": lambda: on_device(data, "cpu"),
        "batches": lambda: [
            len(y)
            for _, y in islice(
                Batches(on_device(data, "cpu").train, batch_size=64, seed=0, workers=workers),
                batches,
            )
        ],
    }
    with peak() as most:
        for name, step in steps.items():
            most[0] = 0
            began = time.perf_counter()
            step()
            record[name] = time.perf_counter() - began
            record[f"{name}_peak"] = most[0]
    print(json.dumps(record))


def main() -> None:
    """Print a line for each number of files."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--size", type=int, default=32, help="side of the stored images")
    options.add_argument("--side", type=int, default=32, help="side that they are brought to")
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--batches", type=int, default=200, help="of 64 images")
    options.add_argument("--in-folder", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.in_folder:
        measure(given.in_folder, workers=given.workers, side=given.side, batches=given.batches)
        return
    for count in given.files:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder) / "data", count, size=given.size, classes=100)
            words = [
                "--in-folder",
                f"{folder}/data",
                "--workers",
                str(given.workers),
                "--side",
                str(given.side),
                "--batches",
                str(given.batches),
            ]
            environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache"}
            told = subprocess.run(
                [sys.executable, __file__, *words],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
        record = json.loads(told.stdout)
        print(
            f"{count:,} files, {given.workers} worker process(es), {record['before'] / 1e6:.0f} MB before"
        )
        for name in ("stamp", "fingerprint", "look", "batches"):
            rate = f", {count / record[name]:,.0f} images/s" if name == "look" else ""
            print(
                f"  {name:<12} {record[name]:>8.2f} s{rate}, peak {record[f'{name}_peak'] / 1e6:.0f} MB"
            )


if __name__ == "__main__":
    main()
