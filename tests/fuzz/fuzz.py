"""Inputs that nobody would give, by the thousand: what ends otherwise than in an answer or one sentence?

    python tests/fuzz/fuzz.py --seconds 600 --seed 0

Counts for each kind of input how many were given and how many were at fault: a fault in ablate itself or a
traceback, more than 10 seconds, growth by more than 1 GB, a write outside the study. Writes what was at fault to
`--keep`, and ends with 1 where something was.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from inputs import KINDS, Input, made
from judge import Limits, Verdict, judge
from world import build

QUICK = [
    "show space.yaml", "effects s", "effects table.csv", "effects export.csv --factors attention.reduction,gate",
    "effects sqlite:///optuna.db#o", "effects journal://optuna.log#o", "importance s --permutations 2", "fit s",
]  # fmt: skip
WARM = [
    *QUICK, "run data.yaml --dry-run", "compare s t", "plan space.yaml --pilot s", "status s", "cost cifar_resnet8",
    "plot s effects --format svg", "show space.yaml --verify", "fit table.csv --baseline gate=sigmoid",
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


def judged(
    world: Path,
    *,
    seed: int,
    seconds: float,
    most: int | None,
    first: int,
    kinds: list[str],
    limits: Limits,
) -> Iterator[tuple[int, str, Input, Verdict]]:
    """Inputs and their verdicts, until the time or the number is over."""
    number, ends = first, time.monotonic() + seconds
    with contextlib.suppress(KeyboardInterrupt):  # what was counted is told
        while time.monotonic() < ends and (most is None or number < first + most):
            kind, given = made(seed, number, world, kinds)
            yield number, kind, given, judge(given, world, limits)
            number += 1


def main() -> int:
    """Run and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, help="inputs at most")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--kind", action="append", choices=KINDS, help="repeatable; all without")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that were at fault")
    asked = parser.parse_args()
    given, wrong, kinds = Counter[str](), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder, "world"))
        warm(build(Path(folder, "warm")), WARM)
        for number, kind, one, verdict in judged(
            world,
            seed=asked.seed,
            seconds=asked.seconds,
            most=asked.most,
            first=asked.first,
            kinds=asked.kind or list(KINDS),
            limits=Limits(),
        ):
            given[kind] += 1
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
    print(f"\n{'inputs':<22} {'given':>6} {'at fault':>9}")
    for kind in KINDS:
        print(f"{kind:<22} {given[kind]:>6} {wrong[kind]:>9}")
    print(f"{'all':<22} {given.total():>6} {wrong.total():>9}")
    for fault, count in kinds.most_common():
        print(f"{fault}: {count}")
    return int(wrong.total() > 0)


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
