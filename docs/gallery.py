"""Runs the six studies of docs/gallery.md and writes that page: `make gallery`.

Each study lies in a folder of its own under the one that is named, and is left alone there once it has ended: what
was done before is not done again. The page says what the commands print and which processor time they took.
"""

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
IMAGES = ROOT / "docs" / "images" / "gallery"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One study of the page."""

    study: str
    title: str
    question: str
    commands: tuple[str, ...]
    figure: str
    """What `ablate plot STUDY` draws, with its options."""
    caption: str
    example: str | None = None
    """The folder of `examples/` in which the commands are given."""
    last: tuple[str, ...] = field(default=("ablate report {study}",))
    """What prints the verdict."""


ENTRIES = (
    Entry(
        study="demo",
        title="Decided: a gate's gain, when training is short",
        question="A sigmoid gate starts at 1/2, which halves its branch. Does that matter after three epochs?",
        commands=("ablate run demo --design loco",),
        figure="effects",
        caption="Each arm's difference to the baseline, with 90 %, 95 % and simultaneous intervals.",
    ),
    Entry(
        study="gate",
        title="A null result that says how small: equivalence",
        question="After ten epochs, is any gate better or worse by as much as 0.02 nats? Run until that is settled.",
        commands=(
            "ablate run gate --until decided --margin 0.02 --max-seeds 12 "
            "--set training.epochs=10 --set training.warmup_epochs=0",
        ),
        figure="looks",
        caption="Evidence against seeds: a comparison whose line crosses its boundary gets no further seed.",
    ),
    Entry(
        study="look",
        title="A search, and what fresh seeds say of it",
        question="Which combination of five settings is best, and how much of the search's best value was luck?",
        commands=(
            "ablate run full --design search --trials 20 --study look "
            "--set training.epochs=4 --set training.warmup_epochs=0",
            "ablate confirm look --top 3 --seeds 5",
        ),
        figure="selection",
        caption="What the search saw of each arm, against its fresh seeds.",
    ),
    Entry(
        study="ratio",
        title="r* identified: attention as all that is not linear",
        question="Attention is all that is not linear in a reader of digits. How narrow may it be?",
        commands=("ablate run ratio.yaml",),
        last=("ablate report ratio --price-per-param 4e-6",),
        example="gated_digits",
        figure="ratio --price-per-param 4e-6",
        caption="Loss against the ratio, the fitted curves, and r* at a price of 4e-6 nats per weight.",
    ),
    Entry(
        study="widths",
        title="How r* grows with the width",
        question="The same reader with 32 and with 64 channels: does the best ratio grow as the theory's C^(2/3)?",
        commands=("ablate run widths.yaml",),
        example="gated_digits",
        figure="width",
        caption="r* at each width, as a multiple of the first width's.",
    ),
    Entry(
        study="loco",
        title="A network of one's own",
        question="Which of five components of a small MLP on a table of 442 patients can go?",
        commands=("ablate run loco.yaml --design loco",),
        last=("ablate report loco --margin 0.02",),
        example="tabular_loco",
        figure="effects --margin 0.02",
        caption="What leaving out each component does to the mean absolute error.",
    ),
)

HEAD = """# Gallery

Six studies, from the question to the verdict. Each takes less than three minutes on two cores; `make gallery` runs them
all and writes this page. What stands below the commands is what the last of them printed ({versions};
another processor rounds otherwise and gives other numbers). Processor time counts all processes: on two quiet cores a
study takes about half of it.
"""


def main(folder: Path) -> None:
    """Run what has not ended yet, and write the page."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(
        "".join([HEAD.format(versions=versions()), *(section(e, folder) for e in ENTRIES)])
    )


def section(entry: Entry, folder: Path) -> str:
    """The entry's part of the page; its figure is copied beside it."""
    here = folder / entry.study
    ended = here / "ended.json"
    if not ended.exists():
        if entry.example:
            shutil.copytree(ROOT / "examples" / entry.example, here, dirs_exist_ok=True)
        here.mkdir(parents=True, exist_ok=True)
        seconds = sum(run(command, here)[1] for command in entry.commands)
        ended.write_text(json.dumps({"seconds": seconds}))
    seconds = json.loads(ended.read_text())["seconds"]
    last = [command.format(study=entry.study) for command in entry.last]
    said = "".join(run(command, here)[0] for command in last)
    run(f"ablate plot {entry.study} {entry.figure} --format png --style screen", here)
    picture = here / "runs" / entry.study / "report" / "plots" / f"{entry.figure.split()[0]}.png"
    shutil.copyfile(picture, IMAGES / f"{entry.study}.png")
    # Where optuna-dashboard is installed a report says one line more.
    words = [line for line in said.strip().splitlines() if "ablate dashboard" not in line]
    where = (
        f"\nIn [examples/{entry.example}](../examples/{entry.example}):" if entry.example else ""
    )
    return f"""
## {entry.title}
{entry.question}
{where}
```
{chr(10).join((*entry.commands, *last))}
```
```
{chr(10).join(words)}
```
![{entry.caption}](images/gallery/{entry.study}.png)

*{entry.caption} {seconds:.0f} s of processor time.*
"""


def run(command: str, folder: Path) -> tuple[str, float]:
    """What a command prints, and the seconds of processor time that it and its workers took."""
    print(f"{time.strftime('%H:%M:%S')} {folder.name}: {command}", file=sys.stderr, flush=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [str(Path(sys.executable).with_name("ablate")), *shlex.split(command)[1:]]
    said = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "COLUMNS": "120"},
        check=True,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def versions() -> str:
    """What the numbers depend on, in words."""
    from importlib.metadata import version

    python = ".".join(map(str, sys.version_info[:3]))
    return f"ablations {version('ablations')}, torch {version('torch')}, Python {python}"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery"))
