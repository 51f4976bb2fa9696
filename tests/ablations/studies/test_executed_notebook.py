"""A notebook, executed by a kernel as a reader's is: what its cells show."""

import os
from pathlib import Path

import pytest

CELLS = (
    "import ablations as ab\nimport analysis",
    "short = {'training.epochs': 1, 'training.warmup_epochs': 0, 'data.val_fraction': 0.9}",
    "space = ab.load_space('reduction', short)\nspace",
    "ab.show(space)",
    "ab.run(space, study='first', seeds=2, progress=True)",
    "ab.status('first')",
    "table = analysis.read_table('runs/first')\ntable",
    "analysis.fit_reduction(table)",
    "analysis.estimate_effects(table)",
    "analysis.estimate_importance(table)",
)


@pytest.mark.integration
def test_a_notebook_runs_a_study_and_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    from nbformat.v4 import new_code_cell, new_notebook

    # Warnings of the kernel's own parts are not ours to fail by.
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute(env=dict(os.environ))
    outputs = [cell.outputs for cell in notebook.cells]
    assert "12/12 runs" in "".join(
        str(one.get("data", {}).get("text/html", "")) for one in outputs[4]
    )
    for cell, shown in zip(CELLS[2:], outputs[2:], strict=True):
        if "ab.run" in cell:
            continue
        data = shown[-1]["data"]
        assert "<b>" in data["text/html"], cell
        assert len(data["text/plain"]) < 500, cell
