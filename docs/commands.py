"""Runs what the pages tell a reader to type, in their order: `make docs`, or `python docs/commands.py [PAGE ...]`.

After `--in FOLDER`, first of all words, everything stays in that folder, and what has ended well there is not run
again: stop it at any time.

Each page has a folder of its own, in which the files that it shows are written, and the studies lie that the README
makes. Presets are trained for one epoch on a tenth of the digits (`SHORT`): what is tried is that a command does as the
page says, not its numbers. What is not run stands in `NOT_RUN`, with the reason.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 300
"""After so long a command counts as failed."""

SHORT = shlex.split(
    "--set training.epochs=1 --set training.warmup_epochs=0 --set data.val_fraction=0.9"
)
VALUES = {name: literal_eval(value) for name, value in (word.split("=") for word in SHORT[1::2])}
PRELUDE = f"""import ablations
_whole = ablations.load_space
ablations.load_space = lambda text: _whole(text, {VALUES!r})
if __name__ == "__main__":
"""
"""Before a block of Python: its spaces are as short as those of the commands."""
PRESETS = ("reduction", "gate", "width", "full", "squeeze", "sequence", "demo", "mine.yaml", "back")
DONE = "commands-that-ended-well"
"""In a page's folder: one line each."""
BEFORE = ("ablate run demo --design loco --seeds 3", "ablate run reduction --seeds 3")
"""What `make demo` runs, and a study that pages read by the name of its preset."""

EXAMPLES = {
    "README.md": ("tabular_loco",),
    "attach.md": ("unet_attention",),
    "fine-tuning.md": ("fine_tuning",),
    "own-functions.md": ("sklearn_pipeline",),
    "own-programs.md": ("tabular_loco", "unet_attention"),
    "gallery.md": ("gated_digits", "tabular_loco"),
    "until.md": ("gated_digits",),
}
"""Page -> the folders of `examples/` whose files it works on."""

NOT_RUN = {
    "ablate leet": "a full-screen viewer",
    "ablate dashboard": "serves until it is stopped; tests/ablations/cli/test_dashboards.py asks it",
    "--executor ray": "needs Ray: make integration",
    "--executor slurm": "needs Slurm: make integration",
    "SlurmExecutor": "needs Slurm: make integration",
    "--wandb online": "needs a W&B server: make integration",
    "--sync": "needs a W&B server: make integration",
    "--workspace": "needs a W&B server: make integration",
    "ablate wandb reduction --report": "needs a W&B server: make integration",
    "read_server": "needs a W&B server: make integration",
    "--gpus-per-run": "needs a GPU",
    "senet/table1": "ImageNet and CIFAR are not here",
    "claims attention": "trains for hours; tests/analysis/claims has the file's parts",
    "claims page.yaml": "its page shows the kinds of claims, no whole file; tests/ablations/cli/test_claims.py has one",
    "--open": "opens a browser",
    "ablations.attach(": "a fragment; tests/ablations/subjects/attention/attach has it whole",
    "load_host_state_dict(network": "a part of examples/unet_attention/train.py, which tests/examples runs",
    "MODELS = {": "a part of examples/sklearn_pipeline/pipeline.py, which is run below it",
    "yield {": "a shape with an ellipsis",
    "train_loader": "its loaders are the reader's",
    "--change-rule": "of a study that was begun by another rule; tests/ablations/studies/test_until.py has both",
    "flowers.yaml": "its images are the reader's; tests/ablations/subjects/attention/data makes such folders",
    "effects attention-": "reads a study that its claims train for hours",
    'mask="mask")': "a sketch of the reader's layer",
    "[--": "a synopsis; tests/docs parses it",
    "STUDY": "a synopsis; tests/docs parses it",
}
"""Part of a command or block -> why it is not run."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    before: str
    """The line of text above it."""

    @property
    def shown_as(self) -> str | None:
        """The file that it shows: named in its first line, or last in the text above it."""
        first = re.match(r"# ([\w.]+\.(?:py|yaml|csv))$", self.text.split("\n", 1)[0])
        named = re.findall(r"`([\w./]+\.(?:py|yaml|csv))`", self.before)
        if first:
            return first[1]
        ends = re.search(r":$|[Ww]ith this `[^`]+`$", self.before.rstrip())
        return Path(named[-1]).name if named and ends and self.language else None

    def lines(self) -> Iterator[tuple[int, str]]:
        """Number and text of each line that a shell gets, without its prompt and its comment."""
        for number, line in enumerate(self.text.split("\n"), self.line + 1):
            typed = re.sub(r"\s+#.*| \| tail.*", "", line.removeprefix("$ ")).strip()
            if re.match(r"(ablate|python)( |$)", typed) and not re.match(r"ablate: ", typed):
                yield number, typed


def pages() -> list[Path]:
    """The README and the docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    start, language, before, inside = 0, "", "", list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        fence = re.match(r"```(\w*)", line)
        if fence and not start:
            start, language, inside = number, fence[1], []
        elif fence:
            yield Block(page, start, language, "\n".join(inside) + "\n", before)
            start, before = 0, ""
        elif start:
            inside.append(line)
        elif line.strip():
            before = line


def why_not(text: str) -> str | None:
    """Why a command or a block is not run, if so."""
    return next((why for part, why in NOT_RUN.items() if part in text), None)


