"""What recording the gates costs a run: `taskset -c 0 python benchmarks/gate_recorder.py`.

Pairs of a run that records (`training.record_gates`) and the same run that does not, in turn, in one process
with one thread; processor time. Prints the median ratio of the pairs with its distribution-free 95 % interval,
the share of the recording run's time that was spent inside the recorder, which is far less noisy, what looking at
each channel at the end adds to a run, and whether
the results are equal to the last bit.
"""

import argparse
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from training_overhead import interval, timed

from ablations.subjects.attention.settings.groups import Arm, Attention, Run, Training
from ablations.subjects.attention.training import run as training
from ablations.subjects.attention.training.gate_recorder import GateRecorder
from ablations.subjects.attention.training.run import train


@dataclass
class Inside:
    """Processor seconds inside the recorder, building it included, and in what looks at each channel at the end."""

    seconds: float = 0.0
    channels: float = 0.0


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=12)
    options.add_argument("--epochs", type=int, nargs="+", default=[10, 30])
    options.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 128])
    given = options.parse_args()
    torch.set_num_threads(1)
    inside = watched()
    print(f"{platform.machine()}, torch {torch.__version__}, 1 thread, {given.pairs} pairs")
    for epochs in given.epochs:
        for batch_size in given.batch_sizes:
            line = measured(inside, epochs=epochs, batch_size=batch_size, pairs=given.pairs)
            print(f"{epochs:>3} epochs, batch {batch_size:>3}: {line}", flush=True)


def watched() -> Inside:
    """From here on, what every recorder takes is added up."""
    inside = Inside()
    build, record = GateRecorder.__init__, GateRecorder.record

    def timed_build(self: GateRecorder, path: Path, **arguments: object) -> None:
        began = time.process_time()
        build(self, path, **arguments)  # type: ignore[arg-type]
        inside.seconds += time.process_time() - began

    def timed_record(self: GateRecorder, network: nn.Module, epoch: int) -> None:
        began = time.process_time()
        record(self, network, epoch)
        inside.seconds += time.process_time() - began

    channels = training.record_channels

    def timed_channels(*given: object, **arguments: object) -> None:
        began = time.process_time()
        channels(*given, **arguments)  # type: ignore[arg-type]
        inside.channels += time.process_time() - began

    training.record_channels = timed_channels  # type: ignore[assignment]
    GateRecorder.__init__ = timed_build  # type: ignore[method-assign]
    GateRecorder.record = timed_record  # type: ignore[method-assign]
    return inside


def measured(inside: Inside, *, epochs: int, batch_size: int, pairs: int) -> str:
    """One line: ratio of the pairs, share inside the recorder, equality of the results."""
    with tempfile.TemporaryDirectory() as scratch:
        gates = Path(scratch) / "gates.jsonl"

        def once(*, records: bool) -> tuple[float, object]:
            recipe = Training(
                epochs=epochs, warmup_epochs=1, batch_size=batch_size, record_gates=records
            )
            run = Run(arm=Arm(attention=Attention(reduction=4), training=recipe), seed=0)
            return timed(lambda: train(run, on_epoch=lambda _: None, gates=gates))  # type: ignore[arg-type, return-value]

        once(records=True)  # warm-up
        ratios, shares, ends, equal = [], [], [], True
        for i in range(pairs):
            inside.seconds = inside.channels = 0.0
            found = {
                records: once(records=records) for records in ((True, False), (False, True))[i % 2]
            }
            ratios.append(found[True][0] / found[False][0])
            shares.append(inside.seconds / found[True][0])
            ends.append(inside.channels / found[False][0])
            equal = equal and found[True][1] == found[False][1]
    ratios.sort()
    shares.sort()
    ends.sort()
    low, high = interval(ratios)
    return (
        f"ratio {statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}], inside the recorder "
        f"{statistics.median(shares):.1%} of the run [{interval(shares)[0]:.1%}, {interval(shares)[1]:.1%}], "
        f"each channel at the end {statistics.median(ends):.0%} of a run without [{interval(ends)[0]:.0%}, "
        f"{interval(ends)[1]:.0%}], "
        f"results equal: {equal}"
    )


if __name__ == "__main__":
    main()
