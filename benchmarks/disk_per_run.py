"""Counts what one run asks of a file system: waits, files opened and made, names changed, folders listed, bytes.

Calls inside a trivial study of `scale.py` are counted by Python's audit hooks (and a counting `fsync`), by who makes
them, and divided by the runs. What a run trains with is not in it: no checkpoint, no log, five epochs.

python benchmarks/disk_per_run.py [--runs 300]
"""

import argparse
import os
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import scale
from fake_executor import FakeExecutor

EVENTS = {
    "open": "open", "os.mkdir": "mkdir", "os.link": "link", "os.rename": "rename",
    "os.remove": "unlink", "os.listdir": "list", "os.scandir": "list",
}  # fmt: skip
CALLS = ("fsync", *dict.fromkeys(EVENTS.values()))


class Counts:
    """Calls by who makes them, once it is switched on."""

    def __init__(self, folder):
        """Of paths in this folder."""
        self._folder, self.who, self.found = str(folder), None, Counter()
        sys.addaudithook(self._heard)
        self._fsync, os.fsync = os.fsync, self._synced

    def _heard(self, event, args):
        if event in EVENTS and self.who and args and self._is_mine(args[0]):
            self.found[self.who(), EVENTS[event]] += 1

    def _is_mine(self, path):
        return isinstance(path, str | os.PathLike) and str(path).startswith(self._folder)

    def _synced(self, descriptor):
        if self.who:
            self.found[self.who(), "fsync"] += 1
        self._fsync(descriptor)


def counted(counts, who, action):
    """The calls of an action."""
    counts.who = who
    action()
    counts.who = None


def main():
    """Print the counts of a run, and what lies on the disk of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="disk-") as place:
        folder = Path(place) / "study"
        runs = scale.make(folder, options.runs)["runs"]
        counts, executor = Counts(folder), FakeExecutor(scale.SLOTS)

        def who():
            if threading.current_thread() is not threading.main_thread():
                return "index"
            return "worker" if executor.training else "supervisor"

        counted(counts, who, lambda: scale.supervisor(folder, executor))
        counted(counts, lambda: "resume", lambda: scale.resume(folder))
        counted(counts, lambda: "status", lambda: scale.status(folder))
        counted(counts, lambda: "effects", lambda: scale.effects(folder))
        files = list(files_of(folder))
    show(counts.found, runs)
    show_files(files, runs)


def files_of(folder):
    """Name in the study and what the system says of each file."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.stat()


def folders(files):
    """How many folders the runs' files lie in."""
    return len({part for name, _ in files if name.startswith("runs/") for part in parents(name)})


def parents(name):
    """The folders of a file, below `runs`."""
    return [str(parent) for parent in Path(name).parents if len(parent.parts) > 1]


def show(found, runs):
    """A row for each who."""
    print("| per run | " + " | ".join(CALLS) + " |")
    print("|---|" + "---:|" * len(CALLS))
    for who in dict.fromkeys(who for who, _ in found):
        print(f"| {who} | " + " | ".join(f"{found[who, call] / runs:.2f}" for call in CALLS) + " |")


def show_files(files, runs):
    """What lies on the disk, per run."""
    of_run = [entry for name, entry in files if name.startswith("runs/")]
    unique = {entry.st_ino: entry for entry in of_run}
    size = sum(entry.st_size for entry in unique.values())
    logs = [
        f"{entry.st_size / runs:.0f} of {name}"
        for name, entry in files
        if name.endswith((".jsonl", ".log")) and "/" not in name
    ]
    print(
        f"\n{runs} runs; of each {len(unique) / runs:.1f} files under {len(of_run) / runs:.1f} names in "
        f"{folders(files) / runs:.1f} folders, {size / runs:.0f} bytes, and {', '.join(logs)}"
    )


if __name__ == "__main__":
    main()
