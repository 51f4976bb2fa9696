import contextlib
import importlib.util
import sys
from pathlib import Path

from ablations.cli.main import main

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "unet_attention"


def test_the_page_shows_what_the_example_prints(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("unet_attention_train", FOLDER / "train.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setattr(example, "SEEDS", 1)
    monkeypatch.setattr(example, "STEPS", 1)
    example.main()
    told, scores = capsys.readouterr().out.split("\n\nno attention")
    page = (ROOT / "docs" / "attach.md").read_text(encoding="utf-8")
    assert told in page
    arms = [line.partition("  ")[0] for line in f"no attention{scores}".splitlines()]
    assert arms == list(example.ARMS)
    assert all(f"{arm:<14} Dice" in page for arm in arms)


def test_the_page_shows_the_study_of_the_example(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(FOLDER)
    for name in ("segmenter", "train", "unet"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with contextlib.suppress(SystemExit):
        main(["show", "attention.yaml", "--design", "loco"])
    page = (ROOT / "docs" / "attach.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() in page
