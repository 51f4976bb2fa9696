"""Inputs that nobody would give, by the thousand: what ends otherwise than in an answer or one sentence?

    python tests/fuzz/fuzz.py --seconds 600 --seed 0

Counts for each kind of input how many were given and how many were at fault: a fault in ablate itself or a
traceback, more than 10 seconds, growth by more than 1 GB, a write outside the study. Writes what was at fault to
`--keep`, and ends with 1 where something was.
"""

import argparse
import contextlib
import gc
import hashlib
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from given import Input
from inputs import KINDS, made
from judge import Box, Limits, Verdict, judge
from world import build

QUICK = [
    "show space.yaml", "effects s", "effects table.csv", "effects export.csv --factors attention.reduction,gate",
    "effects sqlite:///optuna.db#o", "effects journal://optuna.log#o", "importance s --permutations 2", "fit s",
]  # fmt: skip
WARM = [
    *QUICK, "run data.yaml --dry-run", "compare s t", "plan space.yaml --pilot s", "status s", "cost cifar_resnet8",
    "plot t effects --format svg", "show space.yaml --verify", "fit table.csv --baseline gate=sigmoid",
    "claims claims.yaml", "show pictures.yaml",
    "show coco.yaml", "show cli.yaml", "run toy.yaml --dry-run",
]  # fmt: skip
"""Commands that the parent runs once, so that no child imports anything."""


def warm(world: Path, commands: Sequence[str]) -> None:
    """Import what the commands import, by running them in a world."""
    import torch

    from ablations.cli.main import main

    torch.set_num_threads(1)
    here = Path.cwd()
    os.chdir(world)
    try:
        for words in commands:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
                main(words.split())
    finally:
        os.chdir(here)
    # A child's collector would look through, and so copy, everything that was imported: half of a child's time.
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Asked:
    """Which inputs: every `step`-th from `first` on, until the time or the number is over."""

    world: Path
    kinds: list[str]
    seed: int = 0
    seconds: float = 600
    most: int | None = None
    first: int = 0
    limits: Limits = Limits()  # noqa: RUF009 - frozen

    def judged(self, *, share: int = 0, step: int = 1) -> Iterator[tuple[int, str, Input, Verdict]]:
        """One worker's share of the inputs, and their verdicts."""
        number, ends = self.first + share, time.monotonic() + self.seconds
        box = Box(self.world)
        try:
            while time.monotonic() < ends and (
                self.most is None or number < self.first + self.most
            ):
                kind, given = made(self.seed, number, self.world, self.kinds)
                yield number, kind, given, judge(given, box, self.limits)
                number += step
        except KeyboardInterrupt:  # what was counted is told
            pass
        finally:
            box.remove()


def everything(asked: Asked, workers: int) -> Iterator[tuple[int, str, Input, Verdict]]:
    """The inputs and their verdicts, of so many processes at a time."""
    fork = multiprocessing.get_context("fork")  # what was imported is there
    open_, started = [], []
    for share in range(workers):
        mine, theirs = fork.Pipe(duplex=False)
        process = fork.Process(target=_tell, args=(theirs, asked, share, workers))
        process.start()
        theirs.close()
        open_.append(mine)
        started.append(process)
    with contextlib.suppress(KeyboardInterrupt):
        while open_:
            for one in wait(open_):
                try:
                    yield one.recv()
                except EOFError:
                    open_.remove(one)
    for process in started:
        process.join()
        if process.exitcode:
            sys.exit(f"a process of the fuzzer itself ended with {process.exitcode}")


def _tell(told: Connection, asked: Asked, share: int, step: int) -> None:
    for found in asked.judged(share=share, step=step):
        told.send(found)


def main() -> int:
    """Run and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, help="inputs at most")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--kind", action="append", choices=KINDS, help="repeatable; all without")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that were at fault")
    asked = parser.parse_args()
    given, wrong, kinds = Counter[str](), Counter[str](), Counter[str]()
    spent, distinct, began = Counter[str](), set[bytes](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder, "world"))
        warm(build(Path(folder, "warm")), WARM)
        which = Asked(
            world=world,
            kinds=asked.kind or list(KINDS),
            seed=asked.seed,
            seconds=asked.seconds - (time.monotonic() - began),
            most=asked.most,
            first=asked.first,
        )
        for number, kind, one, verdict in everything(which, asked.workers):
            given[kind] += 1
            spent[kind] += verdict.seconds
            distinct.add(_digest(one))
            if given.total() % 250 == 0:
                print(f"{given.total()} inputs, {wrong.total()} at fault", flush=True)
            wrong[kind] += bool(verdict.faults)
            kinds.update(fault.partition(":")[0] for fault in verdict.faults)
            if verdict.faults:
                print(
                    f"{number} ({kind}): {'; '.join(verdict.faults)}: {' '.join(one.words)!r:.200}"
                )
                sys.stdout.flush()
                _keep(asked.keep, number, one, verdict)
    print(f"\n{'inputs':<22} {'given':>6} {'at fault':>9} {'CPU ms each':>12}")
    for kind in KINDS:
        each = 1000 * spent[kind] / max(1, given[kind])
        print(f"{kind:<22} {given[kind]:>6} {wrong[kind]:>9} {each:>12.0f}")
    print(f"{'all':<22} {given.total():>6} {wrong.total():>9}")
    print(f"{len(distinct)} of them distinct, in {time.monotonic() - began:.0f} s")
    for fault, count in kinds.most_common():
        print(f"{fault}: {count}")
    return int(wrong.total() > 0)


def _digest(one: Input) -> bytes:
    content = json.dumps([one.words, sorted((k, v.hex()) for k, v in one.files.items())])
    return hashlib.sha256(content.encode()).digest()


def _keep(folder: Path | None, number: int, one: Input, verdict: Verdict) -> None:
    if folder is None:
        return
    at = folder / str(number)
    at.mkdir(parents=True, exist_ok=True)
    told = {"words": one.words, "faults": verdict.faults, "said": verdict.said[-3000:]}
    (at / "input.json").write_text(json.dumps(told, indent=1))
    for name, content in one.files.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
