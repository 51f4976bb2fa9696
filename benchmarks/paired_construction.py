"""What construction with paired draws costs beside plain construction: `python benchmarks/paired_construction.py`.

Pairs of the two, in turn, in one process with one thread, for a ResNet-50; prints the median processor seconds, the
least of the paired ones (what other programs on the machine add is left out there), the median ratio of the pairs and
its distribution-free 95 % interval.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from training_overhead import interval

from ablations.subjects.attention.placing.build import build_network
from ablations.subjects.attention.settings.groups import Attention, Backbone
from ablations.subjects.lightning.pairing.construct import construct


def resnet50() -> nn.Module:
    """25.6 million parameters, drawn as torch draws them."""
    plain = Attention(placement="none")
    return build_network(Backbone(name="resnet50", width=64), plain, in_channels=3, classes=1000)


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of a call, all threads of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Print the line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=12)
    given = options.parse_args()
    torch.set_num_threads(1)
    works: tuple[Callable[[], object], ...] = (resnet50, lambda: construct(resnet50, seed=0))
    for work in works:
        work()  # warm-up
    pairs = []
    for i in range(given.pairs):
        order = (0, 1) if i % 2 == 0 else (1, 0)
        took = {which: seconds(works[which]) for which in order}
        pairs.append((took[0], took[1]))
    ratios = sorted(paired / plain for plain, paired in pairs)
    low, high = interval(ratios)
    least = min(paired for _, paired in pairs)
    parameters = sum(one.numel() for one in resnet50().parameters())
    print(f"{platform.machine()}, torch {torch.__version__}, 1 thread, {given.pairs} pairs")
    print(
        f"{parameters / 1e6:.1f} M parameters: plain {statistics.median(p for p, _ in pairs):.3f} s, "
        f"paired {statistics.median(p for _, p in pairs):.3f} s (least {least:.3f}), "
        f"ratio {statistics.median(ratios):.2f} [{low:.2f}, {high:.2f}]"
    )


if __name__ == "__main__":
    main()
