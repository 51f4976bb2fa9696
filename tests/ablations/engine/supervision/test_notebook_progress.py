import sys
from types import SimpleNamespace

import pytest

from ablations.engine.standing.snapshot import Busy, Snapshot
from ablations.engine.supervision.notebook_progress import NotebookProgress, progress_here
from ablations.engine.supervision.progress import PlainProgress

SNAPSHOT = Snapshot(
    study="first", total=60, complete=20, pruned=1, failed=2, slots=("gpu0", "gpu1"),
    busy=(Busy(slot="gpu1", label="reduction=4", seed=3, epoch=7, epochs=30, value=0.12345),),
    metric="val_loss", best=None, seconds=60.0, runs_per_hour=1200.0, seconds_left=3725.0,
)  # fmt: skip


class Cell:
    """IPython's `display` module, and the output under one cell."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def HTML(self, text: str) -> str:  # noqa: N802  its name in IPython
        return text

    def display(self, text: str, *, display_id: bool) -> "Cell":
        assert display_id
        self.update(text)
        return self

    def update(self, text: str) -> None:
        self.shown.append(text)


def test_a_cell_shows_counts_slots_and_what_failed() -> None:
    cell = Cell()
    progress = NotebookProgress(cell)
    progress.line("3/60 failed reduction=<4> seed 1")
    progress.line("4/60 complete reduction=8 seed 1")
    progress.show(SNAPSHOT)
    assert "23/60 runs" in cell.shown[-1]
    assert "gpu1" in cell.shown[-1]
    assert "<div>3/60 failed reduction=&lt;4&gt; seed 1</div>" in cell.shown[-1]
    assert "4/60 complete" not in cell.shown[-1]


def test_a_cell_is_redrawn_once_a_second_and_at_the_end() -> None:
    cell = Cell()
    progress = NotebookProgress(cell)
    for _ in range(5):
        progress.show(SNAPSHOT)
    assert len(cell.shown) == 1
    progress.close()
    assert len(cell.shown) == 2


@pytest.mark.parametrize(("kernel", "kind"), [(object(), NotebookProgress), (None, PlainProgress)])
def test_the_display_is_a_notebooks_in_a_kernel_alone(
    monkeypatch: pytest.MonkeyPatch, kernel: object, kind: type
) -> None:
    display = Cell()
    module = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel), display=display)
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert type(progress_here()) is kind


def test_without_ipython_the_display_is_a_terminals_or_a_logs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert type(progress_here()) is PlainProgress
