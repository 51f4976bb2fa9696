import pytest

from ablations.tracking.wandb.view import (
    realised_ratio,
    run_id,
    study_id,
    view_epoch,
    view_progress,
    view_result,
    view_run,
    view_study,
)


def test_a_run_shows_its_factors_cost_realised_ratio_and_seed(study, planned):
    config = view_run(study, planned, 1).config
    assert config["attention"] == {"gate": "sigmoid", "placement": "standard", "reduction": 2}
    assert config["factors"] == ["attention.gate", "attention.reduction"]
    assert (config["params"], config["attention_params"], config["c2_eff"]) == (2280, 1280, 1280)
    assert (config["hidden"], config["channels"], config["seed"]) == ([8, 16], [16, 32], 0)
    assert config["realised_ratio"] == [2.0, 2.0]


def test_an_arm_without_attention_has_no_ratio(study, plan):
    view = view_run(study, plan(None), 1)
    assert view.config["attention"]["reduction"] is None
    assert view.config["realised_ratio"] == []
    assert "no attention" in view.tags


def test_the_realised_ratio_is_that_of_the_network_and_not_the_one_asked_for():
    assert realised_ratio({"channels": [16, 32], "hidden": [3, 5]}) == [16 / 3, 32 / 5]


def test_a_run_is_grouped_by_study_typed_by_stage_and_tagged_by_levels(study, planned):
    view = view_run(study, planned, 1)
    assert (view.group, view.job_type, view.name) == ("first", "grid", "reduction=2 seed 0")
    assert view.tags == ("gate=sigmoid", "reduction=2", "seed=0")


def test_a_study_whose_rule_was_changed_is_tagged_exploratory(study):
    assert "exploratory" not in view_study(study).tags
    view = view_study(study | {"rule_changes": [{"after": 5, "changes": [], "was": {}}]})
    assert "exploratory" in view.tags
    assert view.config["exploratory"] == "the rule was changed after the look at 5 seeds"


def test_an_id_is_made_of_study_run_and_attempt_and_repeats(study, planned):
    assert run_id(study, planned.run, 2) == f"{study_id(study)}-{planned.run}-2"
    assert study_id(study).startswith("first-")
    assert study_id(dict(study)) == study_id(study)


@pytest.mark.parametrize(
    "change", [{"created": "2026-11-22"}, {"study": "second"}, {"study": "first "}]
)
def test_another_study_has_another_id(study, change):
    assert study_id(study | change) != study_id(study)


def test_an_id_has_no_character_that_wandb_refuses(study):
    assert not set(study_id(study | {"study": "a/b c:d?#%" + "é" * 200})) & set("/\\#?%: é")
    assert len(run_id(study | {"study": "x" * 500}, "0123456789", 100)) <= 128


def test_a_tag_is_cut_to_what_wandb_takes(study, plan):
    planned = plan(2)
    planned.factors["attention.gate"] = "some.package:" + "f" * 100
    assert max(map(len, view_run(study, planned, 1).tags)) == 64


def test_only_a_complete_run_has_final_values(planned, result):
    assert view_result(result(planned)).summary["val_loss"] == 0.5
    assert "val_loss" not in view_result(result(planned, "PRUNED")).summary
    assert "val_loss" not in view_result(result(planned, "FAILED")).summary


def test_failed_and_pruned_runs_look_it(planned, result):
    ends = {
        state: view_result(result(planned, state)) for state in ("COMPLETE", "PRUNED", "FAILED")
    }
    assert {state: end.exit_code for state, end in ends.items()} == {
        "COMPLETE": 0,
        "PRUNED": 0,
        "FAILED": 1,
    }
    assert {state: end.tags for state, end in ends.items()} == {
        "COMPLETE": ("complete",),
        "PRUNED": ("pruned",),
        "FAILED": ("failed",),
    }
    assert ends["FAILED"].summary["error"] == "NonFinite"


def test_nothing_private_is_sent(study, planned, result):
    planned.settings["arm"]["training"] = {"token": "canary", "epochs": 3}
    planned.settings["canary"] = "canary"
    sent = [view_study(study), view_run(study, planned, 1), view_result(result(planned, "FAILED"))]
    assert "canary" not in repr(sent)
    assert view_run(study, planned, 1).config["training"] == {"epochs": 3}


def test_an_epoch_is_its_numbers(epoch):
    assert view_epoch(epoch(2) | {"note": "text", "flag": True}) == epoch(2)


def test_progress_counts_what_ended():
    row = view_progress({"COMPLETE": 3, "FAILED": 1}, 0.25)
    assert row == {"runs/complete": 3, "runs/failed": 1, "runs/ended": 4, "best_value": 0.25}
