"""What one run costs beside the bare PyTorch loop: `python benchmarks/training_overhead.py`.

Pairs of the two, in turn, in one process with one thread; prints the median ratio of the pairs and its
distribution-free 95 % interval, and whether the validation losses are equal to the last bit.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from bare_loop import bare_loop

from ablations.subjects.attention.data.dataset import on_device
from ablations.subjects.attention.data.examples import Split
from ablations.subjects.attention.settings.groups import Arm, Attention, Run, Training
from ablations.subjects.attention.training import chunks
from ablations.subjects.attention.training.run import train


def timed(work: Callable[[], float]) -> tuple[float, float]:
    """Processor seconds of this process, and the result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def pair(run: Run, split: Split, *, first: bool) -> tuple[float, float, bool]:
    """Seconds of the run, seconds of the bare loop, equal losses; `first` says which begins."""
    ours: Callable[[], float] = lambda: train(run, on_epoch=lambda _: None).val_loss  # noqa: E731
    bare: Callable[[], float] = lambda: bare_loop(run, split)  # noqa: E731
    one, other = (ours, bare) if first else (bare, ours)
    (a, x), (b, y) = timed(one), timed(other)
    return (a, b, x == y) if first else (b, a, x == y)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=12)
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument(
        "--chunk",
        type=int,
        default=chunks.CHUNK,
        help="batches for which Lightning's hooks run once; 1 for all of them",
    )
    given = options.parse_args()
    chunks.CHUNK = given.chunk
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, 1 thread, {given.pairs} pairs")
    for batch_size in (32, 64, 128):
        recipe = Training(epochs=given.epochs, warmup_epochs=1, batch_size=batch_size)
        run = Run(arm=Arm(attention=Attention(reduction=4), training=recipe), seed=0)
        split = on_device(run.arm.data, "cpu")
        pair(run, split, first=True)  # warm-up
        pairs = [pair(run, split, first=i % 2 == 0) for i in range(given.pairs)]
        ratios = sorted(a / b for a, b, _ in pairs)
        low, high = interval(ratios)
        equal = all(same for *_, same in pairs)
        print(
            f"batch {batch_size:>3}: ratio {statistics.median(ratios):.3f} "
            f"[{low:.3f}, {high:.3f}], losses bit-equal: {equal}"
        )


def interval(ratios: list[float]) -> tuple[float, float]:
    """The sign test's 95 % interval for the median of sorted values."""
    from scipy.stats import binom

    k = int(binom.ppf(0.025, len(ratios), 0.5))
    return ratios[max(0, k - 1)], ratios[min(len(ratios) - 1, len(ratios) - k)]


if __name__ == "__main__":
    main()
