"""A supervisor in a process of its own, for tests that kill it: `python supervise.py '{json}'`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from trivial_plans import planned  # noqa: E402

from ablations.engine.executors.local import LocalExecutor  # noqa: E402
from ablations.engine.executors.slots import find_slots  # noqa: E402
from ablations.engine.records.folder import StudyFolder  # noqa: E402
from ablations.engine.records.index import Index  # noqa: E402
from ablations.engine.sources.search import SearchSource  # noqa: E402
from ablations.engine.sources.source import PlannedSource  # noqa: E402
from ablations.engine.supervision.supervisor import execute  # noqa: E402
from ablations.plan import PlannedRun  # noqa: E402


def main(order: dict[str, Any]) -> int:
    """Execute the study that the order describes; prints its summary."""
    folder = StudyFolder.open(Path(order["folder"]))
    if order.get("trials"):
        from trivial_plans import real

        def slow(trial: Any, seed: int) -> Any:
            one = real(trial, seed)
            one.settings["pause"] = order["settings"]["pause"]
            return one

        source: Any = SearchSource(
            folder, slow, trials=order["trials"], pruner="median", seeds=(0, 1)
        )
    else:
        plan = [planned(i, **order.get("settings", {})) for i in range(order["runs"])]
        source = PlannedSource(plan)
    if order.get("stack"):
        source = PlannedSource(seeds(order), stack=order["stack"])
    slots = find_slots(workers=order["workers"], gpus=(), stack=order.get("stack", 1))
    index = Index(folder.journal_file, study="first") if order.get("index") else None
    summary = execute(
        folder,
        source,
        executor=LocalExecutor(slots, pythonpath=str(HERE)),
        train=order["train"],
        index=index,
        **order.get("options", {}),
    )
    print(json.dumps({**asdict(summary), "exit_code": summary.exit_code}))  # noqa: T201
    return summary.exit_code


def seeds(order: dict[str, Any]) -> list[PlannedRun]:
    """As many runs, of which each arm has as many seeds as are stacked."""
    numbers = [divmod(i, order["stack"]) for i in range(order["runs"])]
    return [planned(arm, seed=seed, **order.get("settings", {})) for arm, seed in numbers]


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
