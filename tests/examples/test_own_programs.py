import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablations import load_space
from ablations.cli.main import main
from ablations.subjects import find

ROOT = Path(__file__).parents[2]
MODULES = ("table", "pipeline", "backbone", "tune")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Goes into an example's folder, as its reader does."""

    def enter(name: str) -> None:
        folder = ROOT / "examples" / name
        monkeypatch.chdir(folder)
        monkeypatch.syspath_prepend(str(folder))
        find._found.cache_clear()

    for module in MODULES:
        monkeypatch.delitem(sys.modules, module, raising=False)
    return enter


@pytest.mark.parametrize(
    ("example", "file", "page", "fewer", "change", "measured"),
    [
        (
            "tabular_loco", "loco.yaml", "own-programs.md", {"trainer.max_epochs": 1},
            {"data.scale": False}, {"val_mae"},
        ),
        (
            "sklearn_pipeline", "space.yaml", "own-functions.md", {},
            {"scale": False}, {"val_loss", "val_accuracy"},
        ),
        (
            "fine_tuning", "tune.yaml", "fine-tuning.md", {"trainer.max_epochs": 1},
            {"model.learns": "head"}, {"val_loss", "val_accuracy", "test_accuracy"},
        ),
    ],
)  # fmt: skip
def test_an_example_shows_what_its_page_says_and_its_arms_differ(
    inside: Callable[[str], None],
    trained: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    example: str,
    file: str,
    page: str,
    fewer: dict[str, Any],
    change: dict[str, Any],
    measured: set[str],
) -> None:
    inside(example)
    if example == "fine_tuning":
        import backbone
        import torch

        monkeypatch.setattr(backbone, "FILE", tmp_path / "backbone.pt")
        torch.manual_seed(0)
        torch.save(backbone.network().state_dict(), backbone.FILE)
    main(["show", file, "--design", "loco"])
    said = "\n".join(map(str.rstrip, capsys.readouterr().out.strip().splitlines()))
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert said in text
    assert Path(file).read_text(encoding="utf-8") in text
    space = load_space(file, fewer)
    result, _ = trained(space)
    assert measured <= result.keys() | result.get("test", {}).keys()
    other, _ = trained(space, **change)
    assert result[space.about.metric] != other[space.about.metric]
