"""Where the time of a training step goes: `python benchmarks/step_shares.py [--batch-size 128]`.

SE-ResNet-8 on digits on one thread, by torch's profiler: shares of the processor time inside torch's operations.
"""

import argparse
import platform
from itertools import islice

import torch
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from ablations.subjects.attention.data.batches import Batches
from ablations.subjects.attention.data.dataset import on_device
from ablations.subjects.attention.settings.groups import Attention, Data, Training
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.optimisers import make_optimiser

STEPS = 30
KINDS = {
    "convolutions": ("conv", "mkldnn"),
    "batch norm": ("batch_norm",),
    "optimiser": ("sgd", "Optimizer"),
}


def main():
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=128)
    batch_size = parser.parse_args().batch_size
    torch.set_num_threads(1)
    split = on_device(Data(), "cpu")
    module = AttentionClassifier(
        in_channels=1, classes=10, seed=0, **Attention(reduction=4).model_dump()
    ).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(module.network, Training(batch_size=batch_size))

    def steps(count):
        for x, y in islice(Batches(split.train, batch_size=batch_size, seed=0), count):
            optimiser.zero_grad()
            F.cross_entropy(module.network(x), y).backward()
            optimiser.step()

    steps(3)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(4):
            steps(STEPS // 4)
    print(f"{platform.machine()}, torch {torch.__version__}, 1 thread, batch {batch_size}")
    events = seen.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    # The block is a function whose operations are inside it; its backward pass has an event of its own.
    block = ("FusedSqueezeExcite", "FusedSqueezeExciteBackward")
    attention = sum(event.cpu_time_total for event in events if event.key in block) / total
    print(f"{'attention':<13} {attention:6.1%}")
    left = 1.0 - attention
    for kind, words in KINDS.items():
        mine = [e for e in events if any(word in e.key for word in words)]
        share = sum(event.self_cpu_time_total for event in mine) / total
        left -= share
        print(f"{kind:<13} {share:6.1%}")
    print(f"{'the rest':<13} {left:6.1%}")


if __name__ == "__main__":
    main()
