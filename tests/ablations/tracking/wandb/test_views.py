import dataclasses
import json
import os
import re

import pytest

from ablations.errors import StudyError
from ablations.plan import PlannedRun
from ablations.tracking.wandb.layout import read_layout
from ablations.tracking.wandb.sync import save_views
from ablations.tracking.wandb.view import run_id, study_id, view_run


@pytest.fixture
def gated(recorded, plan, add_report):
    """A recorded study over ratio and gate, with a written report."""
    runs = []
    for gate in ("sigmoid", "one_plus_tanh"):
        for reduction in (2, 4, 16):
            run = plan(reduction)
            factors = run.factors | {"attention.gate": gate}
            name = f"{gate[:1]}{reduction}"
            runs.append(dataclasses.replace(run, run=name, factors=factors).to_json())
    (recorded / "plan.jsonl").write_text("".join(json.dumps(run) + "\n" for run in runs))
    add_report(recorded)
    return recorded


def test_the_ratio_is_the_axis_and_the_gate_the_colour(gated, study):
    layout = read_layout(gated)
    assert layout.factors == ["attention.reduction", "attention.gate"]
    assert (layout.x, layout.x_is_log, layout.hue) == (
        "attention.reduction",
        True,
        "attention.gate",
    )
    assert set(layout.key) == {"sigmoid", "one_plus_tanh"}
    assert len(set(layout.key.values())) == 2
    assert layout.colours[run_id(study, "s4", 1)] == layout.key["sigmoid"]
    assert layout.colours[run_id(study, "o4", 1)] == layout.key["one_plus_tanh"]
    assert layout.baseline_run == run_id(study, "s4", 1)
    assert (layout.verdict, layout.figures) == ("r* is 8.", ["ratio"])


def test_a_factor_with_one_level_is_no_axis(recorded):
    layout = read_layout(recorded)
    assert layout.factors == ["attention.reduction"]
    assert (layout.x_is_log, layout.hue, layout.colours) == (False, None, {})


def test_views_of_no_study_are_refused(folder):
    with pytest.raises(StudyError, match=r"holds no study: there is no study.json in it."):
        read_layout(folder)


def test_without_the_extra_it_is_named(recorded, monkeypatch):
    monkeypatch.setattr("ablations.tracking.wandb.sync.find_spec", lambda _: None)
    message = (
        r"workspaces and reports need the extra `wandb-reports`: "
        r"`pip install 'ablations\[wandb-reports\]'`\."
    )
    with pytest.raises(StudyError, match=message):
        save_views(recorded, ["workspace"], environment={})


def first_line(folder):
    return (folder / "plan.jsonl").read_text().splitlines()[0]


def paths_in(spec):
    """The configuration's paths that a saved view addresses: `attention.value.reduction`, `params.value`."""
    names = re.findall(r'"(?:config:)?(\w+)\.value(?:\.(\w+))?"', json.dumps(spec))
    return {tuple(filter(None, name)) for name in names}


def is_there(config, path):
    for name in path:
        if not isinstance(config, dict) or name not in config:
            return False
        config = config[name]
    return True


@pytest.mark.integration
def test_views_are_saved_in_place(gated, server, study):
    pytest.importorskip("wandb_workspaces")
    first = save_views(gated, ["workspace", "report"], environment=os.environ)
    assert set(first) == {"workspace", "report"}
    assert all(address.startswith(f"{server.url}/me/ablations") for address in first.values())
    assert save_views(gated, ["workspace", "report"], environment=os.environ) == first
    assert len(server.views) == 2
    workspace, report = server.views.values()

    sections = workspace["spec"]["section"]["panelBankConfig"]["sections"]
    panels = {panel["viewType"]: panel["config"] for s in sections for panel in s["panels"]}
    assert "r* is 8." in panels["Markdown Panel"]["value"]
    assert panels["Media Browser"]["mediaKeys"] == ["figures/ratio"]
    columns = [column["accessor"] for column in panels["Parallel Coordinates Plot"]["columns"]]
    assert columns == [
        "config:attention.value.reduction",
        "config:attention.value.gate",
        "config:params.value",
        "summary:val_loss",
    ]
    assert panels["Parameter Importance"]["targetKey"] == "val_loss"
    assert panels["Run Comparer"]["diffOnly"] == "split"
    scatters = [
        p["config"] for s in sections for p in s["panels"] if p["viewType"] == "Scatter Plot"
    ]
    assert [(c["xAxis"], c["yAxis"]) for c in scatters] == [
        ("config:attention.value.reduction", "summary:val_loss"),
        ("config:params.value", "summary:val_loss"),
    ]
    assert scatters[0]["xAxisLogScale"] is True
    curve = next(
        p["config"]
        for s in sections
        for p in s["panels"]
        if p["viewType"] == "Run History Line Plot"
    )
    assert (curve["metrics"], curve["xAxis"]) == (["val_loss"], "epoch")
    assert (curve["groupBy"], curve["groupAgg"], curve["groupArea"]) == (
        "label.value",
        "mean",
        "stddev",
    )
    [runs] = workspace["spec"]["section"]["runSets"]
    [own] = runs["filters"]["filters"]
    assert (own["key"]["name"], own["value"]) == ("study_id", study_id(study))
    assert list(runs["runFeed"]["columnPinned"])[1] == "config:attention.value.reduction"
    colours = workspace["spec"]["section"]["customRunColors"]
    assert colours[run_id(study, "s4", 1)] != colours[run_id(study, "o4", 1)]

    text = json.dumps(report["spec"])
    assert "r* is 8." in text
    config = view_run(study, PlannedRun(**json.loads(first_line(gated))), 1).config
    addressed = paths_in(workspace["spec"]) | paths_in(report["spec"])
    assert ("attention", "reduction") in addressed
    # What a panel addresses is there, under just that path.
    assert all(is_there(config, path) for path in addressed)
    for kind in (
        "Parallel Coordinates Plot",
        "Scatter Plot",
        "Parameter Importance",
        "Run Comparer",
    ):
        assert kind in text


@pytest.mark.integration
def test_views_without_a_key_are_refused_in_one_sentence(gated, tmp_path):
    pytest.importorskip("wandb_workspaces")
    environment = {"WANDB_BASE_URL": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    message = (
        r"the workspace could not be saved: there is no API key. Set WANDB_API_KEY, or run "
        r"`wandb login`."
    )
    with pytest.raises(StudyError, match=message):
        save_views(gated, ["workspace"], environment=environment)
