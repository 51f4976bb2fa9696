import io
import weakref

import numpy as np
import pandas as pd
import pytest

from analysis.contrasts.cells import cells_of
from analysis.errors import TableError
from analysis.tables import wandb_export
from analysis.tables.csv_table import from_frame
from analysis.tables.wandb_export import as_runs, is_export, read_export, read_offline

CONFIG = {
    "study": "first",
    "run": "aa",
    "attempt": 1,
    "arm": "x",
    "label": "reduction=4",
    "seed": 0,
    "stage": "grid",
    "metric": "val_loss",
    "factors": ["attention.gate", "attention.reduction"],
    "attention": {"reduction": 4, "gate": "sigmoid"},
    "data": {"name": "digits"},
    "hidden": [4, 8],
    "channels": [16, 32],
    "c2_eff": 1280,
    "params": 100,
    "attention_params": 10,
    "macs": 9,
    "epochs_planned": 3,
    "_wandb": {"t": {"1": [2, 3]}},
}
SUMMARY = {"state": "COMPLETE", "val_loss": 0.5, "epochs_run": 3, "seconds": 1.5, "device": "cpu"}


def api_rows(*runs):
    """An export as W&B's documentation writes it from its API: dicts as text."""
    rows = [
        {"summary": str(s), "config": str(c), "name": f"run {i}"} for i, (c, s) in enumerate(runs)
    ]
    return pd.read_csv(io.StringIO(pd.DataFrame(rows).to_csv()))


def page_rows(*runs):
    """An export as W&B's page saves it: one column for each value, nested names with dots."""
    rows = []
    for i, (config, summary) in enumerate(runs):
        flat = {k: v for k, v in config.items() if not isinstance(v, dict)}
        for group in ("attention", "data"):
            flat |= {f"{group}.{k}": v for k, v in config.get(group, {}).items()}
        state = "failed" if summary.get("state") == "FAILED" else "finished"
        head = {"Name": f"run {i}", "State": state, "Tags": "a, b", "Created": "2026-11-21"}
        rows.append(head | flat | summary)
    return pd.read_csv(io.StringIO(pd.DataFrame(rows).to_csv(index=False)))


@pytest.fixture(params=[api_rows, page_rows], ids=["api", "page"])
def export(request):
    return request.param


def change(**values):
    return (CONFIG | {k: v for k, v in values.items() if k not in SUMMARY}, SUMMARY | values)


def test_a_run_of_ours_is_read_whole(export):
    [row] = as_runs(export((CONFIG, SUMMARY))).to_dict("records")
    assert row.items() >= {
        "study": "first", "run": "aa", "attempt": 1, "arm": "x", "label": "reduction=4", "seed": 0,
        "stage": "grid", "state": "COMPLETE", "data": "digits", "metric": "val_loss",
        "attention.gate": "sigmoid", "attention.reduction": 4, "hidden": [4, 8],
        "channels": [16, 32], "c2_eff": 1280, "params": 100, "attention_params": 10, "macs": 9,
        "epochs_run": 3, "epochs_planned": 3, "val_loss": 0.5, "seconds": 1.5, "device": "cpu",
    }.items()  # fmt: skip


def test_a_run_that_was_tried_again_counts_once(export):
    failed = change(attempt=1, state="FAILED")
    done = change(attempt=2)
    handed_back = change(attempt=3, state="HANDED_BACK")
    frame = as_runs(export(failed, done, handed_back))
    assert list(zip(frame["attempt"], frame["state"], strict=True)) == [(2, "COMPLETE")]


def test_an_attempt_without_a_result_is_running_as_in_the_study_folder(export):
    frame = as_runs(export(change(run="a", state="LOST"), change(run="b", state="HANDED_BACK")))
    assert list(frame["state"]) == ["RUNNING", "RUNNING"]


def test_only_the_study_that_is_asked_for(export):
    rows = export(change(run="a"), change(run="b", study="second"))
    assert list(as_runs(rows, study="second")["run"]) == ["b"]
    with pytest.raises(TableError, match=r"there is no run of study 'third'\."):
        as_runs(rows, study="third")


def test_two_studies_of_one_name_are_told_apart(export):
    rows = export(change(study_id="first-1"), change(study_id="first-2", state="FAILED"))
    assert len(as_runs(rows)) == 2
    assert list(as_runs(rows, study="first-2")["state"]) == ["FAILED"]


def test_the_baseline_is_that_of_the_study(export):
    other = change(
        run="bb", arm="y", baseline_arm="x", attention={"reduction": 8, "gate": "sigmoid"}
    )
    frame = as_runs(export(change(baseline_arm="x"), other))
    assert frame.attrs["baseline"] == {"attention.reduction": 4}
    assert as_runs(export((CONFIG, SUMMARY), other)).attrs["baseline"] == {"attention.reduction": 4}
    assert as_runs(export((CONFIG, SUMMARY))).attrs["baseline"] == {}


def test_the_studys_own_run_is_no_row(export):
    own = ({"study": "first", "study_id": "first-1", "seeds": 2}, {"runs/ended": 1})
    assert len(as_runs(export((CONFIG, SUMMARY), own))) == 1


def test_runs_of_another_program_name_their_factors(export):
    theirs = [
        ({"lr": lr, "seed": seed, "depth": 8}, {"val_loss": lr + seed, "epochs_run": 3})
        for lr in (0.1, 0.2)
        for seed in (0, 1)
    ]
    frame = as_runs(export(*theirs), factors=["lr"])
    assert list(frame["lr"]) == [0.1, 0.1, 0.2, 0.2]
    assert frame["arm"].nunique() == 2
    assert list(frame["val_loss"]) == [0.1, 1.1, 0.2, 1.2]
    message = r"run 'run 0' does not say what varies; name the configuration values that do"
    with pytest.raises(TableError, match=message):
        as_runs(export(*theirs))


