import json
import wsgiref.simple_server

import pytest

from ablations.cli import dashboards
from ablations.errors import StudyError


@pytest.fixture
def root(tmp_path):
    """A folder of studies with an empty one, named `first`, that has a journal."""
    folder = tmp_path / "first"
    folder.mkdir()
    study = {"layout": 1, "study": "first", "space": {}, "created": "2026-11-21"}
    (folder / "study.json").write_text(json.dumps(study))
    (folder / "plan.jsonl").touch()
    (folder / "journal.log").touch()
    return tmp_path


def test_wandb_says_what_is_there(root, capsys):
    made = root / "first" / "wandb" / "offline-run-20261121_000000-a"
    made.mkdir(parents=True)
    (made / "run-a.wandb").write_bytes(b"")
    (made / "run-a.wandb.synced").touch()
    dashboards.wandb("first", root=root)
    said = capsys.readouterr().out
    assert said.startswith(f"{root / 'first'}: 1 W&B runs on disk, 1 of them sent.")


def test_an_unknown_study_gets_the_nearest_name(root):
    with pytest.raises(StudyError, match=r"but got 'frist'. Did you mean 'first'\?"):
        dashboards.wandb("frist", root=root)


def test_leet_without_files_says_how_to_get_them(root):
    message = r"study 'first' has no W&B files: it was run with `--wandb disabled`. `ablate wandb .*first --sync`"
    with pytest.raises(StudyError, match=message):
        dashboards.leet("first", root=root)


def test_leet_needs_a_terminal(root):
    made = root / "first" / "wandb" / "offline-run-20261121_000000-a"
    made.mkdir(parents=True)
    (made / "run-a.wandb").write_bytes(b"")
    message = r"W&B's viewer needs a terminal; `ablate report` writes a page instead."
    with pytest.raises(StudyError, match=message):
        dashboards.leet("first", root=root)


@pytest.fixture
def stopped(monkeypatch):
    """Servers that are stopped with Ctrl-C at once."""
    pytest.importorskip("optuna_dashboard")

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(wsgiref.simple_server.WSGIServer, "serve_forever", stop)


def test_the_dashboard_is_on_loopback_and_says_so(root, capsys, stopped):
    dashboards.dashboard("first", port=0, root=root)
    said = capsys.readouterr()
    assert "http://127.0.0.1:" in said.out
    assert f"No report yet: `ablate report {root / 'first'}` writes one" in said.out
    assert said.err == ""


def test_another_address_is_warned_about(root, capsys, stopped):
    dashboards.dashboard("first", host="0.0.0.0", port=0, root=root)
    assert "the dashboard has no authentication. Use 127.0.0.1" in capsys.readouterr().err