def main(names: list[str]) -> int:
    """Run the pages, or those that are named, which then have no study to begin with; the number of failures."""
    began, failed = time.monotonic(), list[str]()
    keep = Path(names[1]).resolve() if names[:1] == ["--in"] else None
    names = names[2:] if keep else names
    with tempfile.TemporaryDirectory() as scratch:
        home = (keep or Path(scratch)) / "README.md"
        if not home.exists():
            prepare(home)
        for command in () if names else BEFORE:
            failed += run(command, home, "before all")
        for page in pages():
            if names and page.name not in names:
                continue
            here = home.with_name(page.name)
            if not here.exists():
                shutil.copytree(home, here)
                (here / DONE).unlink(missing_ok=True)
            for example in EXAMPLES.get(page.name, ()):
                shutil.copytree(ROOT / "examples" / example, here, dirs_exist_ok=True)
            for block in blocks(page):
                failed += follow(block, here)
    print(f"{len(failed)} failed, {time.monotonic() - began:.0f} s", *failed, sep="\n")
    return len(failed)


def prepare(folder: Path) -> None:
    """The reader's own files: two archives of arrays, a table of runs, comparisons written down before."""
    import numpy as np

    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    labels = np.arange(120) % 4
    np.savez(folder / "mine.npz", x=draw.normal(size=(120, 3, 8, 8)), y=labels)
    np.savez(folder / "waves.npz", x=draw.normal(size=(120, 2, 32)), y=labels)
    rows = [
        f"{r},{seed},{0.2 + 1e-4 * r * r + 0.01 * draw.normal()}"
        for r in (2, 4, 8, 16)
        for seed in range(5)
    ]
    for name in ("runs.csv", "my_runs.csv"):
        (folder / name).write_text("\n".join(["reduction,seed,val_loss", *rows]) + "\n")
    (folder / "comparisons.yaml").write_text(
        "comparisons:\n- {factor: attention.gate, levels: [sigmoid, two_sigmoid], margin: 0.5}\n"
    )
    shutil.copyfile(ROOT / "tests" / "subjects" / "houses.py", folder / "houses.py")


def follow(block: Block, folder: Path) -> list[str]:
    """Write the file that the block shows, or run it; what failed, in words."""
    where = f"{block.page.name}:{block.line}"
    if block.language == "python" and (why := why_not(block.text)):
        print(f"  - {where}: not run: {why}")
        return []
    if name := block.shown_as:
        (folder / name).write_text(block.text, encoding="utf-8")
        return []
    if block.language == "python":
        for study in re.findall(r'study="(\w+)"', block.text) if "run(" in block.text else ():
            shutil.rmtree(folder / "runs" / study, ignore_errors=True)
        short = block.text.replace("n_trials=50", "n_trials=3").replace("trials=20", "trials=4")
        (folder / "block.py").write_text(PRELUDE + _indented(short))
        return run("python block.py", folder, where, known_as=hash_of(short))
    if block.language:
        return []
    return [
        words
        for number, line in block.lines()
        for words in run(line, folder, f"{block.page.name}:{number}")
    ]


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.split("\n"))


def hash_of(text: str) -> str:
    """A short name for a block."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run(command: str, folder: Path, where: str, *, known_as: str = "") -> list[str]:
    """Run one line in the folder, unless it has ended well there; a sentence if it failed.

    Args:
        command: What is typed.
        folder: Of its page.
        where: Page and line.
        known_as: What tells it from others; the command itself without.
    """
    if why := why_not(command):
        print(f"  - {where}: {command}: not run: {why}")
        return []
    done, key = folder / DONE, known_as or command
    if done.exists() and key in done.read_text(encoding="utf-8").splitlines():
        print(f"ok            {where}: {command} (before)")
        return []
    words = shlex.split(command)
    if words[0] == "ablate" and "run" in words[1:2]:
        words += _shortening(words, folder)
        _forget(words, folder)
    words[0] = str(Path(sys.executable).with_name(words[0]))
    began = time.monotonic()
    try:
        ended = subprocess.run(
            words, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, text=True,
            capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        code, said = ended.returncode, ended.stderr
    except subprocess.TimeoutExpired:
        code, said = 124, f"not done after {SECONDS} s"
    good = code == 0
    if good:
        with done.open("a", encoding="utf-8") as log:
            log.write(f"{key}\n")
    print(
        f"{'ok' if good else 'FAILED':6} {time.monotonic() - began:4.0f} s  {where}: {command}",
        flush=True,
    )
    return [] if good else [f"{where}: {command}: {said.strip().splitlines()[-1:]}"]


def _shortening(words: list[str], folder: Path) -> list[str]:
    """What makes a preset short: not the winner of a search, and not with a tenth of the reader's few examples."""
    space = folder / words[2]
    other = space.is_file() and "subject:" in space.read_text(encoding="utf-8")
    if words[2] not in PRESETS or other or "--around" in words:
        return []
    return SHORT[:-2] if "data.name=npz" in words else SHORT


def _forget(words: list[str], folder: Path) -> None:
    """A study that another command or file began is not gone on with: the page speaks of one of its own."""
    options, space = dict(pairwise(words)), folder / words[2]
    name = options.get("--study") or options.get("-n") or space.stem
    study, note = folder / "runs" / name, folder / "runs" / f"{name}.command"
    began = f"{words} {space.read_text(encoding='utf-8') if space.is_file() else ''}"
    if "--dry-run" in words or (note.exists() and note.read_text(encoding="utf-8") == began):
        return
    shutil.rmtree(study, ignore_errors=True)
    note.parent.mkdir(exist_ok=True)
    note.write_text(began, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
