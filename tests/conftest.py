import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `imports` is what several tests read the tree with

# One thread for each test process, and for what it starts: small convolutions on contended threads were
# measured to be 20 to 250 times slower than on one.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


LONGEST = (
    "tests/test_main_job.py",
    "tests/subjects/",
    "tests/analysis/report/",
    "tests/ablations/subjects/attention/stacking/",
    "tests/ablations/subjects/attention/training/",
    "tests/ablations/engine/test_clusters.py",
)
"""Where files lie that take long: they are begun first, whatever the number of their tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


TOGETHER = "tests/analysis/report/"
"""A folder whose files share the evidence and the pages of a session: one worker has all of them."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """As `--dist loadfile`, but for what is shared between files."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


class Context:
    """Keeps what a run tells it."""

    rank, world_size, device, threads, stopping = 0, 1, "cpu", 1, False
    run, attempt = "a1", 1
    checkpoint_seconds, checkpoint_minutes = 10.0, 10.0

    def __init__(self, folder: Path) -> None:
        self.folder = self.attempt_folder = folder
        self.records = list[dict[str, Any]]()

    def epoch(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def beat(self) -> None:
        pass


@pytest.fixture
def trained(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Trains one run of a space here: what it returns and its records."""
    from ablations.import_path import load
    from ablations.subjects.values import nested

    def train(
        space: Any, seed: int = 0, **changes: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        context = Context(tmp_path_factory.mktemp("run"))
        arm = space.about.changed(space.baseline, changes)
        settings = {**space.about.carried, "arm": nested(arm), "seed": seed}
        return load(space.about.train)(settings, context), context.records

    return train


@pytest.fixture
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports of two figures, where a test reads what stands beside them; not for what others share."""
    from analysis.report.figures import figures

    few = {name: figures.PICTURES[name] for name in ("effects", "seeds")}
    monkeypatch.setattr(figures, "PICTURES", few)