def test_runs_without_seeds_share_none(export):
    runs = [({"lr": lr}, {"val_loss": lr + i / 100}) for i, lr in enumerate((0.1, 0.2, 0.1, 0.2))]
    frame = as_runs(export(*runs), factors=["lr"])
    assert frame["seed"].isna().all()
    table = from_frame(frame, factors=["lr"])
    assert table.frame["seed"].is_unique
    assert cells_of(table).runs.tolist() == [2, 2]


@pytest.mark.parametrize("seed", ["s0", 0.5])
def test_a_seed_that_is_no_whole_number_is_refused(export, seed):
    message = rf"run 'run 0': `seed` must be a whole number, but is {seed!r}\."
    with pytest.raises(TableError, match=message):
        as_runs(export(({"lr": 0.1, "seed": seed}, {"val_loss": 1.0})), factors=["lr"])


def test_a_factor_that_no_run_has_is_refused_with_the_nearest(export):
    message = r"no run has `learning_rate` in its configuration\. Did you mean 'learn_rate'\?"
    run = ({"learn_rate": 0.1, "seed": 0}, {"val_loss": 1.0})
    with pytest.raises(TableError, match=message):
        as_runs(export(run), factors=["learning_rate"])


@pytest.mark.parametrize(
    "names",
    [
        ("attention.reduction", "seed", "val_loss"),
        ("attention.value.reduction", "seed.value", "val_loss"),
        ("config.attention.reduction", "config.seed", "summary.val_loss"),
    ],
)
def test_columns_are_known_by_the_names_that_views_give_them(names):
    ratio, seed, loss = names
    frame = pd.DataFrame(
        {"Name": ["a", "b"], "State": ["finished", "crashed"], ratio: [4, 8], seed: [0, 1],
         loss: [0.5, None]}
    )  # fmt: skip
    found = as_runs(frame, factors=["attention.reduction"])
    assert found["attention.reduction"].tolist() == [4, 8]
    assert found["seed"].tolist() == [0, 1]
    assert found["state"].tolist() == ["COMPLETE", "FAILED"]
    assert found["val_loss"].tolist()[0] == 0.5
    assert np.isnan(found["val_loss"].tolist()[1])


@pytest.mark.parametrize(
    "config",
    [
        {"attention": {"reduction": 4}, "seed": 0},
        "{'attention': {'reduction': 4}, 'seed': 0}",
        '{"attention": {"reduction": 4}, "seed": 0, "augment": true, "notes": null}',
        '{"attention": {"value": {"reduction": 4}, "desc": null}, "seed": {"value": 0}}',
    ],
    ids=["dict", "python", "json", "as the server keeps it"],
)
def test_a_configuration_is_read_in_each_form_that_it_is_written_in(config):
    frame = pd.DataFrame(
        [
            {
                "id": "q1",
                "name": "a",
                "state": "finished",
                "config": config,
                "summary": '{"val_loss": NaN}',
            }
        ]
    )
    [row] = as_runs(frame, factors=["attention.reduction"]).to_dict("records")
    assert (row["run"], row["attention.reduction"], row["seed"]) == ("q1", 4, 0)
    assert (row["state"], row["val_loss"]) == ("COMPLETE", None)


def test_a_number_that_is_not_finite_is_missing():
    frame = as_runs(api_rows(change(val_loss=float("nan")), change(run="b", val_loss=np.inf)))
    assert frame["val_loss"].isna().all()


def test_the_words_nan_and_inf_in_a_text_stay():
    frame = as_runs(api_rows(change(label="nan of inf")))
    assert list(frame["label"]) == ["nan of inf"]


def test_an_export_can_not_run_code(tmp_path):
    rows = pd.DataFrame(
        [{"name": "a", "config": f"open({str(tmp_path / 'x')!r}, 'w')", "summary": "{}"}]
    )
    with pytest.raises(TableError, match=r"run 'a': `config` and `summary` must be dicts"):
        as_runs(rows)
    assert not (tmp_path / "x").exists()


def test_another_table_is_refused():
    with pytest.raises(TableError, match=r"but this table has a, b\."):
        as_runs(pd.DataFrame({"a": [1], "b": [2]}))


def test_an_export_is_recognised_by_its_columns():
    assert is_export(page_rows((CONFIG, SUMMARY)).columns)
    assert is_export(api_rows((CONFIG, SUMMARY)).columns)
    assert not is_export(["seed", "val_loss", "r"])


def test_a_file_is_read_as_its_rows(tmp_path):
    page_rows((CONFIG, SUMMARY)).to_csv(tmp_path / "wandb.csv", index=False)
    assert list(read_export(tmp_path / "wandb.csv")["run"]) == ["aa"]


def test_a_folder_without_offline_files_is_refused(tmp_path):
    with pytest.raises(TableError, match=r"holds no offline file of W&B \(`run-\*.wandb`\)\."):
        read_offline(tmp_path)


def test_of_a_wide_export_one_run_is_held_at_a_time(monkeypatch):
    held = []

    def counted(*given):
        run = from_page(*given)
        assert sum(one() is not None for one in held) <= 1  # the one before, until it is replaced
        held.append(weakref.ref(run))
        return run

    from_page = wandb_export._from_page
    monkeypatch.setattr(wandb_export, "_from_page", counted)
    told = {"State": "finished", "g": "a"}
    rows = [{"Name": f"r{s}", **told, "seed": s, "val_loss": 1.0 + s} for s in range(5)]
    found = as_runs(pd.DataFrame(rows), factors=["g"])
    assert found["val_loss"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert len(held) == 5
