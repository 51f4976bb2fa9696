"""How `ablate status` says how far a study is."""

from rich.text import Text

from ablations.cli.words.console import make_console
from ablations.engine.supervision.progress import duration
from ablations.engine.supervision.status import StudyStatus
from plain_files.numbers import loss
from plain_files.words import one_line, visible


def print_status(now: StudyStatus) -> None:
    """Runs by state, what is running, the best arm, time left, and what failed."""
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
    for run in now.running:
        console.print(
            f"  running  {run.label}, seed {run.seed}: epoch {run.epoch} of {run.epochs} ({run.slot})"
        )
    for failure in now.failures:
        console.print(
            f"  failed   {failure.label}, seed {failure.seed}: {one_line(failure.error)}",
            style="red",
        )
        if failure.log is not None:
            console.print(f"           its log: {failure.log}")
    if now.best is not None:
        best = now.best
        console.print(
            f"best so far: {best.label}, {now.metric} {loss(best.value)} over {best.seeds} "
            f"seed{'s' * (best.seeds != 1)} that every arm has"
        )
    if now.seconds_left is not None and now.planned > now.ended:
        console.print(f"time left: about {duration(now.seconds_left)} on {now.slots} slots")
