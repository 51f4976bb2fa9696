"""Saves a study's views: `python -m ablations.tracking.wandb.views_process FOLDER PROJECT workspace report`.

A process of its own, without a terminal: W&B's client asks for a key wherever it finds one. Prints one
line for each saved view, `kind address`; what goes wrong is the last line of standard error.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import wandb
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from ablations.tracking.wandb.layout import Layout, read_layout
from ablations.tracking.wandb.records import read_json
from ablations.tracking.wandb.views import build_report, build_workspace


def main(arguments: list[str]) -> None:
    """Save the named views, each in place of the one that was saved before."""
    folder, project, *kinds = arguments
    layout = read_layout(Path(folder))
    entity = os.environ.get("WANDB_ENTITY") or str(wandb.Api().default_entity)
    saved_file = Path(folder) / "wandb" / "views.json"
    saved = read_json(saved_file) or {}
    here = saved.setdefault(f"{entity}/{project}", {})
    for kind in kinds:
        here[kind] = SAVE[kind](layout, entity, project, here.get(kind, {}))
        saved_file.parent.mkdir(exist_ok=True)
        saved_file.write_text(json.dumps(saved, indent=1), encoding="utf-8")
        sys.stdout.write(f"{kind} {here[kind]['url']}\n")


def _save_workspace(
    layout: Layout, entity: str, project: str, before: dict[str, str]
) -> dict[str, str]:
    made = build_workspace(layout, entity=entity, project=project)
    if "url" in before:
        try:
            old = ws.Workspace.from_url(before["url"])
        except ValueError:
            # Somebody deleted it in W&B.
            pass
        else:
            old.name, old.sections = made.name, made.sections
            old.settings, old.runset_settings = made.settings, made.runset_settings
            made = old
    return {"url": made.save().url}


def _save_report(
    layout: Layout, entity: str, project: str, before: dict[str, str]
) -> dict[str, str]:
    made: wr.Report = build_report(layout, entity=entity, project=project)
    made.id = before.get("id", "")
    made.save()
    return {"url": made.url, "id": made.id}


SAVE: dict[str, Callable[[Layout, str, str, dict[str, str]], dict[str, str]]] = {
    "workspace": _save_workspace,
    "report": _save_report,
}

if __name__ == "__main__":
    main(sys.argv[1:])
