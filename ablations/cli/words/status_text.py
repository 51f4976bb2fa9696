"""How `ablate status` says how far a study is."""

from rich.console import Console
from rich.text import Text

from ablations.cli.words.console import make_console
from ablations.engine.standing.status import MOST_KINDS, StudyStatus
from ablations.engine.supervision.progress import SLOTS_SHOWN, duration
from plain_files.numbers import loss
from plain_files.words import one_line, visible


def print_status(now: StudyStatus, *, named: str) -> None:
    """Runs by state, what is running, the best arm, time left, and what failed.

    Args:
        now: How the study stands.
        named: What a command calls it.
    """
    console = make_console()
    who = now.supervisor
    by = f"run by process {who['pid']} on {who['host']}" if who else "not being run"
    counts = {
        "complete": now.complete,
        "pruned": now.pruned,
        "failed": now.failed,
        "running": len(now.running),
        "interrupted": now.interrupted,
        "waiting": now.waiting,
        "not to be used": now.damaged,
    }
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    counted = f": {now.planned} runs: {told or 'none begun'} ({by})"
    console.print(Text.assemble((visible(now.study), "bold"), counted))
    for remark in now.remarks:
        console.print(f"  records  {remark}", style="yellow")
    for changed in now.exploratory:
        console.print(f"  exploratory  {changed}", style="yellow")
    for run in now.running[:SLOTS_SHOWN]:
        console.print(
            f"  running  {run.label}, seed {run.seed}: epoch {run.epoch} of {run.epochs} ({run.slot})"
        )
    if len(now.running) > SLOTS_SHOWN:
        console.print(f"  running  {len(now.running) - SLOTS_SHOWN:,} more")
    _print_failures(console, now, named=named)
    if now.best is not None:
        best = now.best
        console.print(
            f"best so far: {best.label}, {now.metric} {loss(best.value)} over {best.seeds} "
            f"seed{'s' * (best.seeds != 1)} that every arm has"
        )
    if now.seconds_left is not None and now.planned > now.ended:
        console.print(f"time left: about {duration(now.seconds_left)} on {now.slots} slots")


def _print_failures(console: Console, now: StudyStatus, *, named: str) -> None:
    """The first of each kind, the number of those like it, and where all of them are."""
    kinds = now.failure_kinds()
    for failure, *others in kinds[:MOST_KINDS]:
        console.print(
            f"  failed   {failure.label}, seed {failure.seed}: {one_line(failure.error)}",
            style="red",
        )
        if failure.log is not None:
            console.print(f"           its log: {failure.log}")
        if others:
            console.print(f"           and {len(others):,} more like it")
    if left := sum(map(len, kinds[MOST_KINDS:])):
        console.print(f"  failed   {left:,} more in other ways", style="red")
    if len(kinds) > MOST_KINDS or len(now.failures) > len(kinds):
        console.print(f"           `ablate status {named} --json` has all {len(now.failures):,}")
